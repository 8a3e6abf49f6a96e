/* redis.h - the bus between machines: Redis, over the local bus
 *
 * What a worker publishes goes to its siblings by the local bus, and once to
 * Redis, which passes it on to the workers of other machines that have
 * subscribed. While Redis is away, siblings go on with each other.
 */
#ifndef PATCHBAY_BUS_REDIS_H
#define PATCHBAY_BUS_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "conf/conf.h"
#include "core/bus.h"
#include "core/core.h"

struct redis_bus;

struct redis_bus_setup {
    uv_loop_t *loop;
    struct core *core;
    struct worker_stats *stats;
    const struct conf_cluster *conf; /* borrowed */
    unsigned worker, incarnation;
    uint64_t token; /* of the host: another one's is another */
    uint32_t group; /* of the workers that the local bus connects */
    pid_t master;
};

/* Begins to connect. NULL on failure, logged. */
struct redis_bus *redis_bus_create(const struct redis_bus_setup *setup);

/* The bus between the siblings; without it there are none. */
void redis_bus_set_local(struct redis_bus *bus, const struct bus *local,
                         void *local_self);

/* For the local bus to tell of siblings: arg is the struct redis_bus. */
void redis_bus_sibling(void *arg, bay_id worker, bool there);

/* The table for core_set_bus; its self is the struct redis_bus. */
const struct bus *redis_bus_table(void);

/* Says farewell, and closes its handles; runs the loop for that. The loop must
 * not be running. */
void redis_bus_destroy(struct redis_bus *bus);

#endif
