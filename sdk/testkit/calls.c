/* calls.c - the table of host calls: core's, some of which fail when told */
#include <stdlib.h>
#include <string.h>

#include "core/api.h"
#include "kit.h"

/* Before a call that can fail: the error it is to fail with, or BAY_OK. */
static int enter(const char *call)
{
    struct bay_test *test = kit.running;
    int *left = test != NULL ? &test->fail_in : &kit.next_fail_in;
    const char *only = test != NULL ? test->fail_call : kit.next_fail_call;

    if (test != NULL && test->in_work) {
        kit_complain(test,
                     "%s was called by deferred work, on a thread of the pool: "
                     "that may call bay_log only; do it in the done hook",
                     call);
    }
    if (*left == 0 || (only != NULL && strcmp(only, call) != 0) ||
        --*left > 0) {
        return BAY_OK;
    }
    if (test == NULL) {
        return kit.next_fail_error;
    }
    test->failed = true;
    return test->fail_error;
}

/* A call that cannot fail, but that is not for any thread. */
static void look(const char *call)
{
    if (kit.running != NULL && kit.running->in_work) {
        enter(call);
    }
}

/* ---- what the hooks of connections ask for ----------------------------- */

static struct kit_worker *worker_of(const bay_route *route)
{
    return instance_of(route)->core->setup.transport_self;
}

static bool in_conn_hook(const struct kit_worker *worker)
{
    switch (atomic_load(&worker->stats->now.hook)) {
    case HOOK_HANDSHAKE:
    case HOOK_OPEN:
    case HOOK_MESSAGE:
    case HOOK_CLOSE:
    case HOOK_DRAINED: return true;
    default: return false;
    }
}

