/* presence_wire.c - what workers tell each other of members */
#include "core/presence_wire.h"

#include <string.h>

#define MAGIC 0xb7u

enum {
    AT_VERSION = 1,
    AT_TYPE = 2,
    AT_MARKS = 3,
    AT_PART = 4,
    AT_SENDER = 8,
    AT_TOPIC_LEN = 16,
    HEAD = 17
};

/* | 0 id u64 | 8 joined_ms u64 | 16 flags u8 | 17 label length u8 |
 * | 18 info length u16 | label | info | */
#define ENTRY 20u

static void put(unsigned char *out, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        out[i] = (unsigned char)(number >> (8 * i));
    }
}

static uint64_t get(const void *data, int bytes)
{
    const unsigned char *in = data;
    uint64_t number = 0;

    for (int i = 0; i < bytes; i++) {
        number |= (uint64_t)in[i] << (8 * i);
    }
    return number;
}

void presence_wire_begin(struct buf *out, const struct presence_frame *frame)
{
    unsigned char head[HEAD] = { MAGIC, PRESENCE_WIRE_VERSION };
    unsigned char rest[12];
    size_t topic_len = strlen(frame->topic);

    head[AT_TYPE] = (unsigned char)frame->type;
    head[AT_MARKS] = (unsigned char)frame->marks;
    put(head + AT_PART, frame->part, 4);
    put(head + AT_SENDER, frame->sender, 8);
    head[AT_TOPIC_LEN] = (unsigned char)topic_len;
    buf_add(out, head, sizeof head);
    buf_add(out, frame->topic, topic_len);
    if (frame->type == PRESENCE_LEAVE) {
        put(rest, frame->id, 8);
        buf_add(out, rest, 8);
    } else if (frame->type == PRESENCE_DIGEST) {
        put(rest, frame->count, 4);
        put(rest + 4, frame->sum, 8);
        buf_add(out, rest, 12);
    }
}

size_t presence_wire_entry_size(const struct member_facts *facts)
{
    return ENTRY + facts->label_len + facts->info_len;
}

void presence_wire_add(struct buf *out, const struct member_facts *facts)
{
    unsigned char head[ENTRY];

    put(head, facts->id, 8);
    put(head + 8, facts->joined_ms, 8);
    head[16] = (unsigned char)facts->flags;
    head[17] = (unsigned char)facts->label_len;
    put(head + 18, facts->info_len, 2);
    buf_add(out, head, sizeof head);
    buf_add(out, facts->label, facts->label_len);
    buf_add(out, facts->info, facts->info_len);
}

void presence_wire_mark(struct buf *out, unsigned marks)
{
    if (!out->failed) {
        out->data[AT_MARKS] = (char)marks;
    }
}

bool presence_wire_next(struct presence_frame *frame,
                        struct member_facts *facts)
{
    const char *at = frame->entries;

    if (frame->entries_len < ENTRY) {
        return false;
    }
    *facts = (struct member_facts){ .id = get(at, 8),
                                    .joined_ms = get(at + 8, 8),
                                    .flags = (unsigned char)at[16],
                                    .label = at + ENTRY,
                                    .label_len = (unsigned char)at[17],
                                    .info_len = (size_t)get(at + 18, 2) };
    facts->info = facts->label + facts->label_len;
    if (frame->entries_len < presence_wire_entry_size(facts)) {
        return false;
    }
    frame->entries += presence_wire_entry_size(facts);
    frame->entries_len -= presence_wire_entry_size(facts);
    return true;
}

static const char *check_entries(const struct presence_frame *frame)
{
    struct presence_frame walk = *frame;
    struct member_facts facts;
    size_t count = 0;

    while (presence_wire_next(&walk, &facts)) {
        count++;
        if (members_worker(facts.id) != frame->sender ||
            (facts.id & UINT32_MAX) == 0) {
            return "a member of another worker than the one that tells of it";
        }
        if ((facts.flags & ~(unsigned)BAY_UNIQUE) != 0) {
            return "a member with unknown flags";
        }
        if (!members_label_valid(facts.label, facts.label_len) ||
            facts.info_len > BAY_INFO_MAX) {
            return "a member with a wrong label or too much information";
        }
    }
    if (walk.entries_len > 0) {
        return "half a member";
    }
    if (frame->type != PRESENCE_SNAP && count != 1) {
        return "not one member but none or several";
    }
    return NULL;
}

static const char *read_rest(struct presence_frame *frame, const char *at,
                             size_t len)
{
    switch (frame->type) {
    case PRESENCE_WANT: return len == 0 ? NULL : "a question that is too long";
    case PRESENCE_LEAVE:
        if (len != 8) {
            return "a leave of wrong length";
        }
        frame->id = get(at, 8);
        return members_worker(frame->id) == frame->sender
                   ? NULL
                   : "a leave of another worker's member";
    case PRESENCE_DIGEST:
        if (len != 12) {
            return "a digest of wrong length";
        }
        frame->count = (uint32_t)get(at, 4);
        frame->sum = get(at + 4, 8);
        return NULL;
    case PRESENCE_SNAP:
    case PRESENCE_JOIN:
    case PRESENCE_UPDATE:
        frame->entries = at;
        frame->entries_len = len;
        return check_entries(frame);
    }
    return "a frame of unknown type";
}

const char *presence_wire_read(struct presence_frame *frame, const void *data,
                               size_t len)
{
    const char *bytes = data;
    size_t topic_len;

    memset(frame, 0, sizeof *frame);
    if (len < HEAD || (unsigned char)bytes[0] != MAGIC) {
        return "something else than a frame";
    }
    if (bytes[AT_VERSION] != PRESENCE_WIRE_VERSION) {
        return "a frame of another version";
    }
    topic_len = (unsigned char)bytes[AT_TOPIC_LEN];
    if (topic_len > TOPICS_NAME_MAX || len < HEAD + topic_len) {
        return "a frame shorter than what it holds";
    }
    frame->type = (enum presence_type)(unsigned char)bytes[AT_TYPE];
    frame->marks = (unsigned char)bytes[AT_MARKS];
    frame->part = (uint32_t)get(bytes + AT_PART, 4);
    frame->sender = get(bytes + AT_SENDER, 8);
    memcpy(frame->topic, bytes + HEAD, topic_len);
    if (strlen(frame->topic) != topic_len || !topics_name_valid(frame->topic)) {
        return "a topic that is none";
    }
    if (members_worker(frame->sender) != frame->sender) {
        return "a sender that is no worker";
    }
    if ((frame->marks & ~(unsigned)(PRESENCE_BEGIN | PRESENCE_END)) != 0) {
        return "unknown marks";
    }
    return read_rest(frame, bytes + HEAD + topic_len, len - HEAD - topic_len);
}
