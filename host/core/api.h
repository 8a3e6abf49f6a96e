/* api.h - the host calls: what patchbay.h promises, on core's structs */
#ifndef PATCHBAY_CORE_API_H
#define PATCHBAY_CORE_API_H

#include <patchbay.h>

struct conn;
struct instance;

/* What is behind a handle. NULL for one that is none, or no longer: a plugin that
 * kept it too long gets an error rather than a crash, as far as that can be
 * told. */
struct conn *api_checked_conn(const bay_conn *handle);
struct instance *api_checked_route(const bay_route *handle);

/* api_conn.c */
int api_send(bay_conn *handle, bay_kind kind, const void *data, size_t len);
__attribute__((format(printf, 2, 0))) int
api_vsendf(bay_conn *handle, const char *format, va_list args);
int api_close(bay_conn *handle, int code, const char *reason);
void api_pause(bay_conn *handle, bool on);
bay_id api_conn_id(const bay_conn *handle);
void *api_conn_data(const bay_conn *handle);
bay_route *api_conn_route(const bay_conn *handle);
const char *api_conn_remote(const bay_conn *handle);
const char *api_conn_path(const bay_conn *handle);
const char *api_conn_query(const bay_conn *handle, const char *name);
const char *api_conn_subprotocol(const bay_conn *handle);
const char *api_conn_tail(const bay_conn *handle);
const char *api_conn_header(const bay_conn *handle, const char *name);
size_t api_conn_backlog(const bay_conn *handle);
void api_conn_facts(const bay_conn *handle, bay_facts *facts, size_t size);
int api_subscribe(bay_conn *handle, const char *topic);
int api_unsubscribe(bay_conn *handle, const char *topic);
int api_history(bay_conn *handle, const char *topic, unsigned max);

/* api_request.c */
const char *api_req_method(const bay_request *handle);
const char *api_req_remote(const bay_request *handle);
const char *api_req_path(const bay_request *handle);
const char *api_req_query(const bay_request *handle, const char *name);
const char *api_req_header(const bay_request *handle, const char *name);
const bay_message *api_req_body(const bay_request *handle);
int api_req_add_header(bay_request *handle, const char *name,
                       const char *value);
int api_req_reply(bay_request *handle, int status, const char *type,
                  const void *body, size_t len);

/* api_route.c */
const char *api_route_name(const bay_route *handle);
const char *api_route_path(const bay_route *handle);
int api_route_worker(const bay_route *handle);
void *api_route_data(const bay_route *handle);
size_t api_route_count(const bay_route *handle);
bay_conn *api_route_find(const bay_route *handle, bay_id id);
bay_conn *api_route_next(const bay_route *handle, const bay_conn *after);
const char *api_conf_str(const bay_route *handle, const char *name);
int64_t api_conf_int(const bay_route *handle, const char *name);
int api_send_to(bay_route *handle, bay_id id, bay_kind kind, const void *data,
                size_t len);
int api_close_id(bay_route *handle, bay_id id, int code, const char *reason);
int api_listen(bay_route *handle, const char *topic);
int api_unlisten(bay_route *handle, const char *topic);
int api_publish(bay_route *handle, const char *topic, bay_kind kind,
                const void *data, size_t len, bay_id except);
int api_timer_set(bay_route *handle, uint64_t key, uint64_t delay_ms);
int api_timer_clear(bay_route *handle, uint64_t key);
uint64_t api_now_ms(const bay_route *handle);
int api_defer(bay_route *handle, bay_work_fn *work, bay_done_fn *done,
              void *arg);
__attribute__((format(printf, 4, 0))) void api_vlog(const bay_route *handle,
                                                    bay_id id, bay_level level,
                                                    const char *format,
                                                    va_list args);

/* api_presence.c */
int api_join(bay_conn *handle, const char *topic, const char *label,
             const void *info, size_t len, unsigned flags);
int api_leave(bay_conn *handle, const char *topic);
int api_watch(bay_route *handle, const char *topic, bool on);
const bay_member *api_member_next(const bay_route *handle, const char *topic,
                                  const bay_member *after);
const bay_member *api_member_find(const bay_route *handle, const char *topic,
                                  const char *label);
size_t api_member_count(const bay_route *handle, const char *topic);

#endif
