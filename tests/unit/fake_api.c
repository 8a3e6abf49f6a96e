/* fake_api.c - the host calls, on workers and peers in memory */
#include "fake_state.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct worker *worker_of(const bay_route *route)
{
    return (struct worker *)(uintptr_t)route;
}

static struct fake_peer *peer_of(const bay_conn *conn)
{
    return (struct fake_peer *)(uintptr_t)conn;
}

static struct request *request_of(const bay_request *req)
{
    return (struct request *)(uintptr_t)req;
}

struct message *fake_copy(bay_kind kind, const void *data, size_t len)
{
    struct message *message = malloc(sizeof *message + len + 1);

    assert_non_null(message);
    memcpy(message->data, data, len);
    message->data[len] = '\0';
    message->is = (bay_message){ message->data, len, kind, true };
    return message;
}

static char *place(struct topics *topics, const char *name)
{
    for (int i = 0; i < TOPICS; i++) {
        if (strcmp(topics->names[i], name) == 0) {
            return topics->names[i];
        }
    }
    return NULL;
}

static void enter(struct topics *topics, const char *name)
{
    char *free_place = place(topics, "");

    assert_true(*name != '\0' && strlen(name) <= 64);
    assert_non_null(free_place);
    if (place(topics, name) == NULL) {
        memcpy(free_place, name, strlen(name) + 1);
    }
}

static int api_send(bay_conn *conn, bay_kind kind, const void *data, size_t len)
{
    struct fake_peer *peer = peer_of(conn);
    struct message *message;

    assert_true(peer->open);
    if (peer->closing != 0 || peer->closed != 0) {
        return BAY_ECLOSED;
    }
    message = fake_copy(kind, data, len);
    STAILQ_INSERT_TAIL(&peer->inbox, message, at);
    return BAY_OK;
}

static int api_close(bay_conn *conn, int code, const char *reason)
{
    struct fake_peer *peer = peer_of(conn);

    assert_true(reason == NULL || strlen(reason) <= 123);
    if (peer->closing == 0) {
        peer->closing = code;
    }
    return BAY_OK;
}

static bay_id api_conn_id(const bay_conn *conn)
{
    return peer_of(conn)->id;
}

static void *api_conn_data(const bay_conn *conn)
{
    return peer_of(conn)->data;
}

static bay_route *api_conn_route(const bay_conn *conn)
{
    return &peer_of(conn)->worker->handle;
}

static const char *api_conn_tail(const bay_conn *conn)
{
    const struct fake_peer *peer = peer_of(conn);
    const char *pattern = peer->worker->fake->path;
    size_t len = strcspn(pattern, "*");

    return pattern[len] == '*' ? peer->path + len : "";
}

static const char *find_query(const struct fake_peer *peer, const char *name)
{
    for (int i = 0; i < QUERY; i++) {
        if (strcmp(peer->query[i].name, name) == 0) {
            return peer->query[i].value;
        }
    }
    return NULL;
}

static const char *api_req_method(const bay_request *req)
{
    return request_of(req)->method;
}

static const char *api_req_path(const bay_request *req)
{
    return request_of(req)->peer->path;
}

static const char *api_req_query(const bay_request *req, const char *name)
{
    return find_query(request_of(req)->peer, name);
}

static int api_req_add_header(bay_request *req, const char *name,
                              const char *value)
{
    (void)req;
    assert_true(*name != '\0' && *value != '\0');
    return BAY_OK;
}

static int api_req_reply(bay_request *req, int status, const char *type,
                         const void *body, size_t len)
{
    struct request *request = request_of(req);
    struct fake *fake = request->peer->worker->fake;

    assert_non_null(type);
    assert_true(len < sizeof fake->reply);
    memcpy(fake->reply, body, len);
    fake->reply[len] = '\0';
    request->status = status;
    return BAY_OK;
}

static const char *api_route_path(const bay_route *route)
{
    return worker_of(route)->fake->path;
}

static int api_route_worker(const bay_route *route)
{
    return worker_of(route)->number;
}

static void *api_route_data(const bay_route *route)
{
    return worker_of(route)->data;
}

static struct fake_peer *find_peer(const struct fake *fake, bay_id id)
{
    struct fake_peer *peer;

    LIST_FOREACH(peer, &fake->peers, at)
    {
        if (peer->id == id && peer->open && !peer->worker->gone) {
            return peer;
        }
    }
    return NULL;
}

static bay_conn *api_route_find(const bay_route *route, bay_id id)
{
    struct fake_peer *peer = find_peer(worker_of(route)->fake, id);

    return peer != NULL && &peer->worker->handle == route ? &peer->handle
                                                          : NULL;
}

static const char *api_conf_str(const bay_route *route, const char *name)
{
    const struct fake *fake = worker_of(route)->fake;

    for (int i = 0; i < OPTIONS && fake->options[i].name != NULL; i++) {
        if (strcmp(fake->options[i].name, name) == 0) {
            return fake->options[i].value;
        }
    }
    for (const bay_option *option = fake->plugin->options; option->name != NULL;
         option++) {
        if (strcmp(option->name, name) == 0) {
            return option->fallback;
        }
    }
    fail_msg("the plugin has no option %s", name);
    return NULL;
}

