/* api_route.c - the host calls on an instance: connections, topics, timers */
#include "core/api.h"

#include <string.h>

#include "base/log.h"
#include "core/core-t.h"
#include "core/id.h"
#include "plugin/options.h"

struct instance *api_checked_route(const bay_route *handle)
{
    struct instance *instance = instance_of(handle);

    if (instance == NULL || instance->magic != INSTANCE_MAGIC) {
        log_error("a plugin used something that is no bay_route");
        return NULL;
    }
    return instance;
}

const char *api_route_name(const bay_route *handle)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL ? instance->route->name : "";
}

const char *api_route_path(const bay_route *handle)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL ? instance->conf->path : "";
}

int api_route_worker(const bay_route *handle)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL ? (int)instance->core->setup.number : 0;
}

void *api_route_data(const bay_route *handle)
{
    struct instance *instance = api_checked_route(handle);

    return instance != NULL ? instance->data : NULL;
}

size_t api_route_count(const bay_route *handle)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL ? instance->conn_count : 0;
}

bay_conn *api_route_find(const bay_route *handle, bay_id id)
{
    const struct instance *instance = api_checked_route(handle);
    struct conn *conn;

    if (instance == NULL) {
        return NULL;
    }
    conn = conn_find(instance->core, id);
    return conn != NULL && conn->instance == instance &&
                   conn->state == CONN_OPEN
               ? &conn->handle
               : NULL;
}

bay_conn *api_route_next(const bay_route *handle, const bay_conn *after)
{
    const struct instance *instance = api_checked_route(handle);
    struct conn *conn;

    if (instance == NULL) {
        return NULL;
    }
    conn = after == NULL ? instance->conns : conn_of(after)->next;
    while (conn != NULL && conn->state != CONN_OPEN) {
        conn = conn->next;
    }
    return conn != NULL ? &conn->handle : NULL;
}

const char *api_conf_str(const bay_route *handle, const char *name)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL && name != NULL && instance->options != NULL
               ? options_str(instance->options, name)
               : NULL;
}

int64_t api_conf_int(const bay_route *handle, const char *name)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL && name != NULL && instance->options != NULL
               ? options_int(instance->options, name)
               : 0;
}

/* The worker an id belongs to is this one, or there is no other. */
static bool is_here(const struct core *core, bay_id id)
{
    return core->setup.bus == NULL || (id_node(id) == core->setup.node &&
                                       id_worker(id) == core->setup.worker);
}

/* Of this route, whether the code that runs is theirs or an older one. */
static struct conn *find_own(const struct instance *instance, bay_id id)
{
    struct conn *conn = conn_find(instance->core, id);

    return conn != NULL && conn->instance->route == instance->route ? conn
                                                                    : NULL;
}

int api_send_to(bay_route *handle, bay_id id, bay_kind kind, const void *data,
                size_t len)
{
    struct instance *instance = api_checked_route(handle);
    const struct core_setup *setup;
    struct conn *conn;

    if (instance == NULL || id == 0 || (data == NULL && len > 0) ||
        (kind != BAY_TEXT && kind != BAY_BINARY)) {
        return BAY_EINVAL;
    }
    setup = &instance->core->setup;
    if (!is_here(instance->core, id)) {
        return setup->bus->send_to(setup->bus_self, instance->conf->name, id,
                                   kind, data, len);
    }
    conn = find_own(instance, id);
    return conn != NULL ? conn_send(conn, kind, data, len) : BAY_ENOTFOUND;
}

int api_close_id(bay_route *handle, bay_id id, int code, const char *reason)
{
    struct instance *instance = api_checked_route(handle);
    const struct core_setup *setup;
    struct conn *conn;

    if (instance == NULL || id == 0 || !frame_close_code_valid(code) ||
        (reason != NULL && strnlen(reason, 124) > FRAME_MAX_CONTROL - 2)) {
        return BAY_EINVAL;
    }
    setup = &instance->core->setup;
    if (!is_here(instance->core, id)) {
        return setup->bus->close_id(setup->bus_self, instance->conf->name, id,
                                    code, reason != NULL ? reason : "");
    }
    conn = find_own(instance, id);
    return conn != NULL ? conn_close(conn, code, reason) : BAY_ENOTFOUND;
}

