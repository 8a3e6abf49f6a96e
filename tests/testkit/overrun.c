/* overrun.c - a plugin that reads and writes where it may not, and its test
 *
 * usage: overrun WHAT
 *
 * Built with AddressSanitizer, whether or not the test library is: the script
 * `overrun` looks at what it reports.
 */
#include <stdlib.h>
#include <string.h>

#include <patchbay_test.h>

static const char *what;
static volatile char sink;
static const char *kept;

static bool is(const char *name)
{
    return strcmp(what, name) == 0;
}

static int start(bay_route *route)
{
    char *block = bay_route_data(route);

    if (is("write-past-route")) {
        block[24] = 1;
    }
    return 0;
}

static int handshake(bay_conn *conn, bay_request *req)
{
    (void)conn;
    kept = bay_req_path(req);
    return 0;
}

static int message(bay_conn *conn, const bay_message *msg)
{
    char *block = bay_conn_data(conn);

    if (is("read-past-conn")) {
        sink = block[16];
    } else if (is("write-before-conn")) {
        block[-1] = 1;
    } else if (is("read-past-message")) {
        sink = msg->data[msg->len + 1]; /* one 0 byte is there */
    } else if (is("read-message-later")) {
        if (kept[0] == 'x') {
            sink = kept[0];
        }
        kept = msg->data;
    } else if (is("leak")) {
        sink = *(char *)memset(malloc(1000), 1, 1000);
    } else {
        block[15] = msg->data[msg->len];
    }
    return 0;
}

static void closed(bay_conn *conn, int code, const char *reason)
{
    (void)code;
    (void)reason;
    if (is("use-after-close")) {
        kept = bay_conn_data(conn);
    }
}

static void stop(bay_route *route)
{
    (void)route;
    if (is("use-after-close")) {
        sink = kept[0];
    }
}

static const bay_plugin plugin = {
    BAY_INIT,
    .name = "overrun",
    .route_size = 24,
    .conn_size = 16,
    .start = start,
    .stop = stop,
    .handshake = handshake,
    .message = message,
    .close = closed,
};

int main(int argc, char *argv[])
{
    bay_test *test;
    bay_peer *peer;

    what = argc > 1 ? argv[1] : "nothing";
    test = bay_test_new(&plugin, NULL);
    peer = bay_test_connect(test, "/overrun", NULL);
    bay_peer_text(peer, "x");
    bay_peer_text(peer, "xy");
    BAY_EXPECT_OPEN(peer);
    bay_test_free(test);
    return bay_test_summary("overrun");
}
