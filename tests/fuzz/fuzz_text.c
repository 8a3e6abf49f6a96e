/* fuzz_text.c - UTF-8, JSON strings, numbers: base against another opinion */
#include "fuzz.h"

#include <jansson.h>

#include "base/buf.h"
#include "base/units.h"
#include "base/utf8.h"

/* RFC 3629 section 4, by its table; slowly. */
static size_t reference_char(const uint8_t *at, size_t len)
{
    static const struct {
        uint8_t first[2];
        uint8_t second[2];
        size_t size;
    } rows[] = {
        { { 0x00, 0x7f }, { 0, 0 }, 1 },
        { { 0xc2, 0xdf }, { 0x80, 0xbf }, 2 },
        { { 0xe0, 0xe0 }, { 0xa0, 0xbf }, 3 },
        { { 0xe1, 0xec }, { 0x80, 0xbf }, 3 },
        { { 0xed, 0xed }, { 0x80, 0x9f }, 3 },
        { { 0xee, 0xef }, { 0x80, 0xbf }, 3 },
        { { 0xf0, 0xf0 }, { 0x90, 0xbf }, 4 },
        { { 0xf1, 0xf3 }, { 0x80, 0xbf }, 4 },
        { { 0xf4, 0xf4 }, { 0x80, 0x8f }, 4 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (at[0] < rows[i].first[0] || at[0] > rows[i].first[1]) {
            continue;
        }
        if (len < rows[i].size ||
            (rows[i].size > 1 &&
             (at[1] < rows[i].second[0] || at[1] > rows[i].second[1]))) {
            return 0;
        }
        for (size_t k = 2; k < rows[i].size; k++) {
            if ((at[k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return rows[i].size;
    }
    return 0;
}

static bool reference_valid(const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t size = reference_char(data, len);

        if (size == 0) {
            return false;
        }
        data += size;
        len -= size;
    }
    return true;
}

static void check_utf8(const uint8_t *data, size_t len)
{
    bool valid = reference_valid(data, len);
    uint32_t state = 0;
    bool so_far = true;

    fuzz_check(utf8_valid(data, len) == valid);
    for (size_t i = 0; i < len && so_far; i++) {
        fuzz_check(state == 0 || i > 0);
        so_far = utf8_check(&state, data + i, 1);
    }
    fuzz_check((so_far && state == 0) == valid);
    if (len > 0) {
        fuzz_check(utf8_char(data, len) == reference_char(data, len));
    }
    /* In two pieces, wherever they are cut. */
    for (size_t cut = 1; cut < len && cut < 40; cut++) {
        state = 0;
        so_far = utf8_check(&state, data, cut) &&
                 utf8_check(&state, data + cut, len - cut) && state == 0;
        fuzz_check(so_far == valid);
    }
}

/* A JSON parser takes it, and finds in it what was put there. */
static void check_json(const uint8_t *data, size_t len)
{
    struct buf buf = { 0 };
    json_t *value;

    buf_add_json(&buf, (const char *)data, len);
    fuzz_check(!buf.failed);
    value =
        json_loadb(buf.data, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    fuzz_check(json_is_string(value));
    if (reference_valid(data, len)) {
        fuzz_check(json_string_length(value) == len);
        fuzz_check(len == 0 ||
                   memcmp(json_string_value(value), data, len) == 0);
    }
    json_decref(value);
    buf_free(&buf);
}

static void check_units(const char *text)
{
    char out[64];
    int64_t value, again;
    bool truth;

    if (units_parse_bytes(text, &value) == 0) {
        fuzz_check(value >= 0);
        units_format_bytes(value, out, sizeof out);
        fuzz_check(units_parse_bytes(out, &again) == 0 && again == value);
    }
    if (units_parse_ms(text, &value) == 0) {
        fuzz_check(value >= 0);
        units_format_ms(value, out, sizeof out);
        fuzz_check(units_parse_ms(out, &again) == 0 && again == value);
    }
    if (units_parse_int(text, &value) == 0) {
        snprintf(out, sizeof out, "%lld", (long long)value);
        fuzz_check(units_parse_int(out, &again) == 0 && again == value);
    }
    units_parse_bool(text, &truth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const words[] = { "listen", "limits", "log", NULL };
    uint8_t *copy = fuzz_copy(data, len);
    char *text = fuzz_text(data, len);

    check_utf8(copy, len);
    check_json(copy, len);
    check_units(text);
    units_nearest(text, words);
    free(text);
    free(copy);
    return 0;
}
