/* outbox.h - the frames that wait to be sent to one sibling
 *
 * A queue of chunks. Small frames are copied into the last chunk, a batch, so
 * that many of them are one piece of memory and go out in one write. A large
 * frame is a chunk of its own that the outboxes of all siblings share.
 */
#ifndef PATCHBAY_BUS_OUTBOX_H
#define PATCHBAY_BUS_OUTBOX_H

#include <stddef.h>
#include <sys/uio.h>

/* Frames of at least so many bytes are worth sharing. A batch has room for
 * several of those that are not, and no more: between two shared frames it
 * may hold next to nothing. */
#define OUTBOX_SHARE 8192
#define OUTBOX_BATCH 32768

/* Whole frames, counted by reference. */
struct chunk {
    struct chunk *next; /* in the pool */
    unsigned refs;
    size_t len;
    size_t cap;
    char data[];
};

/* Empty batches, for all outboxes of a bus. A zeroed struct is empty. */
struct chunk_pool {
    struct chunk *free;
    unsigned count;
};

/* A zeroed struct with a pool is empty. */
struct outbox {
    struct chunk_pool *pool;
    struct chunk **chunks;
    size_t first; /* chunks[first] to chunks[first + count - 1] */
    size_t count;
    size_t cap;
    size_t sent;  /* of the first chunk */
    size_t bytes; /* that wait */
};

/* A chunk for a frame of len bytes, one reference being the caller's. NULL if
 * there is no memory. */
struct chunk *chunk_create(size_t len);
void chunk_release(struct chunk *chunk);

/* Adds a frame at the end: add copies one of at most OUTBOX_BATCH bytes, share
 * takes a reference of its own. 0, or -1 if there is no memory: nothing was
 * added. */
int outbox_add(struct outbox *outbox, const void *frame, size_t len);
int outbox_share(struct outbox *outbox, struct chunk *chunk);

/* Adds len bytes, of any number, that the caller writes there at once. NULL if
 * there is no memory. */
char *outbox_extend(struct outbox *outbox, size_t len);

/* The first pieces that wait; returns how many. */
int outbox_pieces(const struct outbox *outbox, struct iovec *iov, int max);

/* So many bytes of them were sent. */
void outbox_sent(struct outbox *outbox, size_t bytes);

/* How many of the frames that wait, or were sent in part, are messages to
 * clients or plugins rather than talk between workers. */
size_t outbox_messages(const struct outbox *outbox);

/* Drops all that waits. */
void outbox_clear(struct outbox *outbox);
void outbox_finish(struct outbox *outbox);
void chunk_pool_finish(struct chunk_pool *pool);

#endif
