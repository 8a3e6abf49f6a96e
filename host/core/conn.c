/* conn.c - one WebSocket connection: its life, from handshake to close */
#include "core/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/utf8.h"
#include "core/addresses.h"
#include "core/core-t.h"
#include "core/hooks.h"
#include "core/id.h"
#include "core/incoming.h"
#include "core/subprotocol.h"
#include "core/limits.h"
#include "core/rate.h"
#include "core/resume.h"

/* ---- begin ------------------------------------------------------------- */

static size_t query_size(const char *query)
{
    const char *end = query;

    if (query == NULL) {
        return 1;
    }
    while (*end != '\0') {
        end += strlen(end) + 1;
    }
    return (size_t)(end - query) + 1;
}

/* Keeps the strings of the request in one allocation. */
static int copy_strings(struct conn *conn, const struct request *request,
                        const char *protocol, size_t own)
{
    const struct conf_route *route = conn->instance->conf;
    size_t remote = strlen(request->remote) + 1;
    size_t path = strlen(request->path) + 1;
    size_t sub = strlen(protocol) + 1;
    size_t query = query_size(request->query);
    char *at = malloc(remote + path + sub + query);

    if (at == NULL) {
        return -1;
    }
    conn->remote = memcpy(at, request->remote, remote);
    conn->path = memcpy(at + remote, request->path, path);
    conn->protocol = memcpy(at + remote + path, protocol, sub);
    conn->subprotocol = conn->protocol + own;
    conn->query = at + remote + path + sub;
    if (request->query != NULL) {
        memcpy(at + remote + path + sub, request->query, query);
    } else {
        at[remote + path + sub] = '\0';
    }
    conn->tail = conn->path + (route->prefix ? route->path_len : path - 1);
    return 0;
}

static bool at_limit(const struct instance *instance)
{
    const struct core_setup *setup = &instance->core->setup;
    uint64_t open;

    if (instance->conf->limits.connections == 0) {
        return false;
    }
    open =
        setup->count_connections != NULL
            ? setup->count_connections(setup->count_arg, instance->conf->slot)
            : stat_get(&instance->stats->connections);
    return open >= instance->conf->limits.connections;
}

/* What the address has on this route, if that is bounded: its key, or 0. */
static uint64_t key_of(const struct instance *instance, const char *remote)
{
    const struct core_setup *setup = &instance->core->setup;

    return instance->conf->limits.per_address > 0 && setup->addresses != NULL
               ? address_key(setup->addresses->seed, remote,
                             instance->conf->slot)
               : 0;
}

static bool has_many(const struct instance *instance, uint64_t key)
{
    const struct core_setup *setup = &instance->core->setup;

    return key != 0 && setup->count_address(setup->count_arg, key) >=
                           instance->conf->limits.per_address;
}

static struct conn *conn_alloc(struct instance *instance,
                               const struct request *request,
                               const char *offered, bool resumes, void *link)
{
    struct core *core = instance->core;
    struct conn *conn = calloc(1, sizeof *conn);
    char protocol[SUBPROTOCOL_MAX];
    const char *own = protocol;

    if (conn == NULL) {
        return NULL;
    }
    conn->instance = instance;
    if (resumes) {
        own = subprotocol_resuming(&instance->plugin, offered, protocol);
    }
    if (copy_strings(conn, request,
                     resumes ? protocol
                             : subprotocol_choose(&instance->plugin, offered),
                     resumes ? (size_t)(own - protocol) : 0) != 0) {
        free(conn);
        return NULL;
    }
    if (instance->plugin.conn_size > 0) {
        conn->data = calloc(1, instance->plugin.conn_size);
    }
    if (++core->serial == 0) { /* 2^32 connections: go on as a new process */
        core->incarnation++;
        core->serial = 1;
    }
    conn->id = id_make(core->setup.node, core->setup.worker, core->incarnation,
                       core->serial);
    HASH_ADD(hh, core->by_id, id, sizeof conn->id, conn);
    if (conn->hh.tbl == NULL ||
        (conn->data == NULL && instance->plugin.conn_size > 0)) {
        if (conn->hh.tbl != NULL) {
            HASH_DEL(core->by_id, conn);
        }
        free(conn->data);
        free(conn->remote);
        free(conn);
        return NULL;
    }
    conn->handle.api = core->setup.api;
    conn->magic = CONN_MAGIC;
    conn->state = CONN_HANDSHAKE;
    conn->link = link;
    conn->reading = true;
    DL_APPEND(instance->conns, conn);
    core->conn_count++;
    instance_hold(instance);
    stat_add(&instance->stats->connections, 1);
    return conn;
}

