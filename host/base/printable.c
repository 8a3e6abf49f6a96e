/* printable.c - text from elsewhere, as it may stand on a terminal */
#include "base/printable.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

size_t printable_char(char out[PRINTABLE_CHAR_MAX], const char *text,
                      size_t len, size_t *used)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)text[0];
    size_t size = utf8_char(text, len);
    bool c1 = size == 2 && byte == 0xc2 && (unsigned char)text[1] < 0xa0;

    if (size > 0 && byte >= 0x20 && byte != 0x7f && !c1) {
        *used = size;
        memcpy(out, text, size);
        return size;
    }
    *used = 1;
    out[0] = '\\';
    if (byte == '\n' || byte == '\r' || byte == '\t') {
        out[1] = byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
        return 2;
    }
    if (c1) {
        *used = 2;
        byte = (unsigned char)text[1];
    }
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

/* The same, but for those that are to be kept. */
static size_t one(char out[PRINTABLE_CHAR_MAX], const char *text, size_t len,
                  const char *keep, size_t *used)
{
    if (text[0] != 0 && strchr(keep, text[0]) != NULL) {
        out[0] = text[0];
        *used = 1;
        return 1;
    }
    return printable_char(out, text, len, used);
}

void printable_add(struct buf *buf, const char *text, size_t len,
                   const char *keep)
{
    char out[PRINTABLE_CHAR_MAX];
    size_t used;

    for (size_t at = 0; at < len; at += used) {
        size_t size = one(out, text + at, len - at, keep, &used);

        buf_add(buf, out, size);
    }
}

void printable_put(FILE *out, const char *text, size_t len, const char *keep)
{
    char each[PRINTABLE_CHAR_MAX];
    size_t used;

    for (size_t at = 0; at < len; at += used) {
        size_t size = one(each, text + at, len - at, keep, &used);

        fwrite(each, 1, size, out);
    }
}
