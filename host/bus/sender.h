/* sender.h - sends to one sibling: its stream, its queue, its reconnects
 *
 * The life of the stream is that of its sender: when this worker ends, the
 * sibling reads the end of the stream and forgets this worker's interests.
 * When the sibling ends, its socket stays with the master: the sender
 * connects anew at once, says hello, and what it wrote lies there until the
 * sibling's successor accepts.
 *
 * A sender says no more than hello before the sibling has said hello on a
 * stream of its own. So nothing piles up for a sibling that is not there.
 */
#ifndef PATCHBAY_BUS_SENDER_H
#define PATCHBAY_BUS_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bus/outbox.h"
#include "bus/stream.h"
#include "bus/worker_set.h"
#include "core/core.h"

/* What the senders of a bus have in common; borrowed. */
struct sender_setup {
    uv_loop_t *loop;
    struct core *core;
    struct worker_stats *stats;
    const char *run_dir;
    unsigned node, worker, incarnation; /* of this process */
    size_t queue_limit;
    struct chunk_pool *pool;
    struct worker_set *dirty; /* whose senders are to be flushed */
    unsigned *handles;        /* counts those not closed yet */
};

struct sender {
    const struct sender_setup *setup;
    unsigned worker; /* the sibling */
    uv_timer_t retry;
    uint64_t delay_ms; /* before the next attempt to connect */
    uint64_t connected_ms;
    uint32_t streams;      /* ever; its number is in the hello */
    struct stream *stream; /* NULL: not connected */
    struct outbox outbox;
    bool blocked;               /* the socket takes no more now */
    bool there;                 /* the sibling has said hello and is not gone */
    bay_id hello;               /* what it said */
    const struct stream *heard; /* where it said so */
    bay_id told; /* the hello upon which the stream was told our interests */
    bool synced; /* all our interests are on their way */
    bool complained;    /* that it cannot connect */
    uint64_t warned_ms; /* that the queue is full */
    uint64_t dropped;   /* since then */
};

/* For the master and the senders: path of a worker's socket. -1 if it does
 * not fit. */
int sender_path(char *out, size_t size, const char *run_dir, unsigned worker);

/* Connects, now or as soon as can be. */
void sender_init(struct sender *sender, const struct sender_setup *setup,
                 unsigned worker);

/* The sibling has said hello, on a stream that is borrowed until it parts or
 * says hello on another; the sibling's stream has ended. */
void sender_meet(struct sender *sender, bay_id hello,
                 const struct stream *heard);
void sender_part(struct sender *sender);

/* Whether a message of so many bytes may be queued now. BAY_EFULL: it goes over
 * the limit; BAY_ENOTFOUND: the sibling is not there. Then it is counted as
 * dropped. */
int sender_admit(struct sender *sender, size_t len);

/* Queues one that was admitted: a copy of the frame, or a reference to its
 * chunk unless that is NULL. BAY_ENOMEM: counted as dropped. */
int sender_post(struct sender *sender, const char *frame, size_t len,
                struct chunk *chunk);

/* Queues that it is to look for news of a topic, or of any: see BUS_NEWS. 0, or
 * as the two above. */
int sender_news(struct sender *sender, const char *route, const char *topic);

/* Queues a change of interest. What does not fit is told as a whole once
 * there is room. */
void sender_interest(struct sender *sender, const char *frame, size_t len);

/* Writes what the socket takes. */
void sender_flush(struct sender *sender);

/* Closes its handles; they are closed when setup->handles says so. */
void sender_close(struct sender *sender);

/* After that. */
void sender_finish(struct sender *sender);

#endif
