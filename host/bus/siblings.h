/* siblings.h - which workers of this machine are there, and which are no more
 *
 * A worker is gone when its stream has ended and it makes no new one, or when
 * another process says hello in its place.
 */
#ifndef PATCHBAY_BUS_SIBLINGS_H
#define PATCHBAY_BUS_SIBLINGS_H

#include <stdbool.h>

#include <uv.h>

#include <patchbay.h>

#include "conf/conf.h"

/* How long one whose stream has ended may take to connect again. A process
 * that lives does so at once. */
#define SIBLINGS_WAIT_MS 250

struct siblings {
    uv_timer_t timer;
    unsigned *handles;
    bool is_there[CONF_MAX_PLACES];
    bay_id there[CONF_MAX_PLACES]; /* that of the first worker of all is 0 */
    uint64_t lost_ms[CONF_MAX_PLACES]; /* its stream has ended; 0: not */
    void (*told)(void *arg, bay_id worker, bool there);
    void *arg;
};

void siblings_init(struct siblings *siblings, uv_loop_t *loop,
                   unsigned *handles,
                   void (*told)(void *arg, bay_id worker, bool there),
                   void *arg);

/* It has said hello, with its node, number and incarnation. */
void siblings_met(struct siblings *siblings, bay_id hello);

/* Its stream has ended. */
void siblings_lost(struct siblings *siblings, unsigned worker);

/* Closes its handle. */
void siblings_close(struct siblings *siblings);

#endif
