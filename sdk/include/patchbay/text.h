/*
 * patchbay/text.h - names and messages as people write them: characters rather
 * than bytes. Apart from patchbay.h: include it where it is of use. Nothing here
 * calls the host.
 */
#ifndef PATCHBAY_TEXT_H
#define PATCHBAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bay_text_kind {
    BAY_TEXT_LINE, /* a name, a title: all of it is to be seen */
    BAY_TEXT_LINES /* a message */
};

/*
 * Leaves out the blanks at both ends of a text, and counts the characters
 * (Unicode code points) that are left: 0 if nothing is to be seen. -1 if it is
 * no UTF-8 (RFC 3629), or one character has no place in it: a control character,
 * apart from tabs and line ends in BAY_TEXT_LINES; and in BAY_TEXT_LINE one that
 * is invisible or turns the direction of what stands around it, with which one
 * person could pose as another. The joiners U+200C and U+200D, which Persian and
 * emoji need, are fine between others.
 */
static inline long bay_text_trim(const char **text, size_t *len,
                                 enum bay_text_kind kind);

/* Copies a name with the ASCII letters made small, so that it is the same
 * whichever way it is written; cut if size does not hold it and a 0 byte. */
static inline void bay_text_fold(char *out, size_t size, const char *name);

/* ---- how --------------------------------------------------------------- */

static inline bool bay_text_is_in(const uint32_t (*ranges)[2], uint32_t c)
{
    while (c < (*ranges)[0] || c > (*ranges)[1]) {
        ranges++;
    }
    return (*ranges)[0] != 0 || (*ranges)[1] != UINT32_MAX;
}

static inline bool bay_text_is_control(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
           (c >= 0x7f && c < 0xa0);
}

static inline bool bay_text_is_hidden(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        { 0, 0x1f },        { 0x7f, 0x9f },       { 0xad, 0xad },
        { 0x61c, 0x61c },   { 0x180e, 0x180e },   { 0x200b, 0x200b },
        { 0x200e, 0x200f }, { 0x2028, 0x202e },   { 0x2060, 0x206f },
        { 0xfeff, 0xfeff }, { 0xe0000, 0xe0fff }, { 0, UINT32_MAX }
    };

    return bay_text_is_in(ranges, c);
}

/* At an end of a text there is nothing to join: there the joiners are blanks. */
static inline bool bay_text_is_blank(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        { '\t', '\r' },     { ' ', ' ' },       { 0xa0, 0xa0 },
        { 0x1680, 0x1680 }, { 0x2000, 0x200d }, { 0x202f, 0x202f },
        { 0x205f, 0x205f }, { 0x2800, 0x2800 }, { 0x3000, 0x3000 },
        { 0x3164, 0x3164 }, { 0, UINT32_MAX }
    };

    return bay_text_is_in(ranges, c);
}

/* The character at the start, and how many bytes it takes; 0 if there is none
 * (RFC 3629 section 4). */
static inline size_t bay_text_decode(const char *text, size_t len, uint32_t *c)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = *byte < 0x80 ? 1 : *byte < 0xe0 ? 2 : *byte < 0xf0 ? 3 : 4;

    *c = size == 1 ? *byte : *byte & (0x7fu >> size);
    if (size > len || (*byte >= 0x80 && *byte < 0xc2) || *byte > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
        *c = *c << 6 | (byte[i] & 0x3fu);
    }
    return *c >= least[size] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff)
               ? size
               : 0;
}

static inline long bay_text_trim(const char **text, size_t *len,
                                 enum bay_text_kind kind)
{
    size_t first = 0, end = 0, size;
    long chars = 0, blanks = 0; /* blanks: since the last other character */
    uint32_t c;

    for (size_t at = 0; at < *len; at += size) {
        size = bay_text_decode(*text + at, *len - at, &c);
        if (size == 0 || (kind == BAY_TEXT_LINE ? bay_text_is_hidden(c)
                                                : bay_text_is_control(c))) {
            return -1;
        }
        if (bay_text_is_blank(c)) {
            blanks += chars > 0;
            continue;
        }
        first = chars == 0 ? at : first;
        chars += blanks + 1;
        blanks = 0;
        end = at + size;
    }
    *text += first;
    *len = end - first;
    return chars;
}

static inline void bay_text_fold(char *out, size_t size, const char *name)
{
    size_t i = 0;

    for (; i + 1 < size && name[i] != '\0'; i++) {
        bool capital = name[i] >= 'A' && name[i] <= 'Z';

        out[i] = (char)(capital ? name[i] - 'A' + 'a' : name[i]);
    }
    out[i] = '\0';
}

#ifdef __cplusplus
}
#endif

#endif /* PATCHBAY_TEXT_H */