static void bury(struct core *core, struct conn *conn)
{
    if (core->setup.strict) {
        conn->next = core->graveyard;
        core->graveyard = conn;
    } else {
        free(conn);
    }
}

static void conn_free(struct conn *conn)
{
    struct instance *instance = conn->instance;
    struct core *core = instance->core;
    char topic[TOPICS_NAME_MAX + 1];

    while (conn->subs != NULL) {
        if (topics_drop_one(&core->topics, conn, topic)) {
            core_interest(core, instance->route, topic, false);
        }
    }
    presence_leave_all(conn);
    if (conn->dirty) {
        DL_DELETE2(core->dirty, conn, prev_dirty, next_dirty);
    }
    if (core->speaker == conn) {
        core->speaker = NULL;
    }
    rate_forget(conn);
    wheel_clear(&core->wheel, &conn->wheel);
    sendq_clear(&core->pool, &conn->sendq);
    incoming_drop(conn);
    DL_DELETE(instance->conns, conn);
    HASH_DEL(core->by_id, conn);
    address_remove(conn->address);
    core->conn_count--;
    stat_sub(&instance->stats->connections, 1);
    if (instance->retired) {
        stat_sub(&instance->stats->outdated, 1);
    }
    conn->magic = 0;
    free(conn->data);
    free(conn->remote);
    free(conn->resume);
    conn->resume = NULL;
    bury(core, conn);
    instance_drop(instance);
}

/* Sets *resume if it can, and the route keeps anything. false: what it says of
 * where it was is nothing that this server gave it. */
static bool wants_to_resume(const struct instance *instance,
                            const struct request *request, const char *offered,
                            struct resume **resume, const char **why)
{
    char protocol[SUBPROTOCOL_MAX];

    if (instance->route->keep.count == 0 ||
        subprotocol_resuming(&instance->plugin, offered, protocol) == NULL) {
        return true;
    }
    *resume =
        resume_parse(request->query != NULL
                         ? request_query_find(request->query, RESUME_PARAMETER)
                         : NULL,
                     why);
    return *resume != NULL;
}

struct conn *conn_create(struct instance *instance, struct request *request,
                         const char *offered, void *link, int *status,
                         const char **why)
{
    struct core *core = instance->core;
    uint64_t key = key_of(instance, request->remote);
    struct resume *resume = NULL;
    struct conn *conn;
    int result;

    if (has_many(instance, key)) {
        *status = 429;
        *why = "your address has as many connections as it may have";
        stat_add(&instance->stats->refused, 1);
        instance_over(instance, request->remote, LIMIT_ADDRESS,
                      "the address has too many, refused with 429");
        return NULL;
    }
    *status = 503;
    if (core->draining) {
        *why = "the server is going away: try again later";
        return NULL;
    }
    if (instance_banned(instance)) {
        *why = INSTANCE_BANNED_WHY;
        buf_adds(&request->headers, INSTANCE_BANNED_HEADERS);
        stat_add(&instance->stats->refused, 1);
        return NULL;
    }
    if (at_limit(instance)) {
        *why = "this path has as many connections as it may have: try again "
               "later";
        stat_add(&instance->stats->refused, 1);
        instance_over(instance, request->remote, LIMIT_CONNECTIONS,
                      "the route is full, refused with 503");
        return NULL;
    }
    if (!wants_to_resume(instance, request, offered, &resume, why)) {
        *status = 400;
        stat_add(&instance->stats->refused, 1);
        return NULL;
    }
    conn = conn_alloc(instance, request, offered, resume != NULL, link);
    if (conn == NULL) {
        free(resume);
        *why = "out of memory: try again later";
        stat_add(&instance->stats->refused, 1);
        instance_over(instance, request->remote, LIMIT_MEMORY,
                      "no room for a connection, refused with 503");
        return NULL;
    }
    conn->resume = resume;
    if (key != 0) {
        conn->address = address_add(core->setup.addresses, key);
        if (conn->address == NULL) {
            instance_over(instance, request->remote, LIMIT_ADDRESSES,
                          "too many to count, let in: per_address does not "
                          "hold for it");
        }
    }
    request->handle.api = core->setup.api;
    request->magic = REQUEST_MAGIC;
    core->header_conn = conn;
    result = hook_handshake(conn, request);
    core->header_conn = NULL;
    if (result == 0) {
        *status = 101;
        return conn;
    }
    *status = result;
    *why = "the application refused the connection";
    if (result < 400 || result > 599) {
        hook_complain(instance, conn, HOOK_HANDSHAKE, result);
        *status = 500;
        *why = "the application failed";
    }
    stat_add(&instance->stats->refused, 1);
    conn_free(conn);
    return NULL;
}

