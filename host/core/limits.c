/* limits.c - a client has reached a limit: counted, and said now and then */
#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>

/* Those of clients that ask too much are for who looks for them; those at which
 * others suffer are for the operator. */
static const struct {
    const char *name;
    enum log_level level;
} limits[] = {
    [LIMIT_MESSAGE] = { "max_message", LOG_LEVEL_INFO },
    [LIMIT_FRAGMENTS] = { "fragments", LOG_LEVEL_INFO },
    [LIMIT_RATIO] = { "compress_ratio", LOG_LEVEL_INFO },
    [LIMIT_RATE] = { "rate", LOG_LEVEL_INFO },
    [LIMIT_RATE_BYTES] = { "rate_bytes", LOG_LEVEL_INFO },
    [LIMIT_CONNECTIONS] = { "connections", LOG_LEVEL_WARN },
    [LIMIT_ADDRESS] = { "per_address", LOG_LEVEL_INFO },
    [LIMIT_ADDRESSES] = { "addresses", LOG_LEVEL_WARN },
    [LIMIT_PING] = { "ping_wait", LOG_LEVEL_INFO },
    [LIMIT_IDLE] = { "idle", LOG_LEVEL_INFO },
    [LIMIT_CLOSE] = { "close_wait", LOG_LEVEL_INFO },
    [LIMIT_SEND_QUEUE] = { "send_queue", LOG_LEVEL_INFO },
    [LIMIT_QUEUE_TOTAL] = { "queue_total", LOG_LEVEL_WARN },
    [LIMIT_RECEIVE_TOTAL] = { "receive_total", LOG_LEVEL_WARN },
    [LIMIT_MEMORY] = { "memory", LOG_LEVEL_WARN },
};

const char *limit_name(enum limit limit)
{
    return limits[limit].name;
}

/* All of them are there for who wants everything. */
static void tell(const struct instance *instance, bay_id conn,
                 const char *remote, enum limit limit, const char *what)
{
    struct seldom *over = &instance->route->over[limit];
    struct log_subject subject = {
        .route = instance->route->name,
        .plugin = instance->plugin_name,
        .conn = conn,
        .remote = remote,
    };
    uint64_t left_out = 0;
    enum log_level level = seldom_due(over, core_now(instance->core), &left_out)
                               ? limits[limit].level
                               : LOG_LEVEL_DEBUG;

    stat_add(&instance->stats->limits[limit], 1);
    if (!log_wants(level)) {
        return;
    }
    if (left_out > 0) {
        log_about(level, &subject,
                  "limit %s: %s; %" PRIu64 " times more since this was last "
                  "said",
                  limit_name(limit), what, left_out);
    } else {
        log_about(level, &subject, "limit %s: %s", limit_name(limit), what);
    }
}

void instance_over(struct instance *instance, const char *remote,
                   enum limit limit, const char *what)
{
    tell(instance, 0, remote, limit, what);
}

void conn_over(const struct conn *conn, enum limit limit, const char *what)
{
    tell(conn->instance, conn->id, conn->remote, limit, what);
}

void conn_exceed(struct conn *conn, enum limit limit, int code,
                 const char *reason)
{
    char what[160];

    snprintf(what, sizeof what, "closed with %d: %s", code, reason);
    conn_over(conn, limit, what);
    if (code == BAY_CLOSE_TOO_BIG) {
        stat_add(&conn->instance->stats->protocol_errors, 1);
    }
    conn_end(conn, code, reason);
}
