/* redis_link.h - one connection to Redis, on the loop
 *
 * Answers are read by hiredis; the socket and what waits for it are ours. The
 * asynchronous API of hiredis 0.14 looks names up in the loop's thread, queues
 * without a bound, and ends the process when a server says what it does not
 * expect (asserts).
 *
 * It connects, gives the password, looks whom it talks to, and connects anew
 * when anything goes wrong, ever later and at random times.
 */
#ifndef PATCHBAY_BUS_REDIS_LINK_H
#define PATCHBAY_BUS_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bus/outbox.h"
#include "bus/redis_dial.h"
#include "bus/resp.h"
#include "bus/stream.h"
#include "conf/redis_url.h"
#include "core/stats.h"

#define REDIS_LINK_RUN_ID 64

/* The answer to a command; NULL: the connection was lost before it came. It may
 * stop the link. */
typedef void redis_answer(void *arg, uint64_t tag, const redisReply *reply);

/* Borrowed, but for what is copied. */
struct redis_link_setup {
    uv_loop_t *loop;
    const struct redis_url *url;
    const char *name; /* that Redis lists it by */
    /* It subscribes: what comes is no answer to a command, but is pushed. */
    bool subscribes;
    size_t queue_limit; /* bytes that wait to be sent */
    uint64_t timeout_ms;
    struct chunk_pool *pool;
    unsigned *handles; /* counts those not closed yet */
    char *area;        /* to read to: REDIS_LINK_AREA bytes, shared */
    uint64_t seed;
    void *arg;
    /* All may stop the link. */
    void (*up)(void *arg);
    void (*down)(void *arg, enum cluster_state state, const char *why);
    void (*pushed)(void *arg, const redisReply *reply);
};

#define REDIS_LINK_AREA 65536

struct redis_waiting {
    redis_answer *answer;
    void *arg;
    uint64_t tag;
};

enum redis_link_state {
    REDIS_LINK_STOPPED, /* or it waits for the next attempt */
    REDIS_LINK_CONNECTING,
    REDIS_LINK_GREETING,
    REDIS_LINK_UP
};

struct redis_link {
    struct redis_link_setup setup;
    enum redis_link_state state;
    uv_timer_t timer;
    bool wanted; /* not stopped */
    struct redis_dial dial;
    struct stream *stream;
    bool blocked; /* the socket takes no more now */
    struct outbox outbox;
    redisReader *reader;
    struct redis_waiting *waiting; /* a ring, in the order of the commands */
    size_t first, count, cap;
    uint64_t delay_ms; /* before the next attempt */
    uint64_t tried_ms, up_ms, heard_ms, asked_ms, looked_ms;
    bool asked; /* the subscriber has sent a ping */
    uint64_t random;
    char run_id[REDIS_LINK_RUN_ID]; /* of the server; "": not known */
};

void redis_link_init(struct redis_link *link,
                     const struct redis_link_setup *setup);

/* Connects, and goes on trying until it is stopped. */
void redis_link_start(struct redis_link *link);

/* Ends it; nothing is told but the answers that do not come any more. */
void redis_link_stop(struct redis_link *link);

/* It is of no use as it is: as if it had broken. */
void redis_link_fail(struct redis_link *link, enum cluster_state state,
                     const char *why);

/*
 * Queues a command; answer may be NULL. *last is where the last argument lies,
 * to be written at once if its data was NULL; last may be NULL. 0; BAY_ESTATE:
 * the link is not up, BAY_EFULL: too much waits, BAY_ENOMEM.
 */
int redis_link_command(struct redis_link *link, const struct resp_arg *args,
                       size_t count, redis_answer *answer, void *arg,
                       uint64_t tag, char **last);

/* Writes what the socket takes. */
void redis_link_flush(struct redis_link *link);

/* Stops it and closes its handles; they are closed when setup->handles says
 * so. */
void redis_link_close(struct redis_link *link);

/* After that. */
void redis_link_finish(struct redis_link *link);

#endif