void conn_set_deflate(struct conn *conn, unsigned bits)
{
    conn->deflate_bits = (uint8_t)bits;
}

static void call_open(struct conn *conn)
{
    struct core *core = conn->instance->core;
    int result;

    conn->opened = true;
    conn->facts.connected_ms = core_now(core);
    stat_add(&conn->instance->stats->accepted, 1);
    conn_log_access(conn, true);
    core->header_conn = conn->link != NULL ? conn : NULL;
    if (conn->resume != NULL) {
        char line[RESUME_LINE];

        conn_tell(conn, line, resume_welcome_line(line, conn->id));
    }
    result = hook_open(conn);
    core->header_conn = NULL;
    conn_result(conn, HOOK_OPEN, result);
}

void conn_open(struct conn *conn)
{
    struct core *core = conn->instance->core;

    conn->state = CONN_OPEN;
    conn->instance->conn_count++;
    conn->heard_ms = core_now(core);
    conn->progress_ms = conn->heard_ms;
    conn->active_ms = conn->heard_ms;
    call_open(conn);
    if (core->draining || conn->instance->leaving) {
        conn_leave(conn);
    }
    conn_update_reading(conn);
    conn_schedule(conn);
}

/* ---- end --------------------------------------------------------------- */

static void leave_open(struct conn *conn, enum conn_state state)
{
    if (conn->state == CONN_OPEN) {
        conn->instance->conn_count--;
    }
    incoming_drop(conn);
    conn->state = state;
}

static void set_close(struct conn *conn, int code, const char *reason,
                      size_t len)
{
    if (conn->close_code != 0) {
        return; /* the first cause is what the close hook hears of */
    }
    conn->close_code = code;
    if (len >= sizeof conn->close_reason) {
        len = sizeof conn->close_reason - 1;
    }
    memcpy(conn->close_reason, reason, len);
    conn->close_reason[len] = '\0';
}

/* The socket is gone: open, if it is still due, and close, always last. */
static void ended_task(struct core *core, struct task *task)
{
    struct conn *conn =
        (struct conn *)((char *)task - offsetof(struct conn, ended_task));

    if (!conn->opened) {
        call_open(conn);
    }
    set_close(conn, BAY_CLOSE_ABNORMAL, "", 0);
    if (conn->drained_task.queued) {
        core_post(core, task); /* behind it */
        return;
    }
    hook_close(conn);
    conn_log_access(conn, false);
    conn_free(conn);
}

void conn_lost(struct conn *conn)
{
    struct core *core = conn->instance->core;

    conn->link = NULL;
    leave_open(conn, CONN_LOST);
    sendq_clear(&core->pool, &conn->sendq);
    wheel_clear(&core->wheel, &conn->wheel);
    conn->ended_task.run = ended_task;
    core_post(core, &conn->ended_task);
}

void conn_shut(struct conn *conn)
{
    leave_open(conn, CONN_ENDED);
    sendq_clear(&conn->instance->core->pool, &conn->sendq);
    if (conn->link != NULL) {
        conn->instance->core->setup.transport->shut(conn->link);
    }
}

void conn_lose(struct conn *conn, const char *why)
{
    set_close(conn, BAY_CLOSE_ABNORMAL, why, strlen(why));
    conn_shut(conn);
}

/* Queues our Close frame: nothing is sent after it. code 0: no status. */
static void queue_close(struct conn *conn, int code, const char *reason)
{
    struct core *core = conn->instance->core;
    unsigned char frame[FRAME_CLOSE_MAX];
    size_t len = frame_close(frame, code, reason);

    leave_open(conn, CONN_CLOSING);
    conn->closing_ms = core_now(core);
    conn->progress_ms = conn->closing_ms;
    if (sendq_last(&core->pool, &conn->sendq, frame, len) != 0) {
        conn_log(conn, LOG_LEVEL_WARN,
                 "closed without a Close frame: out of "
                 "memory");
        conn_shut(conn);
        return;
    }
    core_mark_dirty(core, conn);
    conn_schedule(conn);
}

void conn_end(struct conn *conn, int code, const char *reason)
{
    if (conn->state != CONN_OPEN) {
        return;
    }
    set_close(conn, code, reason, strlen(reason));
    queue_close(conn, code, conn->close_reason);
}

