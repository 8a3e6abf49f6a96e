/* buses.c - how a worker reaches its siblings, and other machines */
#include "proc/buses.h"

#include "base/fnv.h"
#include "bus/local.h"
#include "bus/redis.h"
#include "proc/reason.h"

/* What may wait for one sibling, in bytes. */
#define BUS_QUEUE ((size_t)64 << 20)

static int join_siblings(struct buses *buses, const struct joining *joining)
{
    const struct worker_setup *setup = joining->setup;
    struct local_bus_setup bus = {
        .loop = joining->loop,
        .core = joining->core,
        .stats = joining->stats,
        .node = setup->conf->cluster.node,
        .worker = setup->index,
        .workers = setup->board->workers,
        .incarnation = joining->incarnation,
        .listen_fd = setup->bus_fd,
        .run_dir = setup->bus_dir,
        .queue_limit = BUS_QUEUE,
        .peer = buses->redis != NULL ? redis_bus_sibling : NULL,
        .peer_arg = buses->redis,
    };

    buses->local = local_bus_create(&bus);
    return buses->local != NULL ? 0 : -1;
}

/* Those that replace others have a group of their own: the local bus does not
 * connect the ones with the others. */
static int join_cluster(struct buses *buses, const struct joining *joining)
{
    const struct worker_setup *setup = joining->setup;
    const struct board *board = setup->board;
    struct redis_bus_setup bus = {
        .loop = joining->loop,
        .core = joining->core,
        .stats = joining->stats,
        .conf = &setup->conf->cluster,
        .worker = setup->index,
        .incarnation = joining->incarnation,
        .token = fnv_hash(board->seed, "cluster", 7),
        .group = (uint32_t)fnv_hash(board->seed, &board->incarnation,
                                    sizeof board->incarnation),
        .master = setup->master,
    };

    buses->redis = redis_bus_create(&bus);
    return buses->redis != NULL ? 0 : -1;
}

int buses_create(struct buses *buses, const struct joining *joining, char *why,
                 size_t why_size)
{
    const struct worker_setup *setup = joining->setup;

    if (setup->conf->cluster.url.shown != NULL &&
        join_cluster(buses, joining) < 0) {
        return reason_set(why, why_size, "cannot join the cluster");
    }
    if (setup->bus_fd >= 0 && join_siblings(buses, joining) < 0) {
        return reason_set(why, why_size, "cannot reach the other workers");
    }
    if (buses->redis != NULL) {
        if (buses->local != NULL) {
            redis_bus_set_local(buses->redis, local_bus_table(), buses->local);
        }
        core_set_bus(joining->core, redis_bus_table(), buses->redis);
    } else if (buses->local != NULL) {
        core_set_bus(joining->core, local_bus_table(), buses->local);
    }
    return 0;
}

void buses_destroy(struct buses *buses)
{
    redis_bus_destroy(buses->redis);
    local_bus_destroy(buses->local);
}
