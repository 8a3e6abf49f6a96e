/* core_script.h - a plugin that notes what it is called with
 *
 * Each hook adds a word to `heard`; a message is handed to `on_message`, so
 * that a test can do what it likes inside a hook.
 */
#ifndef PATCHBAY_TESTS_CORE_SCRIPT_H
#define PATCHBAY_TESTS_CORE_SCRIPT_H

#include "core_rig.h"

static struct script {
    struct buf heard;
    int handshake_result;
    int open_result;
    int start_result;
    int (*on_message)(bay_conn *conn, const bay_message *msg);
    int (*on_open)(bay_conn *conn);
    void (*on_close)(bay_conn *conn);
    void (*on_notice)(bay_route *route, const bay_notice *notice);
    void (*on_timer)(bay_route *route, uint64_t key);
    int (*on_http)(bay_route *route, bay_request *req);
    int (*on_handshake)(bay_conn *conn, bay_request *req);
} script;

static inline int script_start(bay_route *route)
{
    (void)route;
    buf_adds(&script.heard, "start ");
    return script.start_result;
}

static inline void script_stop(bay_route *route)
{
    (void)route;
    buf_adds(&script.heard, "stop ");
}

static inline int script_handshake(bay_conn *conn, bay_request *req)
{
    buf_adds(&script.heard, "handshake ");
    return script.on_handshake != NULL ? script.on_handshake(conn, req)
                                       : script.handshake_result;
}

static inline int script_open(bay_conn *conn)
{
    buf_adds(&script.heard, "open ");
    return script.on_open != NULL ? script.on_open(conn) : script.open_result;
}

static inline int script_message(bay_conn *conn, const bay_message *msg)
{
    assert_int_equal(msg->data[msg->len], '\0');
    buf_addf(&script.heard, "message:%.*s%s ",
             (int)(msg->len < 100 ? msg->len : 100), msg->data,
             msg->fin ? "" : "...");
    return script.on_message != NULL ? script.on_message(conn, msg) : 0;
}

static inline void script_close(bay_conn *conn, int code, const char *reason)
{
    buf_addf(&script.heard, "close:%d:%s ", code, reason);
    if (script.on_close != NULL) {
        script.on_close(conn);
    }
}

static inline void script_drained(bay_conn *conn)
{
    (void)conn;
    buf_adds(&script.heard, "drained ");
}

static inline void script_timer(bay_route *route, uint64_t key)
{
    buf_addf(&script.heard, "timer:%d ", (int)key);
    if (script.on_timer != NULL) {
        script.on_timer(route, key);
    }
}

static inline void script_notice(bay_route *route, const bay_notice *notice)
{
    buf_addf(&script.heard, "notice:%s:%s:%s ", notice->topic, notice->data,
             notice->local ? "local" : "away");
    if (script.on_notice != NULL) {
        script.on_notice(route, notice);
    }
}

static inline int script_http(bay_route *route, bay_request *req)
{
    return script.on_http(route, req);
}

static const char *const script_subprotocols[] = { "v2.script", "v1.script",
                                                   NULL };

static const bay_plugin script_plugin = {
    .name = "script",
    .route_size = 32,
    .conn_size = 16,
    .subprotocols = script_subprotocols,
    .start = script_start,
    .stop = script_stop,
    .handshake = script_handshake,
    .open = script_open,
    .message = script_message,
    .close = script_close,
    .drained = script_drained,
    .timer = script_timer,
    .notice = script_notice,
    .http = script_http,
};

/* What was heard since the last call. */
static inline const char *script_heard(void)
{
    static char text[4096];

    snprintf(text, sizeof text, "%s",
             script.heard.data != NULL ? script.heard.data : "");
    buf_clear(&script.heard);
    return text;
}

static inline int script_setup(void **state)
{
    memset(&script, 0, sizeof script);
    return rig_setup(state);
}

static inline int script_teardown(void **state)
{
    rig_teardown(state);
    buf_free(&script.heard);
    return 0;
}

#define SCRIPT_TEST(f) \
    cmocka_unit_test_setup_teardown(f, script_setup, script_teardown)

#endif
