/* sendq.h - what waits to be sent on a connection: framed bytes, in order
 *
 * Small messages are appended to a chunk the queue has for itself, so that all
 * that is sent in one turn of the loop lies in one piece. A message published
 * to many is framed once, as a packet that their queues share by reference.
 */
#ifndef PATCHBAY_CORE_SENDQ_H
#define PATCHBAY_CORE_SENDQ_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "core/frame.h"

/* Whole frames, counted by reference; freed with the last. */
struct packet {
    struct packet *next_free; /* in the pool */
    unsigned refs;
    bool held; /* a queue has it, or had: counted in the pool */
    size_t len;
    size_t cap;
    unsigned char data[];
};

/* A range of a packet: whole frames. */
struct sendq_node {
    struct sendq_node *next;
    struct packet *packet;
    size_t off;
    size_t end;
};

/* Chunks and nodes to use again: one pool a worker. A zeroed struct is an
 * empty pool. */
struct sendq_pool {
    struct packet *chunks;
    struct sendq_node *nodes;
    unsigned chunk_count;
    unsigned node_count;
    size_t held; /* memory of all that is in queues, shared or not */
};

void sendq_pool_finish(struct sendq_pool *pool);

/* A zeroed struct is an empty queue. */
struct sendq {
    struct sendq_node *head;
    struct sendq_node *tail;
    size_t bytes; /* on the wire */
    size_t nodes;
};

/* A message framed by itself, with one reference; NULL: out of memory. */
struct packet *packet_create(enum opcode opcode, const void *data, size_t len);

/* An empty one, for several messages that many queues will share; and a
 * message behind those that are in it already. false: it does not fit. Ranges
 * that are shared stay as they are. */
struct packet *packet_create_shared(struct sendq_pool *pool);
bool packet_append(struct packet *packet, enum opcode opcode, const void *data,
                   size_t len);
void packet_unref(struct sendq_pool *pool, struct packet *packet);

/* Each adds at the end; 0, or -1 if out of memory, with nothing added. share
 * adds a packet from off to its present end, taking a reference of its own: if
 * that goes on where the queue ends, it costs nothing. raw: whole frames, made
 * by the caller. last: one behind which nothing comes, in no more memory than it
 * takes. */
int sendq_add(struct sendq_pool *pool, struct sendq *queue, enum opcode opcode,
              const void *data, size_t len);
int sendq_share(struct sendq_pool *pool, struct sendq *queue,
                struct packet *packet, size_t off);
int sendq_raw(struct sendq_pool *pool, struct sendq *queue, const void *frames,
              size_t len);
int sendq_last(struct sendq_pool *pool, struct sendq *queue, const void *frame,
               size_t len);

/* Describes the first bytes of the queue; returns the number of entries. */
int sendq_peek(const struct sendq *queue, struct iovec *iov, int max);

/*
 * The first n bytes were sent. If they end inside a frame, *rest is what
 * remains of it, and whole frames only stay in the queue: the caller must see
 * to it that the rest goes out first. It is valid until *held, if that is not
 * NULL, has been given to packet_unref.
 */
void sendq_sent(struct sendq_pool *pool, struct sendq *queue, size_t n,
                struct iovec *rest, struct packet **held);

void sendq_clear(struct sendq_pool *pool, struct sendq *queue);

#endif
