/* every.c - a plugin that names every function of patchbay.h, for header
 *
 * Compiled as each C and as C++; never run.
 */
#include <patchbay.h>

static void work(void *arg)
{
    (void)arg;
}

static void done(bay_route *route, void *arg, int status)
{
    (void)arg;
    bay_log(route, BAY_WARN, "%d %s", status, bay_strerror(status));
}

static int start(bay_route *route)
{
    const bay_conn *conn = bay_route_next(route, NULL);

    if (bay_route_data(route) == NULL || bay_route_worker(route) < 0 ||
        bay_conf_bool(route, "a") || bay_conf_int(route, "b") > 0 ||
        bay_conf_str(route, "c") == NULL) {
        return BAY_EINVAL;
    }
    if (bay_route_count(route) > 0 && bay_route_find(route, 1) == conn) {
        bay_log(route, BAY_INFO, "%s %s", bay_route_name(route),
                bay_route_path(route));
    }
    return bay_listen(route, "topic");
}

static void stop(bay_route *route)
{
    bay_unlisten(route, "topic");
}

static void reload(bay_route *route)
{
    bay_timer_clear(route, 1);
}

static int handshake(bay_conn *conn, bay_request *req)
{
    (void)conn;
    if (bay_req_method(req) == NULL || bay_req_path(req) == NULL ||
        bay_req_remote(req) == NULL) {
        return BAY_EINVAL;
    }
    if (bay_req_query(req, "token") == NULL) {
        return 403;
    }
    return bay_req_add_header(req, "Set-Cookie", "a=b");
}

static int opened(bay_conn *conn)
{
    bay_facts facts;

    bay_conn_facts(conn, &facts);
    if (facts.backlog + bay_conn_backlog(conn) > 0 ||
        bay_conn_header(conn, "Host") == NULL ||
        bay_conn_query(conn, "name") == NULL) {
        return BAY_CLOSE_POLICY;
    }
    bay_conn_log(conn, BAY_DEBUG, "%s %s %s %s", bay_conn_remote(conn),
                 bay_conn_path(conn), bay_conn_tail(conn),
                 bay_conn_subprotocol(conn));
    if (bay_watch(bay_conn_route(conn), "room") != BAY_OK ||
        bay_join(conn, "room", "me", "", 0, BAY_UNIQUE) == BAY_EEXISTS ||
        bay_leave(conn, "room") != BAY_OK ||
        bay_subscribe(conn, "topic") != BAY_OK) {
        return BAY_CLOSE_TRY_LATER;
    }
    return bay_history(conn, "topic", 10);
}

static int message(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);
    void *data = bay_conn_data(conn);

    if (!msg->fin || data == NULL) {
        return bay_send(conn, msg->kind, msg->data, msg->len);
    }
    bay_pause(conn);
    bay_resume(conn);
    bay_send_text(conn, msg->data, msg->len);
    bay_send_binary(conn, msg->data, msg->len);
    bay_sendf(conn, "%.*s", (int)msg->len, msg->data);
    bay_send_to(route, bay_conn_id(conn), BAY_TEXT, "", 0);
    bay_close_id(route, bay_conn_id(conn), BAY_CLOSE_NORMAL, NULL);
    bay_publish(route, "topic", BAY_TEXT, "hello", 5, 0);
    bay_timer_set(route, 1, bay_now_ms(route) % 1000);
    bay_unsubscribe(conn, "topic");
    bay_defer(route, work, done, NULL);
    return bay_close(conn, BAY_CLOSE_NORMAL, "bye");
}

static void presence(bay_route *route, const bay_change *change)
{
    const bay_member *member = bay_member_next(route, change->topic, NULL);

    if (change->kind == BAY_DISPLACED && change->member != NULL) {
        bay_close_id(route, change->member->id, BAY_CLOSE_POLICY, NULL);
    }
    if (member != NULL && member->len <= BAY_INFO_MAX &&
        bay_member_find(route, change->topic, member->label) == member) {
        bay_log(route, BAY_INFO, "%s %s", member->label, member->info);
    }
    if (bay_member_count(route, change->topic) == 0) {
        bay_unwatch(route, change->topic);
    }
}

static int http(bay_route *route, bay_request *req)
{
    const bay_message *body = bay_req_body(req);

    (void)route;
    if (bay_req_header(req, "Accept") == NULL) {
        return 400;
    }
    return bay_req_reply(req, 200, "text/plain", body->data, body->len);
}

BAY_PLUGIN = { BAY_INIT,
               .name = "every",
               .route_size = 16,
               .conn_size = 16,
               .flags = BAY_SINGLE_WORKER,
               .start = start,
               .stop = stop,
               .reload = reload,
               .handshake = handshake,
               .open = opened,
               .message = message,
               .http = http,
               .presence = presence };
