/* presence_wire.h - what workers tell each other of members: encode and decode
 *
 * | 0 magic u8 | 1 version u8 | 2 type u8 | 3 marks u8 | 4 part u32 |
 * | 8 sender u64 | 16 topic length u8 | topic | what the type has |
 *
 * Numbers are little-endian: other machines read them. A frame of a later
 * version is refused as a whole.
 */
#ifndef PATCHBAY_CORE_PRESENCE_WIRE_H
#define PATCHBAY_CORE_PRESENCE_WIRE_H

#include "base/buf.h"
#include "core/members.h"
#include "core/topics.h"

#define PRESENCE_WIRE_VERSION 1
#define PRESENCE_WIRE_MAX     (64u << 10) /* of a frame */

enum presence_type {
    PRESENCE_WANT = 1, /* tell me of your members */
    PRESENCE_SNAP,     /* they are these: entries, see presence_mark */
    PRESENCE_JOIN,     /* one entry */
    PRESENCE_UPDATE,   /* one entry */
    PRESENCE_LEAVE,    /* id u64 */
    PRESENCE_DIGEST    /* count u32, sum u64: what I have */
};

enum presence_mark { PRESENCE_BEGIN = 1, PRESENCE_END = 2 };

struct presence_frame {
    enum presence_type type;
    unsigned marks;
    uint32_t part; /* of a list: from 1 */
    bay_id sender; /* the worker */
    char topic[TOPICS_NAME_MAX + 1];
    bay_id id;      /* of PRESENCE_LEAVE */
    uint32_t count; /* of PRESENCE_DIGEST */
    uint64_t sum;
    const char *entries; /* of the rest */
    size_t entries_len;
};

/* The head of a frame, and what LEAVE and DIGEST have; entries are added by
 * presence_wire_add. A failed buf tells that memory ran out. */
void presence_wire_begin(struct buf *out, const struct presence_frame *frame);
void presence_wire_add(struct buf *out, const struct member_facts *facts);
size_t presence_wire_entry_size(const struct member_facts *facts);
/* A list that has begun has come to its end. */
void presence_wire_mark(struct buf *out, unsigned marks);

/* NULL, or what is wrong with it: all of it is checked, its entries too. */
const char *presence_wire_read(struct presence_frame *frame, const void *data,
                               size_t len);

/* The next entry of a frame that was read; false: there is none. */
bool presence_wire_next(struct presence_frame *frame,
                        struct member_facts *facts);

#endif