static struct kit_claim **find_claim(const bay_route *route, const char *topic,
                                     bool watched, uint64_t key)
{
    struct kit_claim **at = &worker_of(route)->claims;

    while (*at != NULL &&
           ((*at)->route != route || (*at)->key != key ||
            (*at)->watched != watched ||
            strcmp((*at)->topic, topic != NULL ? topic : "") != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void add_claim(bay_route *route, const char *topic, bool watched,
                      uint64_t key)
{
    struct kit_claim **at = find_claim(route, topic, watched, key);

    if (*at == NULL) {
        *at = kit_alloc(sizeof **at);
        (*at)->route = route;
        (*at)->key = key;
        (*at)->watched = watched;
        strcpy((*at)->topic, topic != NULL ? topic : "");
    }
}

static void drop_claim(const bay_route *route, const char *topic, bool watched,
                       uint64_t key)
{
    struct kit_claim **at = find_claim(route, topic, watched, key);
    struct kit_claim *claim = *at;

    if (claim != NULL) {
        *at = claim->next;
        free(claim);
    }
}

void kit_check_claims(struct kit_worker *worker)
{
    struct instance *instance = kit_instance(worker);

    for (struct kit_claim *claim = worker->claims; claim != NULL;
         claim = claim->next) {
        if (instance == NULL || claim->route != &instance->handle) {
            continue; /* of one that was replaced */
        }
        if (claim->key == 0) {
            kit_complain(worker->test,
                         "the topic \"%s\", which the hook of a connection "
                         "gave to bay_%s, is still %s, and no "
                         "connection is left: bay_un%s with the last",
                         claim->topic, claim->watched ? "watch" : "listen",
                         claim->watched ? "watched" : "listened to",
                         claim->watched ? "watch" : "listen");
        } else if (api_timer_clear(claim->route, claim->key) == BAY_OK) {
            kit_complain(worker->test,
                         "the timer of connection #%llu is still set, and the "
                         "connection has closed: bay_timer_clear in close",
                         (unsigned long long)claim->key);
        }
    }
}

void kit_drop_claims(struct kit_worker *worker)
{
    while (worker->claims != NULL) {
        struct kit_claim *claim = worker->claims;

        worker->claims = claim->next;
        free(claim);
    }
}

/* ---- the calls --------------------------------------------------------- */

static int kit_send(bay_conn *conn, bay_kind kind, const void *data, size_t len)
{
    int error = enter("bay_send");

    return error != BAY_OK ? error : api_send(conn, kind, data, len);
}

__attribute__((format(printf, 2, 0))) static int
kit_vsendf(bay_conn *conn, const char *format, va_list args)
{
    int error = enter("bay_sendf");

    return error != BAY_OK ? error : api_vsendf(conn, format, args);
}

static int kit_close(bay_conn *conn, int code, const char *reason)
{
    int error = enter("bay_close");

    return error != BAY_OK ? error : api_close(conn, code, reason);
}

static int kit_req_add_header(bay_request *req, const char *name,
                              const char *value)
{
    int error = enter("bay_req_add_header");

    return error != BAY_OK ? error : api_req_add_header(req, name, value);
}

static int kit_req_reply(bay_request *req, int status, const char *type,
                         const void *body, size_t len)
{
    int error = enter("bay_req_reply");

    return error != BAY_OK ? error
                           : api_req_reply(req, status, type, body, len);
}

static int kit_send_to(bay_route *route, bay_id id, bay_kind kind,
                       const void *data, size_t len)
{
    int error = enter("bay_send_to");

    return error != BAY_OK ? error : api_send_to(route, id, kind, data, len);
}

static int kit_close_id(bay_route *route, bay_id id, int code,
                        const char *reason)
{
    int error = enter("bay_close_id");

    return error != BAY_OK ? error : api_close_id(route, id, code, reason);
}

static int kit_subscribe(bay_conn *conn, const char *topic)
{
    int error = enter("bay_subscribe");

    return error != BAY_OK ? error : api_subscribe(conn, topic);
}

static int kit_unsubscribe(bay_conn *conn, const char *topic)
{
    int error = enter("bay_unsubscribe");

    return error != BAY_OK ? error : api_unsubscribe(conn, topic);
}

static int kit_listen(bay_route *route, const char *topic)
{
    int error = enter("bay_listen");

    error = error != BAY_OK ? error : api_listen(route, topic);
    if (error == BAY_OK && in_conn_hook(worker_of(route))) {
        add_claim(route, topic, false, 0);
    }
    return error;
}

static int kit_unlisten(bay_route *route, const char *topic)
{
    int error = enter("bay_unlisten");

    drop_claim(route, topic, false, 0); /* the plugin has done its part */
    return error != BAY_OK ? error : api_unlisten(route, topic);
}

static int kit_publish(bay_route *route, const char *topic, bay_kind kind,
                       const void *data, size_t len, bay_id except)
{
    int error = enter("bay_publish");

    return error != BAY_OK ? error
                           : api_publish(route, topic, kind, data, len, except);
}

static int kit_timer_set(bay_route *route, uint64_t key, uint64_t delay_ms)
{
    int error = enter("bay_timer_set");

    error = error != BAY_OK ? error : api_timer_set(route, key, delay_ms);
    if (error == BAY_OK && conn_find(instance_of(route)->core, key) != NULL) {
        add_claim(route, NULL, false, key);
    }
    return error;
}

static int kit_timer_clear(bay_route *route, uint64_t key)
{
    int error = enter("bay_timer_clear");

    drop_claim(route, NULL, false, key);
    return error != BAY_OK ? error : api_timer_clear(route, key);
}

static int kit_defer(bay_route *route, bay_work_fn *work, bay_done_fn *done,
                     void *arg)
{
    int error = enter("bay_defer");

    return error != BAY_OK ? error : api_defer(route, work, done, arg);
}

static int kit_join(bay_conn *conn, const char *topic, const char *label,
                    const void *info, size_t len, unsigned flags)
{
    int error = enter("bay_join");

    return error != BAY_OK ? error
                           : api_join(conn, topic, label, info, len, flags);
}

static int kit_leave(bay_conn *conn, const char *topic)
{
    int error = enter("bay_leave");

    return error != BAY_OK ? error : api_leave(conn, topic);
}

static int kit_watch(bay_route *route, const char *topic, bool on)
{
    int error = enter(on ? "bay_watch" : "bay_unwatch");

    if (!on) {
        drop_claim(route, topic, true, 0);
    }
    error = error != BAY_OK ? error : api_watch(route, topic, on);
    if (on && error == BAY_OK && in_conn_hook(worker_of(route))) {
        add_claim(route, topic, true, 0);
    }
    return error;
}

static int kit_history(bay_conn *conn, const char *topic, unsigned max)
{
    int error = enter("bay_history");

    return error != BAY_OK ? error : api_history(conn, topic, max);
}

static const bay_member *kit_member_next(const bay_route *route,
                                         const char *topic,
                                         const bay_member *after)
{
    look("bay_member_next");
    return api_member_next(route, topic, after);
}

static const bay_member *kit_member_find(const bay_route *route,
                                         const char *topic, const char *label)
{
    look("bay_member_find");
    return api_member_find(route, topic, label);
}

static size_t kit_member_count(const bay_route *route, const char *topic)
{
    look("bay_member_count");
    return api_member_count(route, topic);
}

static void *kit_conn_data(const bay_conn *conn)
{
    look("bay_conn_data");
    return api_conn_data(conn);
}

static void *kit_route_data(const bay_route *route)
{
    look("bay_route_data");
    return api_route_data(route);
}

static bay_conn *kit_route_find(const bay_route *route, bay_id id)
{
    look("bay_route_find");
    return api_route_find(route, id);
}

static bay_conn *kit_route_next(const bay_route *route, const bay_conn *after)
{
    look("bay_route_next");
    return api_route_next(route, after);
}

static const char *kit_conf_str(const bay_route *route, const char *name)
{
    look("bay_conf_str");
    return api_conf_str(route, name);
}

static int64_t kit_conf_int(const bay_route *route, const char *name)
{
    look("bay_conf_int");
    return api_conf_int(route, name);
}

static uint64_t kit_now_ms(const bay_route *route)
{
    look("bay_now_ms");
    return api_now_ms(route);
}

const bay_api *kit_calls(void)
{
    static bay_api calls;

    calls = core_api;
    calls.send = kit_send;
    calls.vsendf = kit_vsendf;
    calls.close = kit_close;
    calls.req_add_header = kit_req_add_header;
    calls.req_reply = kit_req_reply;
    calls.send_to = kit_send_to;
    calls.close_id = kit_close_id;
    calls.subscribe = kit_subscribe;
    calls.unsubscribe = kit_unsubscribe;
    calls.listen = kit_listen;
    calls.unlisten = kit_unlisten;
    calls.publish = kit_publish;
    calls.timer_set = kit_timer_set;
    calls.timer_clear = kit_timer_clear;
    calls.defer = kit_defer;
    calls.join = kit_join;
    calls.leave = kit_leave;
    calls.watch = kit_watch;
    calls.history = kit_history;
    calls.member_next = kit_member_next;
    calls.member_find = kit_member_find;
    calls.member_count = kit_member_count;
    calls.conn_data = kit_conn_data;
    calls.route_data = kit_route_data;
    calls.route_find = kit_route_find;
    calls.route_next = kit_route_next;
    calls.conf_str = kit_conf_str;
    calls.conf_int = kit_conf_int;
    calls.now_ms = kit_now_ms;
    return &calls;
}

/* ---- for the tests ----------------------------------------------------- */

void bay_test_fail_call(bay_test *test, const char *call, int nth, int error)
{
    if (test == NULL) {
        kit.next_fail_call = call;
        kit.next_fail_in = nth;
        kit.next_fail_error = error;
    } else {
        test->fail_call = call;
        test->fail_in = nth;
        test->fail_error = error;
        test->failed = false;
    }
}

void bay_test_fail(bay_test *test, int nth, int error)
{
    bay_test_fail_call(test, NULL, nth, error);
}

bool bay_test_failed(const bay_test *test)
{
    return test != NULL && test->failed;
}
