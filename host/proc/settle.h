/* settle.h - a worker that takes another's place knows its siblings first
 *
 * What its first client publishes is to come to those of the siblings, so it
 * does not serve before each that has clients has told what they subscribe to.
 * A sibling that says nothing is not waited for long.
 */
#ifndef PATCHBAY_PROC_SETTLE_H
#define PATCHBAY_PROC_SETTLE_H

#include <stdbool.h>
#include <uv.h>

#include "bus/local.h"
#include "proc/board.h"

struct settle {
    void *arg; /* set these before settle_init */
    void (*done)(void *arg);

    uv_timer_t timer; /* the rest is its own */
    const struct board *board;
    const struct local_bus *bus;
    unsigned worker; /* this one */
    uint64_t until_ms;
};

/* Borrows all; bus: NULL for none. */
void settle_init(struct settle *settle, uv_loop_t *loop,
                 const struct board *board, const struct local_bus *bus,
                 unsigned worker);

/* Calls done when it is so; once, perhaps at once. */
void settle_begin(struct settle *settle);

/* Begins to close its handle; run the loop for the rest. */
void settle_close(struct settle *settle);

#endif
