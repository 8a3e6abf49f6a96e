/* hooks.c - the only places where the host calls a plugin */
#include "core/hooks.h"

#include "base/clock.h"

static const char *const hook_names[HOOK_COUNT] = {
    [HOOK_START] = "start",
    [HOOK_STOP] = "stop",
    [HOOK_RELOAD] = "reload",
    [HOOK_MIGRATE_ROUTE] = "migrate_route",
    [HOOK_MIGRATE_CONN] = "migrate_conn",
    [HOOK_HANDSHAKE] = "handshake",
    [HOOK_OPEN] = "open",
    [HOOK_MESSAGE] = "message",
    [HOOK_CLOSE] = "close",
    [HOOK_DRAINED] = "drained",
    [HOOK_TIMER] = "timer",
    [HOOK_NOTICE] = "notice",
    [HOOK_PRESENCE] = "presence",
    [HOOK_HTTP] = "http",
    [HOOK_DONE] = "done",
    [HOOK_WORK] = "work",
};

const char *hook_name(enum hook hook)
{
    return (unsigned)hook < HOOK_COUNT ? hook_names[hook] : NULL;
}

static struct log_subject subject_of(const struct instance *instance,
                                     const struct conn *conn)
{
    return (struct log_subject){
        .route = instance->route->name,
        .plugin = instance->plugin_name,
        .conn = conn != NULL ? conn->id : 0,
        .remote = conn != NULL ? conn->remote : NULL,
    };
}

/* Returns when it began. */
static uint64_t enter(struct instance *instance, const struct conn *conn,
                      enum hook hook)
{
    struct hook_now *now = &instance->core->setup.stats->now;
    uint64_t since = clock_coarse_ms();

    atomic_store_explicit(&now->route, instance->conf->slot,
                          memory_order_relaxed);
    stat_set(&now->conn, conn != NULL ? conn->id : 0);
    stat_set(&now->code, instance->code);
    stat_set(&now->since_ms, since);
    atomic_store_explicit(&now->hook, hook, memory_order_release);
    instance->ran = hook;
    instance->core->in_hook = true;
    instance->core->hook_of = instance;
    instance->core->hook_conn = conn;
    if (instance->core->setup.log_trace) {
        instance->core->hook_ns = clock_now_ns();
    }
    return since;
}

static void log_trace(const struct instance *instance, const struct conn *conn,
                      enum hook hook)
{
    uint64_t took_us = (clock_now_ns() - instance->core->hook_ns) / 1000;
    struct log_subject subject = subject_of(instance, conn);

    log_about(LOG_LEVEL_INFO, &subject, "%s took %llu us", hook_names[hook],
              (unsigned long long)took_us);
}

static void leave(struct instance *instance, const struct conn *conn,
                  enum hook hook, uint64_t since)
{
    struct hook_now *now = &instance->core->setup.stats->now;
    uint64_t took = clock_coarse_ms() - since;

    instance->core->in_hook = false;
    if (instance->core->setup.log_trace) {
        log_trace(instance, conn, hook);
    }
    atomic_store_explicit(&now->hook, HOOK_NONE, memory_order_release);
    if (took > instance->conf->limits.slow_hook_ms) {
        struct log_subject subject = subject_of(instance, conn);

        stat_add(&instance->stats->slow_hooks, 1);
        log_about(LOG_LEVEL_WARN, &subject,
                  "the %s hook took %llu ms; meanwhile nobody else was "
                  "served: give work that waits to bay_defer",
                  hook_names[hook], (unsigned long long)took);
    }
}

int hook_start(struct instance *instance)
{
    int result = 0;

    if (instance->plugin.start != NULL) {
        uint64_t since = enter(instance, NULL, HOOK_START);

        result = instance->plugin.start(&instance->handle);
        leave(instance, NULL, HOOK_START, since);
    }
    return result;
}

void hook_stop(struct instance *instance)
{
    if (instance->plugin.stop != NULL) {
        uint64_t since = enter(instance, NULL, HOOK_STOP);

        instance->plugin.stop(&instance->handle);
        leave(instance, NULL, HOOK_STOP, since);
    }
}

void hook_reload(struct instance *instance)
{
    if (instance->plugin.reload != NULL) {
        uint64_t since = enter(instance, NULL, HOOK_RELOAD);

        instance->plugin.reload(&instance->handle);
        leave(instance, NULL, HOOK_RELOAD, since);
    }
}

int hook_migrate_route(struct instance *instance, const void *old,
                       size_t old_size, uint32_t old_version)
{
    uint64_t since;
    int result;

    if (instance->plugin.migrate_route == NULL) {
        return 0;
    }
    since = enter(instance, NULL, HOOK_MIGRATE_ROUTE);
    instance->unsure = true;
    result = instance->plugin.migrate_route(&instance->handle, old, old_size,
                                            old_version);
    instance->unsure = false;
    leave(instance, NULL, HOOK_MIGRATE_ROUTE, since);
    return result;
}

