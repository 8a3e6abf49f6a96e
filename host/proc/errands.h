/* errands.h - a worker's end of its channel to the master
 *
 * Lines of JSON. The worker says {"event":"ready"}, or {"event":"failed",
 * "why":"..."} and exits; {"event":"serving"} when it was made to wait, and
 * serves now; {"event":"uses","images":["echo.1f.so"]} when that has changed.
 * The master says {"do":"drain"|"quit"|"reopen"|"log"|"conns"|"kick"|"prepare"|
 * "commit"|"abort"|"serve"|"bans", ...}; what carries an "id" is answered with a
 * line that carries the same one.
 */
#ifndef PATCHBAY_PROC_ERRANDS_H
#define PATCHBAY_PROC_ERRANDS_H

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "core/core.h"

struct errands {
    const struct conf *conf; /* set these before errands_open */
    struct core *core;
    void *arg;
    /* code and reason are for the clients; after limit_ms all is over. Those
     * in the middle of a handshake have linger_ms for it. */
    void (*drain)(void *arg, int code, const char *reason, uint64_t limit_ms,
                  uint64_t linger_ms);
    void (*quit)(void *arg);
    void (*reopened)(void *arg); /* the log is another file now */
    /* A reload: see turnover.h. */
    void (*prepare)(void *arg, const json_t *order);
    void (*commit)(void *arg, const json_t *order);
    void (*abort)(void *arg);
    void (*serve)(void *arg);      /* a worker that was made to wait */
    void (*bans)(void *arg);       /* what is banned has changed */
    void (*orphaned)(void *arg);   /* the master has gone */
    uint64_t (*now_ms)(void *arg); /* the clock of the connections' facts */

    uv_pipe_t pipe; /* the rest is its own */
    struct buf in;
};

/* Takes fd. 0, or -1. */
int errands_open(struct errands *errands, uv_loop_t *loop, int fd);

/* Sends a message, which it takes; NULL is out of memory. */
void errands_say(struct errands *errands, json_t *message);

/* Says something on a descriptor that no loop has yet. */
void errands_tell(int fd, const char *event, const char *why);

/* Begins to close the pipe; run the loop for the rest. */
void errands_close(struct errands *errands);
void errands_finish(struct errands *errands);

#endif
