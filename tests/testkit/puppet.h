/* puppet.h - a plugin whose hooks do what the test says
 *
 * Each hook calls a function of the test, if there is one. With cmocka: a
 * failing expectation of the library fails the test that runs.
 */
#ifndef PATCHBAY_TESTS_PUPPET_H
#define PATCHBAY_TESTS_PUPPET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <patchbay_test.h>

static struct puppet {
    int (*start)(bay_route *route);
    void (*stop)(bay_route *route);
    int (*handshake)(bay_conn *conn, bay_request *req);
    int (*open)(bay_conn *conn);
    int (*message)(bay_conn *conn, const bay_message *msg);
    void (*close)(bay_conn *conn, int code, const char *reason);
    void (*drained)(bay_conn *conn);
    void (*timer)(bay_route *route, uint64_t key);
    void (*notice)(bay_route *route, const bay_notice *notice);
    int (*http)(bay_route *route, bay_request *req);
    void (*presence)(bay_route *route, const bay_change *change);
    char heard[4096]; /* words the hooks added */
    bay_conn *conn;   /* that was kept too long */
} puppet;

/* What was heard since the last call. */
static inline const char *puppet_heard(void)
{
    static char text[sizeof puppet.heard];

    strcpy(text, puppet.heard);
    puppet.heard[0] = '\0';
    return text;
}

__attribute__((format(printf, 1, 2))) static inline void
puppet_hears(const char *format, ...)
{
    size_t len = strlen(puppet.heard);
    va_list args;

    va_start(args, format);
    vsnprintf(puppet.heard + len, sizeof puppet.heard - len, format, args);
    va_end(args);
}

static inline int puppet_start(bay_route *route)
{
    return puppet.start != NULL ? puppet.start(route) : 0;
}

static inline void puppet_stop(bay_route *route)
{
    if (puppet.stop != NULL) {
        puppet.stop(route);
    }
}

static inline int puppet_handshake(bay_conn *conn, bay_request *req)
{
    return puppet.handshake != NULL ? puppet.handshake(conn, req) : 0;
}

static inline int puppet_open(bay_conn *conn)
{
    return puppet.open != NULL ? puppet.open(conn) : 0;
}

static inline int puppet_message(bay_conn *conn, const bay_message *msg)
{
    return puppet.message != NULL ? puppet.message(conn, msg) : 0;
}

static inline void puppet_close(bay_conn *conn, int code, const char *reason)
{
    if (puppet.close != NULL) {
        puppet.close(conn, code, reason);
    }
}

static inline void puppet_drained(bay_conn *conn)
{
    if (puppet.drained != NULL) {
        puppet.drained(conn);
    }
}

static inline void puppet_timer(bay_route *route, uint64_t key)
{
    if (puppet.timer != NULL) {
        puppet.timer(route, key);
    }
}

static inline void puppet_notice(bay_route *route, const bay_notice *notice)
{
    if (puppet.notice != NULL) {
        puppet.notice(route, notice);
    }
}

static inline int puppet_http(bay_route *route, bay_request *req)
{
    return puppet.http != NULL ? puppet.http(route, req) : 404;
}

static inline void puppet_presence(bay_route *route, const bay_change *change)
{
    if (puppet.presence != NULL) {
        puppet.presence(route, change);
    }
}

static const char *const puppet_subprotocols[] = { "v2.puppet", "v1.puppet",
                                                   NULL };

static const bay_option puppet_options[] = {
    { "strings", BAY_OPT_INT, "2", "how many there are", 1, 8 },
    { "origins", BAY_OPT_STR, "here", "has the name of a key of routes", 0, 0 },
    { 0 }
};

static const bay_plugin puppet_plugin = {
    BAY_INIT,
    .name = "puppet",
    .route_size = 64,
    .conn_size = 16,
    .options = puppet_options,
    .subprotocols = puppet_subprotocols,
    .start = puppet_start,
    .stop = puppet_stop,
    .handshake = puppet_handshake,
    .open = puppet_open,
    .message = puppet_message,
    .close = puppet_close,
    .drained = puppet_drained,
    .timer = puppet_timer,
    .notice = puppet_notice,
    .http = puppet_http,
    .presence = puppet_presence,
};

/* ---- hooks for many tests ---------------------------------------------- */

static inline int puppet_echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

static inline int puppet_hears_message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    puppet_hears("%s%s ", msg->data, msg->fin ? "" : "...");
    return 0;
}

static inline void puppet_hears_close(bay_conn *conn, int code,
                                      const char *reason)
{
    (void)conn;
    puppet_hears("close:%d:%s ", code, reason);
}

static inline bay_peer *puppet_connect(bay_test *test)
{
    return bay_test_connect(test, "/puppet", NULL);
}

static inline bay_peer *puppet_connect_to(bay_test *test, int worker)
{
    const bay_client client = { .worker = worker };

    return bay_test_connect_as(test, "/puppet", &client);
}

/* ---- cmocka ------------------------------------------------------------ */

static inline void puppet_fail(const char *text)
{
    fail_msg("%s", text);
}

static inline int puppet_setup(void **state)
{
    (void)state;
    memset(&puppet, 0, sizeof puppet);
    bay_expect_report(puppet_fail);
    bay_test_print_log(0);
    return 0;
}

#define PUPPET_TEST(f) cmocka_unit_test_setup(f, puppet_setup)

#endif
