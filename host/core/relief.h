/* relief.h - when too much waits to be sent in this worker: who is given up */
#ifndef PATCHBAY_CORE_RELIEF_H
#define PATCHBAY_CORE_RELIEF_H

#include "core/core-t.h"

/* So much more is about to be queued. Up to half, a message of any size gets
 * in, as with the queue of one connection. */
static inline bool relief_due(const struct core *core, size_t len)
{
    size_t held = core->pool.held;

    return held + len > core->queue_total && held > core->queue_total / 2;
}

/* Makes room for it: sends what the sockets take, and if that is not enough,
 * closes the connections with the longest queues. */
void relief_make(struct core *core, size_t len);

#endif