static int64_t api_conf_int(const bay_route *route, const char *name)
{
    static const struct {
        const char *unit;
        int64_t value;
    } units[] = { { "", 1 },   { "k", 1024 }, { "m", 1048576 },
                  { "ms", 1 }, { "s", 1000 }, { "m", 60000 } };
    bool is_time = false;
    char *end;
    int64_t value = strtoll(api_conf_str(route, name), &end, 10);

    for (const bay_option *option = worker_of(route)->fake->plugin->options;
         option->name != NULL; option++) {
        is_time |=
            strcmp(option->name, name) == 0 && option->type == BAY_OPT_MS;
    }
    for (size_t i = is_time ? 3 : 0; i < (is_time ? 6u : 3u); i++) {
        if (strcmp(end, units[i].unit) == 0) {
            return value * units[i].value;
        }
    }
    fail_msg("option %s has no number", name);
    return 0;
}

static int api_send_to(bay_route *route, bay_id id, bay_kind kind,
                       const void *data, size_t len)
{
    struct fake_peer *peer = find_peer(worker_of(route)->fake, id);

    return peer != NULL ? api_send(&peer->handle, kind, data, len)
                        : BAY_ENOTFOUND;
}

static int api_close_id(bay_route *route, bay_id id, int code,
                        const char *reason)
{
    struct fake_peer *peer = find_peer(worker_of(route)->fake, id);

    return peer != NULL ? api_close(&peer->handle, code, reason)
                        : BAY_ENOTFOUND;
}

static int api_subscribe(bay_conn *conn, const char *topic)
{
    assert_true(peer_of(conn)->open);
    enter(&peer_of(conn)->topics, topic);
    return BAY_OK;
}

static int api_listen(bay_route *route, const char *topic)
{
    enter(&worker_of(route)->listens, topic);
    return BAY_OK;
}

static int api_publish(bay_route *route, const char *topic, bay_kind kind,
                       const void *data, size_t len, bay_id except)
{
    struct worker *from = worker_of(route);
    struct fake *fake = from->fake;
    struct fake_peer *peer;
    bool lost = false;

    LIST_FOREACH(peer, &fake->peers, at)
    {
        if (!peer->worker->gone && peer->id != except &&
            place(&peer->topics, topic) != NULL) {
            api_send(&peer->handle, kind, data, len);
        }
    }
    for (int i = 0; i < FAKE_WORKERS; i++) {
        struct worker *to = fake->workers[i];
        struct notice *notice;

        if (to == NULL || place(&to->listens, topic) == NULL) {
            continue;
        }
        if (to != from && from->lose > 0) {
            lost = true;
            continue;
        }
        notice = calloc(1, sizeof *notice);
        assert_non_null(notice);
        notice->from = from;
        notice->to = to;
        notice->message = fake_copy(kind, data, len);
        snprintf(notice->topic, sizeof notice->topic, "%s", topic);
        STAILQ_INSERT_TAIL(&fake->notices, notice, at);
    }
    from->lose -= lost;
    return lost ? BAY_EFULL : BAY_OK;
}

static int api_timer_set(bay_route *route, uint64_t key, uint64_t delay_ms)
{
    struct worker *worker = worker_of(route);
    int at = -1;

    for (int i = 0; i < TIMERS; i++) {
        if (worker->timers[i].set && worker->timers[i].key == key) {
            at = i;
        } else if (!worker->timers[i].set && at < 0) {
            at = i;
        }
    }
    assert_true(at >= 0);
    worker->timers[at].set = true;
    worker->timers[at].key = key;
    worker->timers[at].at_ms = worker->fake->now_ms + delay_ms;
    return BAY_OK;
}

static uint64_t api_now_ms(const bay_route *route)
{
    return worker_of(route)->fake->now_ms;
}

static void api_vlog(const bay_route *route, bay_id id, bay_level level,
                     const char *format, va_list args)
{
    struct fake *fake = worker_of(route)->fake;

    (void)id;
    (void)level;
    vsnprintf(fake->log, sizeof fake->log, format, args);
}

const bay_api fake_api = {
    .size = sizeof fake_api,
    .abi_major = BAY_ABI_MAJOR,
    .abi_minor = BAY_ABI_MINOR,
    .send = api_send,
    .close = api_close,
    .conn_id = api_conn_id,
    .conn_data = api_conn_data,
    .conn_route = api_conn_route,
    .conn_tail = api_conn_tail,
    .req_method = api_req_method,
    .req_path = api_req_path,
    .req_query = api_req_query,
    .req_add_header = api_req_add_header,
    .req_reply = api_req_reply,
    .route_path = api_route_path,
    .route_worker = api_route_worker,
    .route_data = api_route_data,
    .route_find = api_route_find,
    .conf_str = api_conf_str,
    .conf_int = api_conf_int,
    .send_to = api_send_to,
    .close_id = api_close_id,
    .subscribe = api_subscribe,
    .listen = api_listen,
    .publish = api_publish,
    .timer_set = api_timer_set,
    .now_ms = api_now_ms,
    .vlog = api_vlog,
};
