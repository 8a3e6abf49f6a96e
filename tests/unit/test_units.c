/* test_units.c - numbers, sizes and times as people write them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

typedef int parser(const char *text, int64_t *value);

static void gives(parser *parse, const char *text, int64_t expected)
{
    int64_t value = -77;

    assert_int_equal(parse(text, &value), 0);
    assert_true(value == expected);
}

static void fails(parser *parse, const char *text, int expected)
{
    int64_t value = -77;
    int result = parse(text, &value);

    if (result != expected) {
        print_error("\"%s\": %d\n", text, result);
    }
    assert_int_equal(result, expected);
    assert_true(value == -77);
}

static void ints(void **state)
{
    (void)state;
    gives(units_parse_int, "0", 0);
    gives(units_parse_int, "42", 42);
    gives(units_parse_int, "-7", -7);
    gives(units_parse_int, "+7", 7);
    gives(units_parse_int, "010", 10);
    gives(units_parse_int, "9223372036854775807", INT64_MAX);
    fails(units_parse_int, "9223372036854775808", -2);
    fails(units_parse_int, "99999999999999999999999", -2);
    fails(units_parse_int, "", -1);
    fails(units_parse_int, "-", -1);
    fails(units_parse_int, "--1", -1);
    fails(units_parse_int, " 1", -1);
    fails(units_parse_int, "1 ", -1);
    fails(units_parse_int, "0x10", -1);
    fails(units_parse_int, "1.5", -1);
    fails(units_parse_int, "1k", -1);
    fails(units_parse_int, "99999999999999999999999x", -1);
}

static void sizes(void **state)
{
    (void)state;
    gives(units_parse_bytes, "0", 0);
    gives(units_parse_bytes, "512", 512);
    gives(units_parse_bytes, "64k", 65536);
    gives(units_parse_bytes, "16m", 16777216);
    gives(units_parse_bytes, "1g", 1073741824);
    gives(units_parse_bytes, "8589934591g", INT64_MAX - 1073741823);
    fails(units_parse_bytes, "8589934592g", -2);
    fails(units_parse_bytes, "99999999999999999999m", -2);
    fails(units_parse_bytes, "", -1);
    fails(units_parse_bytes, "k", -1);
    fails(units_parse_bytes, "-1k", -1);
    fails(units_parse_bytes, "1 k", -1);
    fails(units_parse_bytes, "1kb", -1);
    fails(units_parse_bytes, "1K", -1);
    fails(units_parse_bytes, "1s", -1);
    fails(units_parse_bytes, "1.5m", -1);
}

static void times(void **state)
{
    (void)state;
    gives(units_parse_ms, "0", 0);
    gives(units_parse_ms, "0s", 0);
    gives(units_parse_ms, "250ms", 250);
    gives(units_parse_ms, "30s", 30000);
    gives(units_parse_ms, "5m", 300000);
    gives(units_parse_ms, "1h", 3600000);
    gives(units_parse_ms, "1d", 86400000);
    fails(units_parse_ms, "30", -1);
    fails(units_parse_ms, "00", -1);
    fails(units_parse_ms, "", -1);
    fails(units_parse_ms, "s", -1);
    fails(units_parse_ms, "-1s", -1);
    fails(units_parse_ms, "1S", -1);
    fails(units_parse_ms, "1m30s", -1);
    fails(units_parse_ms, "9223372036854775807d", -2);
}

static void bools(void **state)
{
    static const char *const yes[] = { "yes", "on", "true", "1", "Yes", "ON" };
    static const char *const no[] = { "no", "off", "false", "0", "No", "OFF" };
    static const char *const none[] = { "", "y", "2", "yess", "nein", " yes" };
    bool value;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        value = false;
        assert_int_equal(units_parse_bool(yes[i], &value), 0);
        assert_true(value);
        assert_int_equal(units_parse_bool(no[i], &value), 0);
        assert_false(value);
        assert_int_equal(units_parse_bool(none[i], &value), -1);
    }
}

typedef char *formatter(int64_t value, char *out, size_t size);

/* The shortest form, and it reads back as the same number. */
static void writes(formatter *format, parser *parse, int64_t value,
                   const char *expected)
{
    char text[32];

    assert_ptr_equal(format(value, text, sizeof text), text);
    assert_string_equal(text, expected);
    gives(parse, text, value);
}

static void formats(void **state)
{
    (void)state;
    writes(units_format_bytes, units_parse_bytes, 0, "0");
    writes(units_format_bytes, units_parse_bytes, 1, "1");
    writes(units_format_bytes, units_parse_bytes, 1536, "1536");
    writes(units_format_bytes, units_parse_bytes, 4096, "4k");
    writes(units_format_bytes, units_parse_bytes, 1048576, "1m");
    writes(units_format_bytes, units_parse_bytes, INT64_C(1) << 40, "1024g");
    writes(units_format_ms, units_parse_ms, 0, "0");
    writes(units_format_ms, units_parse_ms, 20, "20ms");
    writes(units_format_ms, units_parse_ms, 1500, "1500ms");
    writes(units_format_ms, units_parse_ms, 30000, "30s");
    writes(units_format_ms, units_parse_ms, 90000, "90s");
    writes(units_format_ms, units_parse_ms, 3600000, "1h");
    writes(units_format_ms, units_parse_ms, 30 * INT64_C(86400000), "30d");
}

static void nearest(void **state)
{
    static const char *const words[] = { "listen",    "workers", "plugin_dir",
                                         "run_dir",   "user",    "drain",
                                         "ping",      "idle",    "key",
                                         "ping_wait", "on",      NULL };
    static const char *const none[] = { NULL };
    static const struct {
        const char *word;
        const char *meant;
    } cases[] = {
        { "lisen", "listen" },
        { "litsen", "listen" },
        { "Listen", "listen" },
        { "listens", "listen" },
        { "worker", "workers" },
        { "plugins_dir", "plugin_dir" },
        { "plugin-dir", "plugin_dir" },
        { "rundir", "run_dir" },
        { "pign", "ping" },
        { "ping_wiat", "ping_wait" },
        { "kye", "key" },
        { "ken", "key" },
        { "compress", NULL },
        { "x", NULL },
        { "", NULL },
        { "abc", NULL },
        { "onn", "on" },
    };
    char longer[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = units_nearest(cases[i].word, words);

        if (cases[i].meant == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(found, cases[i].meant);
        }
    }
    memset(longer, 'l', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_null(units_nearest(longer, words));
    assert_null(units_nearest("listen", none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ints),    cmocka_unit_test(sizes),
        cmocka_unit_test(times),   cmocka_unit_test(bools),
        cmocka_unit_test(formats), cmocka_unit_test(nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
