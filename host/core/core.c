/* core.c - the heart of a worker: what runs when, and what belongs to whom */
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "core/core-t.h"
#include "core/deflate.h"
#include "core/history.h"
#include "core/hooks.h"
#include "core/rate.h"

/* A notice hook that publishes to its own topic would keep one turn going for
 * ever: the rest of the tasks waits for the next. */
#define TASKS_PER_TURN 10000u

/* So much behind its time, this process stood still: a hook did not return, it
 * was stopped, or the whole machine was. */
#define LATE_MS  1000u
#define GRACE_MS 1000u

struct core *core_create(const struct core_setup *setup)
{
    struct core *core = calloc(1, sizeof *core);

    if (core == NULL) {
        return NULL;
    }
    core->setup = *setup;
    if (core->setup.api == NULL) {
        core->setup.api = &core_api;
    }
    core->incarnation = setup->incarnation;
    core->tasks_end = &core->tasks;
    core->alarm_ms = UINT64_MAX;
    core->slowed_due_ms = UINT64_MAX;
    core_set_queue_total(core, setup->queue_total);
    core_set_receive_total(core, setup->receive_total);
    presence_init(&core->presence);
    wheel_init(&core->wheel, core_now(core));
    return core;
}

void core_set_bus(struct core *core, const struct bus *bus, void *bus_self)
{
    if (core == NULL) {
        return;
    }
    core->setup.bus = bus;
    core->setup.bus_self = bus_self;
    core->new_interest = false;
}

/* And an exact path before a prefix. */
void core_serve(struct core *core, struct instance *instance)
{
    unsigned at = core->route_count++;

    while (at > 0) {
        const struct conf_route *other = core->routes[at - 1]->conf;

        if (other->path_len > instance->conf->path_len ||
            (other->path_len == instance->conf->path_len && !other->prefix)) {
            break;
        }
        core->routes[at] = core->routes[at - 1];
        at--;
    }
    core->routes[at] = instance;
    route_keep(instance);
}

int core_add_route(struct core *core, const struct core_route *route, char *why,
                   size_t why_size)
{
    struct instance *instance;

    if (core->route_count == CONF_MAX_ROUTES) {
        snprintf(why, why_size, "more than %d routes", CONF_MAX_ROUTES);
        source_release(route);
        return -1;
    }
    instance = instance_create(core, route);
    if (instance == NULL) {
        snprintf(why, why_size, "out of memory");
        source_release(route);
        return -1;
    }
    if (instance_start(instance, why, why_size) != 0) {
        instance_give_up(instance);
        return -1;
    }
    core_serve(core, instance);
    return 0;
}

void core_post(struct core *core, struct task *task)
{
    if (task->queued) {
        return;
    }
    task->queued = true;
    task->next = NULL;
    *core->tasks_end = task;
    core->tasks_end = &task->next;
}

void core_mark_dirty(struct core *core, struct conn *conn)
{
    if (!conn->dirty) {
        conn->dirty = true;
        DL_APPEND2(core->dirty, conn, prev_dirty, next_dirty);
    }
}

static void run_tasks(struct core *core)
{
    unsigned left = TASKS_PER_TURN;

    while (core->tasks != NULL && left-- > 0) {
        struct task *task = core->tasks;

        core->tasks = task->next;
        if (core->tasks == NULL) {
            core->tasks_end = &core->tasks;
        }
        task->queued = false;
        task->run(core, task); /* may free it */
    }
}

static void flush_dirty(struct core *core)
{
    while (core->dirty != NULL) {
        struct conn *conn = core->dirty;

        conn->dirty = false;
        DL_DELETE2(core->dirty, conn, prev_dirty, next_dirty);
        conn_flush(conn);
    }
}

void core_set_alarm(struct core *core)
{
    uint64_t timer = timers_next_ms(&core->timers);
    uint64_t wheel = wheel_next_ms(&core->wheel);
    uint64_t next;

    if (wheel < core->look_ms) {
        wheel = core->look_ms;
    }
    next = timer < wheel ? timer : wheel;
    next = core->slowed_due_ms < next ? core->slowed_due_ms : next;
    next = core->presence.due_ms < next ? core->presence.due_ms : next;

    if (next != core->alarm_ms) {
        core->alarm_ms = next;
        core->setup.transport->alarm(core->setup.transport_self, next);
    }
}

void core_turn(struct core *core)
{
    if (core->in_turn || core->in_hook) {
        return;
    }
    core->in_turn = true;
    core->speaker = NULL;
    run_tasks(core);
    history_check(core);
    if (core->setup.bus != NULL) {
        core->new_interest = false;
        core->setup.bus->flush(core->setup.bus_self);
    }
    flush_dirty(core);
    packet_unref(&core->pool, core->shared);
    core->shared = NULL;
    core->published = 0;
    core->turn++;
    stat_set(&core->setup.stats->queued_bytes, core->pool.held);
    stat_set(&core->setup.stats->incoming_bytes, core->incoming_bytes);
    /* More than a turn may run, or drained hooks: what these send fills the
     * queues again, and others want to be served in between. */
    if (core->tasks != NULL) {
        core->setup.transport->wake(core->setup.transport_self);
    }
    core_set_alarm(core);
    core->in_turn = false;
}

