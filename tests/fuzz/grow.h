/* grow.h - what Redis may answer, grown from the bytes of an input
 *
 * What is done to the bus is read from the front of the input, what Redis
 * answers from its end: a change of the one does not move the other. An input
 * that is used up is all zeros, which stand for what is usual.
 */
#ifndef PATCHBAY_TESTS_FUZZ_GROW_H
#define PATCHBAY_TESTS_FUZZ_GROW_H

#include "fuzz.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/clock.h"
#include "bus/envelope.h"
#include "core/id.h"

#define GROW_DEPTH 9 /* hiredis takes 7 */

static struct grow {
    const uint8_t *at, *end;
} grow;

static inline bool grow_more(void)
{
    return grow.at < grow.end;
}

static inline unsigned grow_front(void)
{
    return grow_more() ? *grow.at++ : 0;
}

static inline unsigned grow_back(void)
{
    return grow_more() ? *--grow.end : 0;
}

#define GROW_PICK(table, number) \
    ((table)[(number) % (sizeof(table) / sizeof(table)[0])])

static const char *const grow_words[] = { "message", "subscribe", "unsubscribe",
                                          "pong",    "PONG",      "pb:x:all",
                                          "m",       "1-0",       "pb:x:t:r:a",
                                          "0",       "",          "K 1 1\n" };

static const char *const grow_numbers[] = { "",
                                            "0",
                                            "1",
                                            "2",
                                            "x",
                                            "18446744073709551615",
                                            "18446744073709551616",
                                            "-1",
                                            "1 ",
                                            "7",
                                            "30",
                                            "9007199254740993" };

static const char *const grow_errors[] = {
    "NOSCRIPT No matching script",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "ERR Error running script: -OOM command not allowed",
    "ERR no such thing",
    "BUSY Redis is busy running a script",
    "MISCONF it cannot write",
    "ERR -MISCONF it cannot write",
    "NOAUTH Authentication required.",
    "WRONGPASS no",
    "MOVED 1 127.0.0.1:1",
    "READONLY You can't write against a read only replica.",
    "LOADING it reads",
    "CLUSTERDOWN it is",
    "NOPERM not you",
    "",
};

/* ---- its parts --------------------------------------------------------- */

static inline void grow_bulk(struct buf *out, const void *data, size_t len)
{
    buf_addf(out, "$%zu\r\n", len);
    buf_add(out, data, len);
    buf_adds(out, "\r\n");
}

static inline void grow_text(struct buf *out, const char *text)
{
    grow_bulk(out, text, strlen(text));
}

static inline void grow_number(struct buf *out, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, number);
    grow_text(out, text);
}

static inline void grow_error(struct buf *out, unsigned how)
{
    buf_addf(out, "-%s\r\n", GROW_PICK(grow_errors, how));
}

/* Bytes as they are, but no array has more than three digits: hiredis takes the
 * memory for all of it before a single part is there. */
static inline void grow_raw(struct buf *out)
{
    unsigned len = grow_back();
    unsigned digits = 0;
    bool array = false;

    for (unsigned i = 0; i < len && grow_more(); i++) {
        char c = (char)grow_back();

        array = c == '*' || (array && c != '\r' && c != '\n');
        digits = !array || c == '*' ? 0 : digits + (c >= '0' && c <= '9');
        if (digits <= 3) {
            buf_add(out, &c, 1);
        }
    }
    if (array) {
        buf_adds(out, "\r\n");
    }
}

/* ---- envelopes --------------------------------------------------------- */

/* Mostly of another machine, and correct. */
static inline void grow_fields(struct envelope *envelope, unsigned how)
{
    static const char *const topics[] = { "a", "b", "\001p", "" };
    unsigned who = grow_back();
    bool old = (how & 0x40) != 0;

    envelope->kind = who & 0x40 ? BAY_BINARY : BAY_TEXT;
    envelope->code = who & 0x80 ? 4001 : 0;
    envelope->late = (how & 0x20) != 0;
    envelope->from = id_make(2 - (who & 1), who >> 1 & 1, who >> 2 & 3, 0);
    envelope->group = who >> 4 & 3;
    envelope->time_ms = clock_wall_ms() - (old ? 7200000 : 0);
    envelope->route = "r";
    envelope->text = GROW_PICK(topics, how >> 3);
    switch (envelope->type) {
    case ENVELOPE_SEND:
    case ENVELOPE_CLOSE: envelope->id = id_make(1, 0, 1, who); break;
    case ENVELOPE_GONE: envelope->id = id_make(2, who & 1, who >> 2 & 3, 0);
    default: break;
    }
}

