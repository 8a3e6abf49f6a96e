/* worker.c - a worker: the core and what it takes for a process */
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "kit.h"

/* That of a server whose workers were replaced now and then: ids are over 2^32,
 * so that who keeps one in an int finds out. */
#define FIRST_INCARNATION 1u

#define ARCHIVE_SIZE ((size_t)4 << 20)

struct instance *kit_instance(const struct kit_worker *worker)
{
    return worker->core != NULL
               ? core_find_route(worker->core,
                                 worker->test->setting->conf->routes[0].path)
               : NULL;
}

/* On its machine. */
static uint64_t count_connections(void *arg, unsigned route_index)
{
    const struct kit_worker *worker = arg;
    const struct bay_test *test = worker->test;
    uint64_t count = 0;

    for (int i = 0; i < test->worker_count; i++) {
        if (test->workers[i]->core != NULL &&
            test->workers[i]->machine == worker->machine) {
            count += stat_get(
                &test->workers[i]->stats->routes[route_index].connections);
        }
    }
    return count;
}

static int add_route(struct kit_worker *worker)
{
    struct kit_setting *setting = worker->test->setting;
    const struct core_route route = kit_core_route(setting);
    char why[512];

    if (core_add_route(worker->core, &route, why, sizeof why) != 0) {
        kit_why("the plugin %s: %s", worker->test->name, why);
        return -1;
    }
    return 0;
}

/* Of its machine. */
static unsigned count_workers(const struct kit_worker *worker)
{
    unsigned count = 0;

    for (int i = 0; i < worker->test->worker_count; i++) {
        count += worker->test->workers[i]->machine == worker->machine;
    }
    return count;
}

int kit_worker_start(struct kit_worker *worker)
{
    struct bay_test *test = worker->test;
    struct core_setup setup = { .transport = &kit_transport,
                                .transport_self = worker,
                                .bus = kit_bus_of(test),
                                .bus_self = worker,
                                .count_connections = count_connections,
                                .count_arg = worker,
                                .node = (unsigned)worker->machine,
                                .worker = (unsigned)worker->place,
                                .number = (unsigned)worker->place,
                                .workers = count_workers(worker),
                                .api = kit_calls(),
                                .strict = true };

    if (test->archive == NULL) {
        test->archive = archive_create(ARCHIVE_SIZE);
    }
    setup.archive = test->archive; /* NULL: out of memory; nothing is kept */
    worker->stats =
        kit_alloc(sizeof *worker->stats + sizeof worker->stats->routes[0]);
    setup.stats = worker->stats;
    setup.incarnation = FIRST_INCARNATION + worker->incarnation++;
    worker->alarm_ms = UINT64_MAX;
    worker->core = core_create(&setup);
    if (worker->core == NULL) {
        kit_why("out of memory");
        return BAY_ENOMEM;
    }
    kit.running = test;
    if (add_route(worker) != 0) {
        kit.running = NULL;
        kit_worker_end(worker);
        return BAY_EINVAL;
    }
    kit_meet(worker);
    kit_settle(test);
    return BAY_OK;
}

void kit_worker_end(struct kit_worker *worker)
{
    struct core *core = worker->core;

    kit.running = worker->test;
    kit_drop_claims(worker);
    core_destroy(core);
    worker->core = NULL;
    kit.running = NULL;
    kit_drop_work(worker);
    kit_bus_forget(worker);
    free(worker->stats);
    worker->stats = NULL;
}

/* The process is gone, but this one is not: what its plugin holds is freed as
 * ever, when the test is over, and nobody hears of it. */
void kit_ghost_end(struct kit_worker *ghost)
{
    struct core *core = ghost->core;
    struct conn *conn, *next;

    kit.running = ghost->test;
    HASH_ITER(hh, core->by_id, conn, next)
    {
        if (conn->state != CONN_LOST) {
            conn_lost(conn);
        }
    }
    core_turn(core);
    core_cancel_jobs(core);
    core_turn(core);
    kit_worker_end(ghost);
    free(ghost);
}
