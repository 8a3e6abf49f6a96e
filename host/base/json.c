/* json.c - text as it stands in a JSON string (RFC 8259 7) */
#include "base/json.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static char short_form(unsigned char byte)
{
    switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

static bool is_c1(const char *text, size_t len)
{
    return len >= 2 && (unsigned char)text[0] == 0xc2 &&
           (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0;
}

static size_t escape(char out[JSON_CHAR_MAX], unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    memcpy(out, "\\u00", 4);
    out[4] = digits[byte >> 4];
    out[5] = digits[byte & 15];
    return 6;
}

size_t json_char(char out[JSON_CHAR_MAX], const char *text, size_t len,
                 size_t *used)
{
    unsigned char byte = (unsigned char)text[0];
    char letter = short_form(byte);

    *used = 1;
    if (letter != 0) {
        out[0] = '\\';
        out[1] = letter;
        return 2;
    }
    if (byte < 0x20 || byte == 0x7f) {
        return escape(out, byte);
    }
    if (is_c1(text, len)) {
        *used = 2;
        return escape(out, (unsigned char)text[1]);
    }
    if (byte < 0x80) {
        out[0] = text[0];
        return 1;
    }
    *used = utf8_char(text, len);
    if (*used == 0) {
        *used = 1;
        memcpy(out, "\xef\xbf\xbd", 3);
        return 3;
    }
    memcpy(out, text, *used);
    return *used;
}

void json_put(FILE *out, const char *json, size_t len)
{
    char escaped[JSON_CHAR_MAX];

    for (size_t at = 0; at < len; at++) {
        if (json[at] == 0x7f) {
            fwrite(escaped, 1, escape(escaped, 0x7f), out);
        } else if (is_c1(json + at, len - at)) {
            at++;
            fwrite(escaped, 1, escape(escaped, (unsigned char)json[at]), out);
        } else {
            putc(json[at], out);
        }
    }
}