int hook_migrate_conn(struct conn *conn, const void *old, size_t old_size,
                      uint32_t old_version)
{
    struct instance *instance = conn->instance;
    uint64_t since;
    int result;

    if (instance->plugin.migrate_conn == NULL) {
        return 0;
    }
    since = enter(instance, conn, HOOK_MIGRATE_CONN);
    result = instance->plugin.migrate_conn(&conn->handle, old, old_size,
                                           old_version);
    leave(instance, conn, HOOK_MIGRATE_CONN, since);
    return result;
}

int hook_handshake(struct conn *conn, struct request *request)
{
    struct instance *instance = conn->instance;
    int result = 0;

    if (instance->plugin.handshake != NULL) {
        uint64_t since = enter(instance, conn, HOOK_HANDSHAKE);

        result = instance->plugin.handshake(&conn->handle, &request->handle);
        leave(instance, conn, HOOK_HANDSHAKE, since);
    }
    return result;
}

int hook_open(struct conn *conn)
{
    struct instance *instance = conn->instance;
    int result = 0;

    if (instance->plugin.open != NULL) {
        uint64_t since = enter(instance, conn, HOOK_OPEN);

        result = instance->plugin.open(&conn->handle);
        leave(instance, conn, HOOK_OPEN, since);
    }
    return result;
}

int hook_message(struct conn *conn, const bay_message *message)
{
    struct instance *instance = conn->instance;
    int result = 0;

    if (instance->plugin.message != NULL) {
        struct hook_now *now = &instance->core->setup.stats->now;
        uint64_t since;

        stat_set(&now->message, (uintptr_t)message->data);
        stat_set(&now->message_len, message->len);
        since = enter(instance, conn, HOOK_MESSAGE);
        if (instance->core->setup.recent != NULL) {
            recent_add(instance->core->setup.recent, since, conn->id, message);
        }
        result = instance->plugin.message(&conn->handle, message);
        leave(instance, conn, HOOK_MESSAGE, since);
    }
    return result;
}

void hook_close(struct conn *conn)
{
    struct instance *instance = conn->instance;

    if (instance->plugin.close != NULL) {
        uint64_t since = enter(instance, conn, HOOK_CLOSE);

        instance->plugin.close(&conn->handle, conn->close_code,
                               conn->close_reason);
        leave(instance, conn, HOOK_CLOSE, since);
    }
}

void hook_drained(struct conn *conn)
{
    struct instance *instance = conn->instance;

    if (instance->plugin.drained != NULL) {
        uint64_t since = enter(instance, conn, HOOK_DRAINED);

        instance->plugin.drained(&conn->handle);
        leave(instance, conn, HOOK_DRAINED, since);
    }
}

void hook_timer(struct instance *instance, uint64_t key)
{
    if (instance->plugin.timer != NULL) {
        uint64_t since = enter(instance, NULL, HOOK_TIMER);

        instance->plugin.timer(&instance->handle, key);
        leave(instance, NULL, HOOK_TIMER, since);
    }
}

void hook_notice(struct instance *instance, const bay_notice *notice)
{
    if (instance->plugin.notice != NULL) {
        uint64_t since = enter(instance, NULL, HOOK_NOTICE);

        instance->plugin.notice(&instance->handle, notice);
        leave(instance, NULL, HOOK_NOTICE, since);
    }
}

void hook_presence(struct instance *instance, const bay_change *change)
{
    if (instance->plugin.presence != NULL) {
        uint64_t since = enter(instance, NULL, HOOK_PRESENCE);

        instance->plugin.presence(&instance->handle, change);
        leave(instance, NULL, HOOK_PRESENCE, since);
    }
}

int hook_http(struct instance *instance, struct request *request)
{
    uint64_t since = enter(instance, NULL, HOOK_HTTP);
    int result = instance->plugin.http(&instance->handle, &request->handle);

    leave(instance, NULL, HOOK_HTTP, since);
    return result;
}

void hook_done(struct instance *instance, bay_done_fn *done, void *arg,
               int status)
{
    uint64_t since;

    if (instance->silent) {
        return;
    }
    since = enter(instance, NULL, HOOK_DONE);
    done(&instance->handle, arg, status);
    leave(instance, NULL, HOOK_DONE, since);
}

void hook_complain(struct instance *instance, const struct conn *conn,
                   enum hook hook, int result)
{
    struct log_subject subject = subject_of(instance, conn);

    stat_add(&instance->stats->hook_errors, 1);
    if (result < 0) {
        log_about(LOG_LEVEL_ERROR, &subject, "the %s hook failed: %s (%d)",
                  hook_names[hook], bay_strerror(result), result);
    } else {
        log_about(LOG_LEVEL_ERROR, &subject,
                  "the %s hook returned %d, which is neither 0, an error nor "
                  "%s",
                  hook_names[hook], result,
                  hook == HOOK_HANDSHAKE || hook == HOOK_HTTP
                      ? "a status from 400 to 599"
                      : "a close code that may be sent");
    }
}
