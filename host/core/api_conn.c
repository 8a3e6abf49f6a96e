/* api_conn.c - the host calls on a connection */
#include "core/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core-t.h"
#include "core/history.h"

struct conn *api_checked_conn(const bay_conn *handle)
{
    struct conn *conn = conn_of(handle);

    if (conn == NULL || conn->magic != CONN_MAGIC) {
        log_error("a plugin used a connection after its close hook, or "
                  "something that is no bay_conn: keep bay_id, not bay_conn");
        return NULL;
    }
    return conn;
}

int api_send(bay_conn *handle, bay_kind kind, const void *data, size_t len)
{
    struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn_send(conn, kind, data, len) : BAY_EINVAL;
}

int api_vsendf(bay_conn *handle, const char *format, va_list args)
{
    char small[1024];
    char *large;
    va_list again;
    int len, status;

    va_copy(again, args);
    len = vsnprintf(small, sizeof small, format, args);
    if (len < 0) {
        status = BAY_EINVAL;
    } else if ((size_t)len < sizeof small) {
        status = api_send(handle, BAY_TEXT, small, (size_t)len);
    } else {
        large = malloc((size_t)len + 1);
        status = BAY_ENOMEM;
        if (large != NULL) {
            vsnprintf(large, (size_t)len + 1, format, again);
            status = api_send(handle, BAY_TEXT, large, (size_t)len);
            free(large);
        }
    }
    va_end(again);
    return status;
}

int api_close(bay_conn *handle, int code, const char *reason)
{
    struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn_close(conn, code, reason) : BAY_EINVAL;
}

void api_pause(bay_conn *handle, bool on)
{
    struct conn *conn = api_checked_conn(handle);

    if (conn == NULL || conn->paused == on) {
        return;
    }
    conn->paused = on;
    if (on) {
        conn_update_reading(conn);
        conn_schedule(conn);
    } else {
        /* Reading resumes when the hook has returned. */
        core_mark_dirty(conn->instance->core, conn);
    }
}

bay_id api_conn_id(const bay_conn *handle)
{
    const struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn->id : 0;
}

void *api_conn_data(const bay_conn *handle)
{
    struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn->data : NULL;
}

bay_route *api_conn_route(const bay_conn *handle)
{
    struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? &conn->instance->handle : NULL;
}

const char *api_conn_remote(const bay_conn *handle)
{
    const struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn->remote : "";
}

const char *api_conn_path(const bay_conn *handle)
{
    const struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn->path : "";
}

const char *api_conn_query(const bay_conn *handle, const char *name)
{
    const struct conn *conn = api_checked_conn(handle);

    return conn != NULL && name != NULL ? request_query_find(conn->query, name)
                                        : NULL;
}

const char *api_conn_subprotocol(const bay_conn *handle)
{
    const struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn->subprotocol : "";
}

const char *api_conn_tail(const bay_conn *handle)
{
    const struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn->tail : "";
}

const char *api_conn_header(const bay_conn *handle, const char *name)
{
    const struct conn *conn = api_checked_conn(handle);
    const struct core *core = conn != NULL ? conn->instance->core : NULL;

    if (core == NULL || core->header_conn != conn || name == NULL) {
        return NULL;
    }
    return core->setup.transport->header(conn->link, name);
}

size_t api_conn_backlog(const bay_conn *handle)
{
    const struct conn *conn = api_checked_conn(handle);

    return conn != NULL ? conn->sendq.bytes : 0;
}

void api_conn_facts(const bay_conn *handle, bay_facts *facts, size_t size)
{
    const struct conn *conn = api_checked_conn(handle);
    bay_facts all = { 0 };

    if (conn != NULL) {
        all = conn->facts;
        all.backlog = conn->sendq.bytes;
    }
    memset(facts, 0, size);
    memcpy(facts, &all, size < sizeof all ? size : sizeof all);
}

int api_subscribe(bay_conn *handle, const char *topic)
{
    struct conn *conn = api_checked_conn(handle);
    unsigned before;
    bool changed;
    int status;

    if (conn == NULL || !topics_name_valid(topic)) {
        return BAY_EINVAL;
    }
    if (conn->state != CONN_OPEN) {
        return conn->state == CONN_HANDSHAKE ? BAY_ESTATE : BAY_ECLOSED;
    }
    before = conn->sub_count;
    status =
        topics_subscribe(&conn->instance->core->topics, conn, topic, &changed);
    if (changed) {
        core_interest(conn->instance->core, conn->instance->route, topic, true);
    }
    if (conn->sub_count > before) {
        history_subscribed(conn, topic);
    }
    return status;
}

int api_history(bay_conn *handle, const char *topic, unsigned max)
{
    struct conn *conn = api_checked_conn(handle);

    if (conn == NULL || !topics_name_valid(topic)) {
        return BAY_EINVAL;
    }
    if (conn->state != CONN_OPEN) {
        return conn->state == CONN_HANDSHAKE ? BAY_ESTATE : BAY_ECLOSED;
    }
    return history_send(conn, topic, max);
}

int api_unsubscribe(bay_conn *handle, const char *topic)
{
    struct conn *conn = api_checked_conn(handle);
    bool changed;
    int status;

    if (conn == NULL || !topics_name_valid(topic)) {
        return BAY_EINVAL;
    }
    status = topics_unsubscribe(&conn->instance->core->topics, conn, topic,
                                &changed);
    if (changed) {
        core_interest(conn->instance->core, conn->instance->route, topic,
                      false);
    }
    return status;
}