/* What peers have sent meanwhile lies in their sockets and is read first:
 * nobody is to pay with his connection for our sleep. But not for ever. */
static void forgive(struct core *core, uint64_t now)
{
    bool late = core->alarm_ms < now && now - core->alarm_ms >= LATE_MS;

    if (late && !core->late) {
        core->late = true;
        core->look_ms = now + GRACE_MS;
    }
}

static void check_conns(struct core *core, uint64_t now)
{
    struct wheel_entry *entry;

    if (now < core->look_ms) {
        return;
    }
    core->late = false;
    while ((entry = wheel_take(&core->wheel, now)) != NULL) {
        conn_check(
            (struct conn *)((char *)entry - offsetof(struct conn, wheel)));
    }
}

void core_tick(struct core *core)
{
    uint64_t now = core_now(core);
    struct instance *owner;
    uint64_t key;

    forgive(core, now);
    core->alarm_ms = UINT64_MAX;
    while ((owner = timers_take(&core->timers, now, &key)) != NULL) {
        hook_timer(owner, key);
    }
    check_conns(core, now);
    presence_tick(core, now);
    rate_resume(core, now);
    stat_set(&core->setup.stats->timers, core->timers.count);
    core_turn(core);
}

void core_drain(struct core *core, int code, const char *reason,
                uint64_t over_ms)
{
    uint64_t now = core_now(core);
    uint64_t place = 0, total = core->conn_count;
    struct conn *conn, *next;

    core->draining = true;
    core->drain_code = code;
    snprintf(core->drain_reason, sizeof core->drain_reason, "%s", reason);
    HASH_ITER(hh, core->by_id, conn, next)
    {
        conn->drain_due_ms = now + place++ * over_ms / total;
        if (conn->drain_due_ms <= now) {
            conn_end(conn, code, reason);
        } else {
            wheel_set(&core->wheel, &conn->wheel, conn->drain_due_ms);
        }
    }
    core_turn(core);
}

void core_set_logging(struct core *core, bool access, bool trace)
{
    core->setup.log_access = access;
    core->setup.log_trace = trace;
}

void core_set_queue_total(struct core *core, size_t bytes)
{
    core->queue_total = bytes > 0 ? bytes : SIZE_MAX / 2;
}

void core_set_receive_total(struct core *core, size_t bytes)
{
    core->receive_total = bytes > 0 ? bytes : SIZE_MAX / 2;
}

void core_set_recent(struct core *core, struct recent *recent)
{
    core->setup.recent = recent;
}

size_t core_connections(const struct core *core)
{
    return core->conn_count;
}

bool core_kick(struct core *core, bay_id id, int code, const char *reason)
{
    struct conn *conn = conn_find(core, id);

    if (conn == NULL || conn->state != CONN_OPEN) {
        return false;
    }
    conn_end(conn, code, reason);
    core_turn(core);
    return true;
}

void core_each_connection(struct core *core,
                          void (*each)(void *arg, const struct conn_info *info),
                          void *arg)
{
    struct conn *conn, *next;

    HASH_ITER(hh, core->by_id, conn, next)
    {
        struct conn_info info = {
            .id = conn->id,
            .route = conn->instance->route->name,
            .remote = conn->remote,
            .path = conn->path,
            .subprotocol = conn->subprotocol,
            .outdated = conn->instance->retired,
            .facts = conn->facts,
        };

        info.facts.backlog = conn->sendq.bytes;
        each(arg, &info);
    }
}

void core_destroy(struct core *core)
{
    if (core == NULL) {
        return;
    }
    core_turn(core);
    core->stopping = true; /* what remains: close and done hooks, no notices */
    while (core->tasks != NULL) {
        run_tasks(core);
    }
    for (unsigned i = 0; i < core->route_count; i++) {
        instance_stop(core->routes[i]);
    }
    while (core->tasks != NULL) { /* notices, to be freed */
        run_tasks(core);
    }
    presence_finish(core);
    packet_unref(&core->pool, core->shared);
    for (unsigned i = 0; i < core->route_count; i++) {
        instance_free(core->routes[i]);
    }
    timers_finish(&core->timers);
    topics_finish(&core->topics);
    history_finish(core);
    while (core->graveyard != NULL) {
        struct conn *conn = core->graveyard;

        core->graveyard = conn->next;
        free(conn);
    }
    deflate_destroy(core->deflate);
    sendq_pool_finish(&core->pool);
    buf_free(&core->scratch);
    buf_free(&core->envelope);
    free(core);
}