void conn_leave(struct conn *conn)
{
    const struct core *core = conn->instance->core;

    if (core->draining) {
        conn_end(conn, core->drain_code, core->drain_reason);
    } else if (conn->instance->silent) {
        conn_end(conn, BAY_CLOSE_INTERNAL, "out of service");
    } else {
        conn_end(conn, BAY_CLOSE_RESTART, "another version serves from now on");
    }
}

int conn_close(struct conn *conn, int code, const char *reason)
{
    if (conn->state == CONN_HANDSHAKE) {
        return BAY_ESTATE;
    }
    if (conn->state != CONN_OPEN) {
        return BAY_ECLOSED;
    }
    if (reason == NULL) {
        reason = "";
    }
    if (!frame_close_code_valid(code) ||
        strnlen(reason, 124) > FRAME_MAX_CONTROL - 2 ||
        !utf8_valid(reason, strlen(reason))) {
        return BAY_EINVAL;
    }
    conn_end(conn, code, reason);
    return BAY_OK;
}

void conn_result(struct conn *conn, enum hook hook, int result)
{
    if (result == 0 || result == BAY_ECLOSED) {
        return;
    }
    if (result == BAY_EFULL) { /* the plugin passed on what bay_send said */
        if (conn->instance->conf->limits.slow_peer == CONF_SLOW_CLOSE) {
            stat_add(&conn->instance->stats->slow_closed, 1);
            conn_exceed(conn, LIMIT_SEND_QUEUE, BAY_CLOSE_TRY_LATER,
                        "too slow");
        } else {
            stat_add(&conn->instance->stats->dropped, 1);
            conn_over(conn, LIMIT_SEND_QUEUE, "a message was dropped");
        }
        return;
    }
    if (frame_close_code_valid(result)) {
        conn_end(conn, result, "");
        return;
    }
    hook_complain(conn->instance, conn, hook, result);
    conn_end(conn, BAY_CLOSE_INTERNAL, "");
}

static void answer_close(struct conn *conn, int code, const char *reason,
                         size_t len)
{
    bool fault = code == 1002 || code == 1007;

    set_close(conn, code, reason, len);
    if (fault) {
        stat_add(&conn->instance->stats->protocol_errors, 1);
    }
    queue_close(conn, code == BAY_CLOSE_NO_STATUS ? 0 : code,
                conn->close_reason);
}

void conn_peer_closed(struct conn *conn, const void *payload, size_t len)
{
    const unsigned char *bytes = payload;
    const char *reason = len > 2 ? (const char *)payload + 2 : "";
    size_t reason_len = len > 2 ? len - 2 : 0;
    int code = len >= 2 ? bytes[0] << 8 | bytes[1] : BAY_CLOSE_NO_STATUS;

    if (conn->state == CONN_OPEN) {
        if (len == 1 || (len >= 2 && !frame_close_code_valid(code))) {
            answer_close(conn, 1002, "bad Close frame", 15);
        } else if (!utf8_valid(reason, reason_len)) {
            answer_close(conn, 1007, "Close reason is not UTF-8", 25);
        } else {
            answer_close(conn, code, reason, reason_len);
        }
    }
    conn->peer_closed = true;
    conn_flush(conn);
}

void conn_failed(struct conn *conn, int code, const char *reason)
{
    if (conn->state == CONN_OPEN) {
        set_close(conn, code, reason, strlen(reason));
        stat_add(&conn->instance->stats->protocol_errors, 1);
        queue_close(conn, code, reason);
    }
    conn->failed = true;
    conn_flush(conn);
}

/* Both sides have said all they had to say, or the peer cannot be understood:
 * ends the connection once our last byte is out. */
void conn_end_when_sent(struct conn *conn)
{
    const struct transport *transport = conn->instance->core->setup.transport;

    if (conn->state != CONN_CLOSING || conn->sendq.head != NULL ||
        conn->blocked || (!conn->peer_closed && !conn->failed)) {
        return;
    }
    if (transport->holds(conn->link)) {
        conn->blocked = true;
        transport->want_writable(conn->link);
    } else if (conn->peer_closed) {
        conn_shut(conn);
    } else if (!conn->finished) {
        conn->finished = true;
        conn->progress_ms = core_now(conn->instance->core);
        transport->finish(conn->link);
        conn_schedule(conn);
    }
}

/* ---- facts ------------------------------------------------------------- */

struct conn *conn_find(const struct core *core, bay_id id)
{
    struct conn *conn;

    HASH_FIND(hh, core->by_id, &id, sizeof id, conn);
    return conn;
}

const char *conn_subprotocol(const struct conn *conn)
{
    return conn->protocol;
}

bay_id conn_id(const struct conn *conn)
{
    return conn->id;
}
