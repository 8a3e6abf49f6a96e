/*
 * patchbay/abi.h - the binary side of patchbay.h, which includes it
 *
 * Plugin authors need not read this. It holds the table through which a plugin
 * reaches the host, and the bodies of the functions patchbay.h declares: each
 * one a call through the table that its first argument carries.
 *
 * Rules for changing it: append, never reorder, never change a type; raise
 * BAY_ABI_MINOR; extend tests/abi/layout.c. A host refuses a plugin of a
 * higher minor version, so every entry a plugin can name is in the table it
 * meets, and no entry is ever checked for NULL.
 */
#ifndef PATCHBAY_ABI_H
#define PATCHBAY_ABI_H

#ifdef __cplusplus
extern "C" {
#endif

struct bay_api {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;

    int (*send)(bay_conn *, bay_kind, const void *, size_t);
    int (*vsendf)(bay_conn *, const char *, va_list);
    int (*close)(bay_conn *, int, const char *);
    void (*pause)(bay_conn *, bool);
    bay_id (*conn_id)(const bay_conn *);
    void *(*conn_data)(const bay_conn *);
    bay_route *(*conn_route)(const bay_conn *);
    const char *(*conn_remote)(const bay_conn *);
    const char *(*conn_path)(const bay_conn *);
    const char *(*conn_query)(const bay_conn *, const char *);
    const char *(*conn_subprotocol)(const bay_conn *);
    const char *(*conn_tail)(const bay_conn *);
    const char *(*conn_header)(const bay_conn *, const char *);
    size_t (*conn_backlog)(const bay_conn *);
    void (*conn_facts)(const bay_conn *, bay_facts *, size_t);

    const char *(*req_method)(const bay_request *);
    const char *(*req_remote)(const bay_request *);
    const char *(*req_path)(const bay_request *);
    const char *(*req_query)(const bay_request *, const char *);
    const char *(*req_header)(const bay_request *, const char *);
    const bay_message *(*req_body)(const bay_request *);
    int (*req_add_header)(bay_request *, const char *, const char *);
    int (*req_reply)(bay_request *, int, const char *, const void *, size_t);

    const char *(*route_name)(const bay_route *);
    const char *(*route_path)(const bay_route *);
    int (*route_worker)(const bay_route *);
    void *(*route_data)(const bay_route *);
    size_t (*route_count)(const bay_route *);
    bay_conn *(*route_find)(const bay_route *, bay_id);
    bay_conn *(*route_next)(const bay_route *, const bay_conn *);
    const char *(*conf_str)(const bay_route *, const char *);
    int64_t (*conf_int)(const bay_route *, const char *);

    int (*send_to)(bay_route *, bay_id, bay_kind, const void *, size_t);
    int (*close_id)(bay_route *, bay_id, int, const char *);
    int (*subscribe)(bay_conn *, const char *);
    int (*unsubscribe)(bay_conn *, const char *);
    int (*listen)(bay_route *, const char *);
    int (*unlisten)(bay_route *, const char *);
    int (*publish)(bay_route *, const char *, bay_kind, const void *, size_t,
                   bay_id);

    int (*timer_set)(bay_route *, uint64_t, uint64_t);
    int (*timer_clear)(bay_route *, uint64_t);
    uint64_t (*now_ms)(const bay_route *);
    int (*defer)(bay_route *, bay_work_fn *, bay_done_fn *, void *);
    void (*vlog)(const bay_route *, bay_id, bay_level, const char *, va_list);

#if BAY_ABI_MINOR >= 1
    int (*join)(bay_conn *, const char *, const char *, const void *, size_t,
                unsigned);
    int (*leave)(bay_conn *, const char *);
    int (*watch)(bay_route *, const char *, bool);
    const bay_member *(*member_next)(const bay_route *, const char *,
                                     const bay_member *);
    const bay_member *(*member_find)(const bay_route *, const char *,
                                     const char *);
    size_t (*member_count)(const bay_route *, const char *);
    int (*history)(bay_conn *, const char *, unsigned);
#endif

    /* since 1.2: add here */
};

static inline int bay_send(bay_conn *conn, bay_kind kind, const void *data,
                           size_t len)
{
    return conn->api->send(conn, kind, data, len);
}

static inline int bay_send_text(bay_conn *conn, const void *data, size_t len)
{
    return conn->api->send(conn, BAY_TEXT, data, len);
}

static inline int bay_send_binary(bay_conn *conn, const void *data, size_t len)
{
    return conn->api->send(conn, BAY_BINARY, data, len);
}

static inline int bay_sendf(bay_conn *conn, const char *format, ...)
{
    va_list args;
    int status;

    va_start(args, format);
    status = conn->api->vsendf(conn, format, args);
    va_end(args);
    return status;
}

static inline int bay_close(bay_conn *conn, int code, const char *reason)
{
    return conn->api->close(conn, code, reason);
}

static inline void bay_pause(bay_conn *conn)
{
    conn->api->pause(conn, true);
}

static inline void bay_resume(bay_conn *conn)
{
    conn->api->pause(conn, false);
}

static inline bay_id bay_conn_id(const bay_conn *conn)
{
    return conn->api->conn_id(conn);
}

static inline void *bay_conn_data(const bay_conn *conn)
{
    return conn->api->conn_data(conn);
}

static inline bay_route *bay_conn_route(const bay_conn *conn)
{
    return conn->api->conn_route(conn);
}

static inline const char *bay_conn_remote(const bay_conn *conn)
{
    return conn->api->conn_remote(conn);
}

static inline const char *bay_conn_path(const bay_conn *conn)
{
    return conn->api->conn_path(conn);
}

static inline const char *bay_conn_query(const bay_conn *conn, const char *name)
{
    return conn->api->conn_query(conn, name);
}

static inline const char *bay_conn_subprotocol(const bay_conn *conn)
{
    return conn->api->conn_subprotocol(conn);
}

static inline const char *bay_conn_tail(const bay_conn *conn)
{
    return conn->api->conn_tail(conn);
}

static inline const char *bay_conn_header(const bay_conn *conn,
                                          const char *name)
{
    return conn->api->conn_header(conn, name);
}

static inline size_t bay_conn_backlog(const bay_conn *conn)
{
    return conn->api->conn_backlog(conn);
}

/* The size goes along, so that a later host fills in no more than a plugin
 * built with this header has room for. */
static inline void bay_conn_facts(const bay_conn *conn, bay_facts *facts)
{
    conn->api->conn_facts(conn, facts, sizeof *facts);
}

static inline const char *bay_req_method(const bay_request *req)
{
    return req->api->req_method(req);
}

static inline const char *bay_req_remote(const bay_request *req)
{
    return req->api->req_remote(req);
}

static inline const char *bay_req_path(const bay_request *req)
{
    return req->api->req_path(req);
}

static inline const char *bay_req_query(const bay_request *req,
                                        const char *name)
{
    return req->api->req_query(req, name);
}

static inline const char *bay_req_header(const bay_request *req,
                                         const char *name)
{
    return req->api->req_header(req, name);
}

static inline const bay_message *bay_req_body(const bay_request *req)
{
    return req->api->req_body(req);
}

static inline int bay_req_add_header(bay_request *req, const char *name,
                                     const char *value)
{
    return req->api->req_add_header(req, name, value);
}

static inline int bay_req_reply(bay_request *req, int status, const char *type,
                                const void *body, size_t len)
{
    return req->api->req_reply(req, status, type, body, len);
}

static inline const char *bay_route_name(const bay_route *route)
{
    return route->api->route_name(route);
}

static inline const char *bay_route_path(const bay_route *route)
{
    return route->api->route_path(route);
}

static inline int bay_route_worker(const bay_route *route)
{
    return route->api->route_worker(route);
}

static inline void *bay_route_data(const bay_route *route)
{
    return route->api->route_data(route);
}

static inline size_t bay_route_count(const bay_route *route)
{
    return route->api->route_count(route);
}

static inline bay_conn *bay_route_find(const bay_route *route, bay_id id)
{
    return route->api->route_find(route, id);
}

static inline bay_conn *bay_route_next(const bay_route *route,
                                       const bay_conn *conn)
{
    return route->api->route_next(route, conn);
}

static inline const char *bay_conf_str(const bay_route *route, const char *name)
{
    return route->api->conf_str(route, name);
}

static inline int64_t bay_conf_int(const bay_route *route, const char *name)
{
    return route->api->conf_int(route, name);
}

static inline bool bay_conf_bool(const bay_route *route, const char *name)
{
    return route->api->conf_int(route, name) != 0;
}

static inline int bay_send_to(bay_route *route, bay_id id, bay_kind kind,
                              const void *data, size_t len)
{
    return route->api->send_to(route, id, kind, data, len);
}

static inline int bay_close_id(bay_route *route, bay_id id, int code,
                               const char *reason)
{
    return route->api->close_id(route, id, code, reason);
}

static inline int bay_subscribe(bay_conn *conn, const char *topic)
{
    return conn->api->subscribe(conn, topic);
}

static inline int bay_unsubscribe(bay_conn *conn, const char *topic)
{
    return conn->api->unsubscribe(conn, topic);
}

static inline int bay_listen(bay_route *route, const char *topic)
{
    return route->api->listen(route, topic);
}

static inline int bay_unlisten(bay_route *route, const char *topic)
{
    return route->api->unlisten(route, topic);
}

static inline int bay_publish(bay_route *route, const char *topic,
                              bay_kind kind, const void *data, size_t len,
                              bay_id except)
{
    return route->api->publish(route, topic, kind, data, len, except);
}

#if BAY_ABI_MINOR >= 1
static inline int bay_join(bay_conn *conn, const char *topic, const char *label,
                           const void *info, size_t len, unsigned flags)
{
    return conn->api->join(conn, topic, label, info, len, flags);
}

static inline int bay_leave(bay_conn *conn, const char *topic)
{
    return conn->api->leave(conn, topic);
}

static inline int bay_watch(bay_route *route, const char *topic)
{
    return route->api->watch(route, topic, true);
}

static inline int bay_unwatch(bay_route *route, const char *topic)
{
    return route->api->watch(route, topic, false);
}

static inline const bay_member *bay_member_next(const bay_route *route,
                                                const char *topic,
                                                const bay_member *after)
{
    return route->api->member_next(route, topic, after);
}

static inline const bay_member *
bay_member_find(const bay_route *route, const char *topic, const char *label)
{
    return route->api->member_find(route, topic, label);
}

static inline size_t bay_member_count(const bay_route *route, const char *topic)
{
    return route->api->member_count(route, topic);
}

static inline int bay_history(bay_conn *conn, const char *topic, unsigned max)
{
    return conn->api->history(conn, topic, max);
}
#endif

static inline int bay_timer_set(bay_route *route, uint64_t key,
                                uint64_t delay_ms)
{
    return route->api->timer_set(route, key, delay_ms);
}

static inline int bay_timer_clear(bay_route *route, uint64_t key)
{
    return route->api->timer_clear(route, key);
}

static inline uint64_t bay_now_ms(const bay_route *route)
{
    return route->api->now_ms(route);
}

static inline int bay_defer(bay_route *route, bay_work_fn *work,
                            bay_done_fn *done, void *arg)
{
    return route->api->defer(route, work, done, arg);
}

static inline void bay_log(const bay_route *route, bay_level level,
                           const char *format, ...)
{
    va_list args;

    va_start(args, format);
    route->api->vlog(route, 0, level, format, args);
    va_end(args);
}

static inline void bay_conn_log(const bay_conn *conn, bay_level level,
                                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    conn->api->vlog(conn->api->conn_route(conn), conn->api->conn_id(conn),
                    level, format, args);
    va_end(args);
}

static inline const char *bay_strerror(int error)
{
    switch (error) {
    case BAY_OK: return "success";
    case BAY_ENOMEM: return "out of memory";
    case BAY_EINVAL: return "invalid argument";
    case BAY_ESTATE: return "not allowed here";
    case BAY_ECLOSED: return "connection closing";
    case BAY_EFULL: return "queue full";
    case BAY_ENOTFOUND: return "not found";
    case BAY_ETOOBIG: return "too big";
    case BAY_ECANCELED: return "canceled";
    case -9: return "label taken";
    default: return "unknown error";
    }
}

#ifdef __cplusplus
}
#endif

#endif /* PATCHBAY_ABI_H */
