/* text.c - names and messages as people write them: characters, not bytes */
#include "text.h"

#include <stdint.h>
#include <string.h>

/* The character at the start of text (RFC 3629) and how many bytes it takes;
 * 0 if there is none. */
static size_t decode(const char *text, size_t len, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = 1;
    uint32_t c;

    if (len == 0) {
        return 0;
    }
    c = byte[0];
    if (c >= 0xf0 && c <= 0xf4) {
        size = 4;
        c &= 0x07;
    } else if (c >= 0xe0 && c < 0xf0) {
        size = 3;
        c &= 0x0f;
    } else if (c >= 0xc2 && c < 0xe0) {
        size = 2;
        c &= 0x1f;
    } else if (c >= 0x80) {
        return 0;
    }
    if (len < size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (byte[i] & 0x3f);
    }
    if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }
    *out = c;
    return size;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Nothing to see, or it changes how the text around it is shown: with these,
 * one member could pose as another. The joiners U+200C and U+200D stay, since
 * Persian and emoji need them. */
static bool is_hidden(uint32_t c)
{
    return is_control(c) || c == 0xad || c == 0x61c || c == 0x180e ||
           c == 0x200b || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0xfeff || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Blank at the end of a name, where a joiner joins nothing. */
static bool is_blank(uint32_t c)
{
    return c == ' ' || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200d) || c == 0x202f || c == 0x205f ||
           c == 0x2800 || c == 0x3000 || c == 0x3164;
}

bool text_name(char out[TEXT_NAME_SIZE], const char *raw)
{
    size_t len = strlen(raw);
    size_t first = 0, end = 0; /* bytes: the name without the blanks */
    size_t blanks = 0, chars = 0, size;
    uint32_t c;

    for (size_t at = 0; at < len; at += size) {
        size = decode(raw + at, len - at, &c);
        if (size == 0 || is_hidden(c)) {
            return false;
        }
        if (is_blank(c)) {
            blanks++;
            continue;
        }
        if (chars == 0) {
            first = at;
            blanks = 0;
        }
        chars += blanks + 1;
        blanks = 0;
        end = at + size;
    }
    if (chars == 0 || chars > TEXT_NAME_MAX) {
        return false;
    }
    memcpy(out, raw + first, end - first);
    out[end - first] = '\0';
    return true;
}

void text_trim(const char **text, size_t *len)
{
    static const char blanks[] = " \t\r\n";

    while (*len > 0 && memchr(blanks, **text, sizeof blanks - 1) != NULL) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 &&
           memchr(blanks, (*text)[*len - 1], sizeof blanks - 1) != NULL) {
        (*len)--;
    }
}

long text_length(const char *text, size_t len)
{
    long chars = 0;
    size_t size;
    uint32_t c;

    for (size_t at = 0; at < len; at += size) {
        size = decode(text + at, len - at, &c);
        if (size == 0 ||
            (is_control(c) && c != '\t' && c != '\n' && c != '\r')) {
            return -1;
        }
        chars++;
    }
    return chars;
}