int api_listen(bay_route *handle, const char *topic)
{
    struct instance *instance = api_checked_route(handle);
    bool changed;
    int status;

    if (instance == NULL || !topics_name_valid(topic)) {
        return BAY_EINVAL;
    }
    if (instance->stopped) {
        return BAY_ESTATE;
    }
    status = topics_listen(&instance->core->topics, instance, topic, &changed);
    if (changed) {
        core_interest(instance->core, instance->route, topic, true);
    }
    return status;
}

int api_unlisten(bay_route *handle, const char *topic)
{
    struct instance *instance = api_checked_route(handle);
    bool changed;
    int status;

    if (instance == NULL || !topics_name_valid(topic)) {
        return BAY_EINVAL;
    }
    status =
        topics_unlisten(&instance->core->topics, instance, topic, &changed);
    if (changed) {
        core_interest(instance->core, instance->route, topic, false);
    }
    return status;
}

int api_publish(bay_route *handle, const char *topic, bay_kind kind,
                const void *data, size_t len, bay_id except)
{
    struct instance *instance = api_checked_route(handle);

    if (instance == NULL || !topics_name_valid(topic) ||
        (data == NULL && len > 0) || (kind != BAY_TEXT && kind != BAY_BINARY)) {
        return BAY_EINVAL;
    }
    if (len > SEND_MAX) {
        return BAY_ETOOBIG;
    }
    return core_publish(instance, topic, kind, data, len, except);
}

/* Far enough ahead to be never, and no overflow. */
#define DELAY_MAX_MS ((uint64_t)1 << 48)

int api_timer_set(bay_route *handle, uint64_t key, uint64_t delay_ms)
{
    struct instance *instance = api_checked_route(handle);
    struct core *core;
    int status;

    if (instance == NULL || delay_ms > DELAY_MAX_MS) {
        return BAY_EINVAL;
    }
    if (instance->stopped) {
        return BAY_ESTATE;
    }
    core = instance->core;
    if (delay_ms == 0) {
        delay_ms = 1; /* never in the tick that sets it: that would not end */
    }
    status =
        timers_set(&core->timers, instance, key, core_now(core) + delay_ms);
    stat_set(&core->setup.stats->timers, core->timers.count);
    return status;
}

int api_timer_clear(bay_route *handle, uint64_t key)
{
    struct instance *instance = api_checked_route(handle);
    struct core *core;
    int status;

    if (instance == NULL) {
        return BAY_EINVAL;
    }
    core = instance->core;
    status = timers_clear(&core->timers, instance, key);
    stat_set(&core->setup.stats->timers, core->timers.count);
    return status;
}

uint64_t api_now_ms(const bay_route *handle)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL ? core_now(instance->core) : 0;
}

int api_defer(bay_route *handle, bay_work_fn *work, bay_done_fn *done,
              void *arg)
{
    struct instance *instance = api_checked_route(handle);

    if (instance == NULL || work == NULL) {
        return BAY_EINVAL;
    }
    return jobs_defer(instance, work, done, arg);
}

/* From any thread: it reads only what does not change. The address of a
 * connection is looked up on the loop's thread, where the hooks run. */
void api_vlog(const bay_route *handle, bay_id id, bay_level level,
              const char *format, va_list args)
{
    const struct instance *instance = api_checked_route(handle);
    struct log_subject subject = { .conn = id };

    if (level < BAY_ERROR || level > BAY_DEBUG) {
        level = BAY_INFO;
    }
    if (!log_wants((enum log_level)level)) {
        return;
    }
    if (instance != NULL) {
        const struct conn *conn =
            id != 0 ? conn_find(instance->core, id) : NULL;

        subject.route = instance->route->name;
        subject.plugin = instance->plugin_name;
        subject.remote = conn != NULL ? conn->remote : NULL;
    }
    log_vabout((enum log_level)level, &subject, format, args);
}
