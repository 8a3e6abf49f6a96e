/* buses.h - how a worker reaches its siblings, and other machines */
#ifndef PATCHBAY_PROC_BUSES_H
#define PATCHBAY_PROC_BUSES_H

#include <stddef.h>
#include <uv.h>

#include "core/core.h"
#include "proc/worker.h"

struct local_bus;
struct redis_bus;

/* Either may be NULL: there is one worker, or one machine. */
struct buses {
    struct local_bus *local;
    struct redis_bus *redis;
};

/* Of the worker that joins. Borrowed. */
struct joining {
    const struct worker_setup *setup;
    uv_loop_t *loop;
    struct core *core;
    struct worker_stats *stats;
    unsigned incarnation;
};

/* Makes those that the configuration asks for, and gives core one that reaches
 * all. 0, or -1 and one sentence in why. buses is zeroed at first, and to be
 * destroyed either way. */
int buses_create(struct buses *buses, const struct joining *joining, char *why,
                 size_t why_size);

/* Runs the loop, which must not be running. */
void buses_destroy(struct buses *buses);

#endif
