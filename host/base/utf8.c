/* utf8.c - is it UTF-8? asked piece by piece (RFC 3629, RFC 6455 8.1) */
#include "base/utf8.h"

#include <string.h>

/*
 * Inside a character the state holds what may follow: how many bytes are
 * missing, and the bounds of the next one. Only E0, ED, F0 and F4 narrow the
 * bounds, and only for the byte right behind them: that shuts out overlong
 * forms, surrogates and what lies above U+10FFFF.
 */
#define STATE(need, low, high) \
    ((uint32_t)(need) | (uint32_t)(low) << 8 | (uint32_t)(high) << 16)
#define STATE_NEED(state) ((state)&0xffu)
#define STATE_LOW(state)  ((state) >> 8 & 0xffu)
#define STATE_HIGH(state) ((state) >> 16 & 0xffu)

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* What must follow a first byte of 0x80 and above; 0: it cannot be a first. */
static uint32_t lead(unsigned char byte)
{
    if (byte < 0xc2) {
        return 0;
    }
    if (byte < 0xe0) {
        return STATE(1, 0x80, 0xbf);
    }
    if (byte < 0xf0) {
        return STATE(2, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf);
    }
    if (byte < 0xf5) {
        return STATE(3, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf);
    }
    return 0;
}

/* How many bytes in memory order stand before the first one of 0x80 and above.
 * word has one. */
static unsigned ascii_before(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (unsigned)__builtin_ctzll(word & HIGH_BITS) / 8;
#else
    return (unsigned)__builtin_clzll(word & HIGH_BITS) / 8;
#endif
}

/* Steps over ASCII, 16 bytes at a time while they last. */
static const unsigned char *skip_ascii(const unsigned char *at,
                                       const unsigned char *end)
{
    uint64_t words[2];

    while (end - at >= 16) {
        memcpy(words, at, 16);
        if (((words[0] | words[1]) & HIGH_BITS) != 0) {
            return (words[0] & HIGH_BITS) != 0
                       ? at + ascii_before(words[0])
                       : at + 8 + ascii_before(words[1]);
        }
        at += 16;
    }
    while (at < end && *at < 0x80) {
        at++;
    }
    return at;
}

/* The first byte is the lowest. */
static uint32_t load(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

/* The size of the character in the lowest bytes, from 2 to 4; 0: there is none.
 * Of each form first the bits that mark it, then those that tell whether it is
 * overlong, a surrogate, or above U+10FFFF. */
static unsigned whole(uint32_t bytes)
{
    if ((bytes & 0x00c0c0f0) == 0x008080e0) {
        uint32_t top = bytes & 0x200f;

        return top != 0 && top != 0x200d ? 3 : 0;
    }
    if ((bytes & 0x0000c0e0) == 0x000080c0) {
        return (bytes & 0x1e) != 0 ? 2 : 0;
    }
    if ((bytes & 0xc0c0c0f8) == 0x808080f0) {
        uint32_t top = (bytes & 7) << 2 | (bytes >> 12 & 3);

        return top >= 1 && top <= 16 ? 4 : 0;
    }
    return 0;
}

/* Steps over characters that lie whole in [at, end) and are not ASCII. Stops
 * before ASCII, a fault or the last three bytes. */
static const unsigned char *skip_whole(const unsigned char *at,
                                       const unsigned char *end)
{
    unsigned size;

    while (end - at >= 4 && (size = whole(load(at))) != 0) {
        at += size;
    }
    return at;
}

bool utf8_check(uint32_t *state, const void *data, size_t len)
{
    const unsigned char *at = data;
    const unsigned char *end = at + len;
    uint32_t now = *state;

    if (len == 0) {
        return true;
    }
    while (at < end) {
        if (now == UTF8_START) {
            at = skip_ascii(at, end);
            at = skip_whole(at, end);
            if (at == end) {
                break;
            }
            if (*at >= 0x80) {
                now = lead(*at);
                if (now == 0) {
                    return false;
                }
                at++;
            }
            continue;
        }
        if (*at < STATE_LOW(now) || *at > STATE_HIGH(now)) {
            return false;
        }
        at++;
        now = STATE_NEED(now) == 1 ? UTF8_START
                                   : STATE(STATE_NEED(now) - 1, 0x80, 0xbf);
    }
    *state = now;
    return true;
}

bool utf8_valid(const void *data, size_t len)
{
    uint32_t state = UTF8_START;

    return utf8_check(&state, data, len) && state == UTF8_START;
}

size_t utf8_char(const void *data, size_t len)
{
    const unsigned char *at = data;
    size_t size;

    if (len == 0) {
        return 0;
    }
    size = at[0] < 0x80 ? 1 : STATE_NEED(lead(at[0])) + 1;
    return size <= len && utf8_valid(at, size) ? size : 0;
}