/* As a bulk, behind what is put in front of it; type 0: of any. */
static inline void grow_envelope(struct buf *out, const char *front,
                                 unsigned type)
{
    unsigned how = grow_back();
    struct envelope envelope = { .type = type > 0 ? type : how % 8,
                                 .data = "some data" };
    size_t head = strlen(front), len;
    char bytes[256];

    grow_fields(&envelope, how);
    envelope.len = how % 10;
    len = head + envelope_size(&envelope);
    fuzz_check(len < sizeof bytes);
    memcpy(bytes, front, head);
    envelope_encode(bytes + head, &envelope);
    if (how >= 0xc0) {
        bytes[grow_back() % len] = (char)grow_back();
        len = how >= 0xf0 ? grow_back() % len : len;
    }
    grow_bulk(out, bytes, len);
}

/* One that is kept, as it is published: the usual position, or another. */
static inline void grow_kept(struct buf *out, struct position at)
{
    unsigned how = grow_back();
    char line[80];

    if (how < 0x80) {
        snprintf(line, sizeof line, "K %" PRIu64 " %" PRIu64 "\n", at.epoch,
                 at.offset);
    } else {
        snprintf(line, sizeof line, "K %s %s\n", GROW_PICK(grow_numbers, how),
                 GROW_PICK(grow_numbers, how >> 3));
    }
    grow_envelope(out, line, how % 8 == 7 ? 0 : ENVELOPE_KEPT);
}

/* ---- trees ------------------------------------------------------------- */

static inline void grow_tree(struct buf *out, unsigned depth)
{
    unsigned how = grow_back();
    unsigned rest = how / 8;

    switch (how % 8) {
    case 0: grow_text(out, GROW_PICK(grow_words, rest)); break;
    case 1: grow_error(out, rest); break;
    case 2: buf_addf(out, ":%s\r\n", GROW_PICK(grow_numbers, rest)); break;
    case 3: buf_adds(out, rest % 2 ? "$-1\r\n" : "*-1\r\n"); break;
    case 4: buf_addf(out, "+%s\r\n", GROW_PICK(grow_words, rest)); break;
    case 5: grow_envelope(out, "", 0); break;
    case 6: grow_text(out, GROW_PICK(grow_numbers, rest)); break;
    default:
        rest = depth < GROW_DEPTH ? rest % 8 : 0;
        buf_addf(out, "*%u\r\n", rest);
        for (unsigned i = 0; i < rest; i++) {
            grow_tree(out, depth + 1);
        }
        break;
    }
}

/* ---- pages ------------------------------------------------------------- */

static inline void grow_maybe_number(struct buf *out, uint64_t usual)
{
    unsigned how = grow_back();

    if (how < 0xa0) {
        grow_number(out, usual);
    } else if (how < 0xd0) {
        grow_text(out, GROW_PICK(grow_numbers, how));
    } else if (how < 0xe0) {
        grow_number(out, usual + (how & 15));
    } else {
        grow_tree(out, 0);
    }
}

/* ["OFFSET-0", ["m", ENVELOPE]], or nearly so. */
static inline void grow_entry(struct buf *out, uint64_t *offset)
{
    unsigned how = grow_back();
    char id[64];

    if (how >= 0xf0) {
        grow_tree(out, 0);
        return;
    }
    if (how < 0x80) {
        ++*offset;
    } else if (how < 0xa0) {
        *offset += how & 7;
    } else if (how < 0xb0) {
        *offset -= how & 7;
    }
    snprintf(id, sizeof id, "%" PRIu64 "%s", *offset, how == 0xb0 ? "" : "-0");
    buf_adds(out, "*2\r\n");
    grow_text(out,
              how > 0xb0 && how < 0xc0 ? GROW_PICK(grow_numbers, how) : id);
    if (how < 0xc0) {
        buf_adds(out, "*2\r\n$1\r\nm\r\n");
        grow_envelope(out, "", how % 16 == 15 ? 0 : ENVELOPE_KEPT);
    } else {
        grow_tree(out, 0);
    }
}

/* An answer to who asks what is behind a position. */
static inline void grow_page(struct buf *out, struct position after,
                             struct position head)
{
    unsigned how = grow_back();
    unsigned count = how & 0x3f;
    uint64_t offset = how & 0x40 ? 0 : after.offset;

    count = count == 0x3f ? 300 : count / 4;
    buf_adds(out, "*3\r\n");
    grow_maybe_number(out, how & 0x80 ? after.epoch : head.epoch);
    grow_maybe_number(out, head.offset);
    buf_addf(out, "*%u\r\n", count);
    for (unsigned i = 0; i < count; i++) {
        grow_entry(out, &offset);
    }
}

#endif
