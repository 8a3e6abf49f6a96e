/* turnover.h - a reload in a worker: prepared, then committed or aborted
 *
 * The master asks all workers to prepare, which changes nothing that a client
 * could see, and tells them to commit only when all of them can.
 */
#ifndef PATCHBAY_PROC_TURNOVER_H
#define PATCHBAY_PROC_TURNOVER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/core.h"
#include "core/reload.h"
#include "net/server.h"
#include "proc/edition.h"
#include "proc/errands.h"

struct turnover {
    struct core *core; /* set these; borrowed */
    struct server *server;
    struct errands *errands;
    struct shelf *shelf;
    void *arg;
    /* This conf holds from now on, and old no more. */
    void (*adopted)(void *arg, const struct conf *conf, const struct conf *old);

    uv_timer_t timer; /* the rest is its own */
    struct edition *now;
    struct edition *next;  /* NULL: no reload goes on */
    struct reload *reload; /* of next */
    json_int_t id;         /* of the order to be answered; 0: none */
    uint64_t until_ms;
    bool open;
};

/* The first edition: adds its routes to the core. Borrows conf. 0, or -1 and
 * one sentence in why: then only the timer is left, to be closed. */
int turnover_begin(struct turnover *turnover, uv_loop_t *loop,
                   const struct conf *conf, char *const *files, char *why,
                   size_t why_size);

/*
 * {"do":"prepare","id":1,"file":"/etc/p.ini","text":"/run/p/next.ini",
 *  "routes":[{"slot":0,"file":"/run/p/images/echo.1f.so"}],
 *  "pems":["PEM","PEM"]}: text names a file with what is to be taken for
 * the contents of file. Answered, perhaps later, {"ok":true}, or
 * {"ok":false,"why":"one sentence"} and nothing has changed.
 */
void turnover_prepare(struct turnover *turnover, const json_t *order);

/* {"do":"commit","id":2}: answered with what became of each route. */
void turnover_commit(struct turnover *turnover, const json_t *order);

/* {"do":"abort"}, or the worker ends: no answer. */
void turnover_abort(struct turnover *turnover);

/* Begins to close its handle; and, when core is no more, frees the rest. */
void turnover_close(struct turnover *turnover);
void turnover_finish(struct turnover *turnover);

#endif
