/* local.h - the bus between the workers of one machine: Unix sockets */
#ifndef PATCHBAY_BUS_LOCAL_H
#define PATCHBAY_BUS_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "core/bus.h"
#include "core/core.h"

struct local_bus;

struct local_bus_setup {
    uv_loop_t *loop;
    struct core *core;
    struct worker_stats *stats;
    unsigned node, worker, workers, incarnation; /* workers: places */
    /* Each worker listens on run_dir/bus.N.sock. The socket is made by the
     * master and survives the worker, so that a connect never fails while a
     * worker is being replaced. listen_fd is this worker's; borrowed. */
    int listen_fd;
    const char *run_dir;
    size_t queue_limit; /* bytes waiting for one sibling; above: dropped */
    /* Told of siblings that come and go; NULL: core_bus_peer is. */
    void (*peer)(void *arg, bay_id worker, bool there);
    void *peer_arg;
};

/* For the master: path of a worker's socket. -1 if it does not fit. */
int local_bus_path(char *out, size_t size, const char *run_dir,
                   unsigned worker);

/* NULL on failure, logged. */
struct local_bus *local_bus_create(const struct local_bus_setup *setup);

/* The table for core_set_bus; its self is the struct local_bus. */
const struct bus *local_bus_table(void);

/* Whether a sibling has told all that it is interested in, so that what is
 * published here from now on comes there. */
bool local_bus_knows(const struct local_bus *bus, unsigned worker);

/* Closes its handles; runs the loop for that. The loop must not be running. */
void local_bus_destroy(struct local_bus *bus);

#endif
