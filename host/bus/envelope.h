/* envelope.h - what workers of several machines send each other: no sockets
 *
 * An envelope is a header of fixed size, then two strings, each with a 0 byte
 * behind it, so that what was received is used where it lies, then the data:
 *
 * | 0 "pb" | 2 version u8 | 3 type u8 | 4 kind u8 | 5 flags u8 | 6 code u16 |
 * | 8 from u64 | 16 id u64 | 24 time u64 | 32 group u32 | 36 route length u8 |
 * | 37 text length u8 | 38 zero u16 | route 0 | text 0 | data |
 *
 * Numbers are little-endian: machines may differ. One that is kept has a line
 * in front of it that says where it stands: "K EPOCH OFFSET\n".
 */
#ifndef PATCHBAY_BUS_ENVELOPE_H
#define PATCHBAY_BUS_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/bus.h"

/* Raise it with every change of the layout or of the meaning. */
#define ENVELOPE_VERSION 1
#define ENVELOPE_HEADER  40
#define ENVELOPE_MAX     ((size_t)1 << 29) /* as long as Redis takes a string */

enum envelope_type {
    ENVELOPE_PUBLISH = 1, /* text: topic, kind, id: except, data */
    ENVELOPE_SEND,        /* id, kind, data */
    ENVELOPE_CLOSE,       /* id, code, text: reason, "" for none */
    ENVELOPE_KEPT,        /* text: topic, kind, id: except, time, late, data */
    ENVELOPE_BEAT,        /* from is there */
    ENVELOPE_WHO,         /* from is there, and wants to know who else is */
    ENVELOPE_GONE         /* id: a worker that is no more */
};

struct envelope {
    enum envelope_type type;
    int kind;
    int code;
    bool late;
    bay_id from;    /* the worker that sent it */
    uint32_t group; /* the workers that reach each other without Redis */
    bay_id id;
    uint64_t time_ms;  /* since 1970 */
    const char *route; /* NULL is encoded as "" */
    const char *text;
    const void *data; /* what is behind it is not ours: as it was received */
    size_t len;
};

/* Bytes it takes, or 0 if a part of it is too long. */
size_t envelope_size(const struct envelope *envelope);

/* Writes envelope_size bytes. */
void envelope_encode(char *out, const struct envelope *envelope);

/* Marks one that was encoded. */
void envelope_set_late(char *bytes);

/* Reads what these len bytes are; its strings and data point into them. NULL,
 * or what is wrong with it. */
const char *envelope_decode(struct envelope *envelope, const char *bytes,
                            size_t len);

/* If a line with a position begins here: reads it. Returns its length, 0 if
 * there is none, -1 if it is broken. */
long envelope_position(struct position *at, const char *bytes, size_t len);

#endif
