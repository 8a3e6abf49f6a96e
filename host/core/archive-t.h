/* archive-t.h - how the memory of an archive is laid out, for its own files only
 */
#ifndef PATCHBAY_CORE_ARCHIVE_T_H
#define PATCHBAY_CORE_ARCHIVE_T_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/archive.h"
#include "core/topics.h"

/*
 * The memory: a header, places for topics, found by a hash, and blocks, of which
 * each message takes a chain. Indices are used, never pointers, and each is
 * checked before it is followed: a plugin that writes where it should not may
 * garble the archive, but no worker follows it out of bounds.
 *
 * Links are set so that whatever moment a process dies in, what can be reached
 * from the topics is whole; blocks that cannot be are found by repair().
 */
#define NONE         UINT32_MAX
#define BLOCK        256u
#define ARCHIVE_NAME (64u + 1u + TOPICS_NAME_MAX + 1u)

struct block {
    uint32_t next;
    unsigned char bytes[BLOCK - sizeof(uint32_t)];
};

/* At the beginning of a message's first block. */
struct entry {
    uint32_t next; /* the topic's next message: its first block */
    int32_t kind;
    uint64_t offset;
    uint64_t time_ms;
    uint64_t except;
    uint64_t publisher;
    uint64_t len;
}; /* kind 0: it was too long to be kept */

struct place {
    uint64_t hash; /* 0: free */
    uint64_t epoch;
    uint64_t head; /* offset of the last message that there was */
    uint32_t first, last;
    uint32_t count;
    uint32_t next; /* in its bucket */
    uint32_t mark; /* a message to begin to look from: NONE, or the one... */
    uint64_t mark_offset;    /* ...with that offset */
    char name[ARCHIVE_NAME]; /* the route, a 0 byte, the topic, a 0 byte */
};

struct archive {
    size_t size;
    uint64_t seed;       /* of hashes: nobody is told */
    uint64_t epoch_seed; /* of epochs, which clients are told */
    pthread_mutex_t lock;
    uint64_t epochs; /* that were given out */
    _Atomic uint64_t alarms;
    _Atomic bool stuck; /* somebody has the lock and does not move */
    _Atomic uint64_t evicted;
    _Atomic uint64_t used_blocks;
    _Atomic uint64_t used_places;
    uint32_t place_count, block_count;
    uint32_t fresh;  /* blocks from here on were never used */
    uint32_t free;   /* the first of those that are to be used again */
    uint32_t cursor; /* whose turn it is to lose a message */
    size_t buckets_at, places_at, blocks_at;
};

/* ---- archive.c ---- */

/* The route, a 0 byte, the topic, a 0 byte. */
struct key {
    char name[ARCHIVE_NAME];
    size_t len;
    uint64_t hash;
};

/* false: too long. */
bool archive_key(const struct archive *archive, const char *route,
                 const char *topic, struct key *key);

/* Waits for a moment only: a process that is stopped while it has the lock must
 * not stop the others. */
bool archive_lock(struct archive *archive);
void archive_unlock(struct archive *archive);

/* All of these with the lock. The block of an index, NULL: there is none. */
struct block *archive_block(struct archive *archive, uint32_t index);
/* The entry that begins in a block: it does not lie aligned, so it is copied. */
bool archive_entry(struct archive *archive, uint32_t index,
                   struct entry *entry);
/* A block of its own, for which others may have to go. NONE: out of memory. */
uint32_t archive_take_block(struct archive *archive);
void archive_free_chain(struct archive *archive, uint32_t first);
/* The place of a topic, made if need be, for which others may have to go. */
struct place *archive_place(struct archive *archive, const struct key *key);
void archive_drop_first(struct archive *archive, struct place *place);
/* Forgets all messages of a topic that is garbled. Their blocks are lost until
 * the next repair. */
void archive_spoil(struct archive *archive, struct place *place);

#endif
