/* layout.c - the binary layout of ABI 1.1, for 64-bit machines (LP64)
 *
 * What is here may never change: plugins that were built with it run on. A new
 * minor version appends: its fields come behind the last ones, and then their
 * lines behind these; the sizes are the only numbers that grow.
 */
#include <patchbay.h>

#ifdef __cplusplus
#include <type_traits>
#define HOLD(condition, text) static_assert(condition, text)
#define IS(type, field, what) std::is_same_v<decltype(type::field), what>
#else
#define HOLD(condition, text) _Static_assert(condition, text)
#define IS(type, field, what) \
    __builtin_types_compatible_p(__typeof__(((type *)0)->field), what)
#endif

#define AT(type, field, offset) \
    HOLD(offsetof(type, field) == (offset), #type "." #field " has moved")
#define ENTRY(type, field, offset, ...) \
    AT(type, field, offset);            \
    HOLD(IS(type, field, __VA_ARGS__), #type "." #field " has another type")
#define SIZE(type, size)    HOLD(sizeof(type) == (size), #type " has another size")
#define VALUE(name, number) HOLD((name) == (number), #name " has another value")

VALUE(BAY_ABI_MAJOR, 1);
VALUE(BAY_ABI_MINOR, 1);
VALUE(BAY_MAGIC, 0x31594142u);

#if defined(__LP64__)

AT(bay_plugin, magic, 0);
AT(bay_plugin, size, 4);
AT(bay_plugin, abi_major, 8);
AT(bay_plugin, abi_minor, 10);
AT(bay_plugin, option_size, 12);
AT(bay_plugin, name, 16);
AT(bay_plugin, version, 24);
AT(bay_plugin, summary, 32);
AT(bay_plugin, route_size, 40);
AT(bay_plugin, conn_size, 48);
AT(bay_plugin, options, 56);
AT(bay_plugin, subprotocols, 64);
AT(bay_plugin, flags, 72);
AT(bay_plugin, state_version, 76);
ENTRY(bay_plugin, start, 80, int (*)(bay_route *));
ENTRY(bay_plugin, stop, 88, void (*)(bay_route *));
ENTRY(bay_plugin, reload, 96, void (*)(bay_route *));
ENTRY(bay_plugin, migrate_route, 104,
      int (*)(bay_route *, const void *, size_t, uint32_t));
ENTRY(bay_plugin, migrate_conn, 112,
      int (*)(bay_conn *, const void *, size_t, uint32_t));
ENTRY(bay_plugin, handshake, 120, int (*)(bay_conn *, bay_request *));
ENTRY(bay_plugin, open, 128, int (*)(bay_conn *));
ENTRY(bay_plugin, message, 136, int (*)(bay_conn *, const bay_message *));
ENTRY(bay_plugin, close, 144, void (*)(bay_conn *, int, const char *));
ENTRY(bay_plugin, drained, 152, void (*)(bay_conn *));
ENTRY(bay_plugin, timer, 160, void (*)(bay_route *, uint64_t));
ENTRY(bay_plugin, notice, 168, void (*)(bay_route *, const bay_notice *));
ENTRY(bay_plugin, http, 176, int (*)(bay_route *, bay_request *));
ENTRY(bay_plugin, presence, 184, void (*)(bay_route *, const bay_change *));
SIZE(bay_plugin, 192);

AT(bay_option, name, 0);
AT(bay_option, type, 8);
AT(bay_option, fallback, 16);
AT(bay_option, help, 24);
AT(bay_option, min, 32);
AT(bay_option, max, 40);
SIZE(bay_option, 48);

AT(bay_message, data, 0);
AT(bay_message, len, 8);
AT(bay_message, kind, 16);
AT(bay_message, fin, 20);
SIZE(bay_message, 24);

AT(bay_notice, topic, 0);
AT(bay_notice, data, 8);
AT(bay_notice, len, 16);
AT(bay_notice, kind, 24);
AT(bay_notice, except, 32);
AT(bay_notice, local, 40);
SIZE(bay_notice, 48);

AT(bay_facts, connected_ms, 0);
AT(bay_facts, last_message_ms, 8);
AT(bay_facts, messages_in, 16);
AT(bay_facts, messages_out, 24);
AT(bay_facts, bytes_in, 32);
AT(bay_facts, bytes_out, 40);
AT(bay_facts, backlog, 48);
SIZE(bay_facts, 56);

AT(bay_route, api, 0);
AT(bay_conn, api, 0);
AT(bay_request, api, 0);

AT(bay_api, size, 0);
AT(bay_api, abi_major, 4);
AT(bay_api, abi_minor, 6);
ENTRY(bay_api, send, 8, int (*)(bay_conn *, bay_kind, const void *, size_t));
ENTRY(bay_api, vsendf, 16, int (*)(bay_conn *, const char *, va_list));
ENTRY(bay_api, close, 24, int (*)(bay_conn *, int, const char *));
ENTRY(bay_api, pause, 32, void (*)(bay_conn *, bool));
ENTRY(bay_api, conn_id, 40, bay_id (*)(const bay_conn *));
ENTRY(bay_api, conn_data, 48, void *(*)(const bay_conn *));
ENTRY(bay_api, conn_route, 56, bay_route *(*)(const bay_conn *));
ENTRY(bay_api, conn_remote, 64, const char *(*)(const bay_conn *));
ENTRY(bay_api, conn_path, 72, const char *(*)(const bay_conn *));
ENTRY(bay_api, conn_query, 80, const char *(*)(const bay_conn *, const char *));
ENTRY(bay_api, conn_subprotocol, 88, const char *(*)(const bay_conn *));
ENTRY(bay_api, conn_tail, 96, const char *(*)(const bay_conn *));
ENTRY(bay_api, conn_header, 104,
      const char *(*)(const bay_conn *, const char *));
ENTRY(bay_api, conn_backlog, 112, size_t (*)(const bay_conn *));
ENTRY(bay_api, conn_facts, 120,
      void (*)(const bay_conn *, bay_facts *, size_t));
ENTRY(bay_api, req_method, 128, const char *(*)(const bay_request *));
ENTRY(bay_api, req_remote, 136, const char *(*)(const bay_request *));
ENTRY(bay_api, req_path, 144, const char *(*)(const bay_request *));
ENTRY(bay_api, req_query, 152,
      const char *(*)(const bay_request *, const char *));
ENTRY(bay_api, req_header, 160,
      const char *(*)(const bay_request *, const char *));
ENTRY(bay_api, req_body, 168, const bay_message *(*)(const bay_request *));
ENTRY(bay_api, req_add_header, 176,
      int (*)(bay_request *, const char *, const char *));
ENTRY(bay_api, req_reply, 184,
      int (*)(bay_request *, int, const char *, const void *, size_t));
ENTRY(bay_api, route_name, 192, const char *(*)(const bay_route *));
ENTRY(bay_api, route_path, 200, const char *(*)(const bay_route *));
ENTRY(bay_api, route_worker, 208, int (*)(const bay_route *));
ENTRY(bay_api, route_data, 216, void *(*)(const bay_route *));
ENTRY(bay_api, route_count, 224, size_t (*)(const bay_route *));
ENTRY(bay_api, route_find, 232, bay_conn *(*)(const bay_route *, bay_id));
ENTRY(bay_api, route_next, 240,
      bay_conn *(*)(const bay_route *, const bay_conn *));
ENTRY(bay_api, conf_str, 248, const char *(*)(const bay_route *, const char *));
ENTRY(bay_api, conf_int, 256, int64_t (*)(const bay_route *, const char *));
ENTRY(bay_api, send_to, 264,
      int (*)(bay_route *, bay_id, bay_kind, const void *, size_t));
ENTRY(bay_api, close_id, 272, int (*)(bay_route *, bay_id, int, const char *));
ENTRY(bay_api, subscribe, 280, int (*)(bay_conn *, const char *));
ENTRY(bay_api, unsubscribe, 288, int (*)(bay_conn *, const char *));
ENTRY(bay_api, listen, 296, int (*)(bay_route *, const char *));
ENTRY(bay_api, unlisten, 304, int (*)(bay_route *, const char *));
ENTRY(bay_api, publish, 312,
      int (*)(bay_route *, const char *, bay_kind, const void *, size_t,
              bay_id));
ENTRY(bay_api, timer_set, 320, int (*)(bay_route *, uint64_t, uint64_t));
ENTRY(bay_api, timer_clear, 328, int (*)(bay_route *, uint64_t));
ENTRY(bay_api, now_ms, 336, uint64_t (*)(const bay_route *));
ENTRY(bay_api, defer, 344,
      int (*)(bay_route *, bay_work_fn *, bay_done_fn *, void *));
ENTRY(bay_api, vlog, 352,
      void (*)(const bay_route *, bay_id, bay_level, const char *, va_list));
ENTRY(bay_api, join, 360,
      int (*)(bay_conn *, const char *, const char *, const void *, size_t,
              unsigned));
ENTRY(bay_api, leave, 368, int (*)(bay_conn *, const char *));
ENTRY(bay_api, watch, 376, int (*)(bay_route *, const char *, bool));
ENTRY(bay_api, member_next, 384,
      const bay_member *(*)(const bay_route *, const char *,
                            const bay_member *));
ENTRY(bay_api, member_find, 392,
      const bay_member *(*)(const bay_route *, const char *, const char *));
ENTRY(bay_api, member_count, 400, size_t (*)(const bay_route *, const char *));
ENTRY(bay_api, history, 408, int (*)(bay_conn *, const char *, unsigned));
SIZE(bay_api, 416);

AT(bay_member, id, 0);
AT(bay_member, label, 8);
AT(bay_member, info, 16);
AT(bay_member, len, 24);
AT(bay_member, joined_ms, 32);
SIZE(bay_member, 40);

AT(bay_change, topic, 0);
AT(bay_change, member, 8);
AT(bay_change, kind, 16);
SIZE(bay_change, 24);

VALUE(BAY_JOINED, 1);
VALUE(BAY_LEFT, 2);
VALUE(BAY_UPDATED, 3);
VALUE(BAY_DISPLACED, 4);
VALUE(BAY_LISTED, 5);
VALUE(BAY_UNIQUE, 1);
VALUE(BAY_LABEL_MAX, 64u);
VALUE(BAY_INFO_MAX, 1024u);

#endif

SIZE(bay_id, 8);
SIZE(bay_kind, 4);
SIZE(bay_level, 4);
SIZE(bay_option_type, 4);

VALUE(BAY_TEXT, 1);
VALUE(BAY_BINARY, 2);
VALUE(BAY_ERROR, 1);
VALUE(BAY_WARN, 2);
VALUE(BAY_INFO, 3);
VALUE(BAY_DEBUG, 4);
VALUE(BAY_OK, 0);
VALUE(BAY_ENOMEM, -1);
VALUE(BAY_EINVAL, -2);
VALUE(BAY_ESTATE, -3);
VALUE(BAY_ECLOSED, -4);
VALUE(BAY_EFULL, -5);
VALUE(BAY_ENOTFOUND, -6);
VALUE(BAY_ETOOBIG, -7);
VALUE(BAY_ECANCELED, -8);
VALUE(BAY_EEXISTS, -9);
VALUE(BAY_OPT_END, 0);
VALUE(BAY_OPT_STR, 1);
VALUE(BAY_OPT_INT, 2);
VALUE(BAY_OPT_BOOL, 3);
VALUE(BAY_OPT_BYTES, 4);
VALUE(BAY_OPT_MS, 5);
VALUE(BAY_SINGLE_WORKER, 1);
VALUE(BAY_PIECES, 2);
VALUE(BAY_CLOSE_NORMAL, 1000);
VALUE(BAY_CLOSE_GOING_AWAY, 1001);
VALUE(BAY_CLOSE_UNSUPPORTED, 1003);
VALUE(BAY_CLOSE_NO_STATUS, 1005);
VALUE(BAY_CLOSE_ABNORMAL, 1006);
VALUE(BAY_CLOSE_BAD_DATA, 1007);
VALUE(BAY_CLOSE_POLICY, 1008);
VALUE(BAY_CLOSE_TOO_BIG, 1009);
VALUE(BAY_CLOSE_INTERNAL, 1011);
VALUE(BAY_CLOSE_RESTART, 1012);
VALUE(BAY_CLOSE_TRY_LATER, 1013);
