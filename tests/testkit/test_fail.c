/* test_fail.c - host calls that fail when told */
#include "puppet.h"

static int two_calls(bay_conn *conn, const bay_message *msg)
{
    int sent = bay_send(conn, msg->kind, msg->data, msg->len);
    int subscribed = bay_subscribe(conn, "news");

    puppet_hears("%d,%d ", sent, subscribed);
    return 0;
}

static void fails_the_nth(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = two_calls;
    BAY_EXPECT(!bay_test_failed(test));
    bay_test_fail(test, 2, BAY_ENOMEM);
    bay_peer_text(peer, "x");
    BAY_EXPECT_STRING(puppet_heard(), "0,-1 ");
    BAY_EXPECT(bay_test_failed(test));
    bay_test_fail(test, 1, BAY_EFULL);
    BAY_EXPECT(!bay_test_failed(test));
    bay_peer_text(peer, "y");
    BAY_EXPECT_STRING(puppet_heard(), "-5,0 ");
    bay_peer_text(peer, "z");
    BAY_EXPECT_STRING(puppet_heard(), "0,0 ");
    BAY_EXPECT_TEXT(peer, "x");
    BAY_EXPECT_TEXT(peer, "z"); /* y was not sent */
    bay_test_fail(test, 3, BAY_ENOMEM);
    bay_test_fail(test, 0, 0);
    bay_peer_text(peer, "a");
    bay_peer_text(peer, "b");
    BAY_EXPECT_STRING(puppet_heard(), "0,0 0,0 ");
    BAY_EXPECT(!bay_test_failed(test));
    bay_test_free(test);
}

static void fails_one_by_name(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = two_calls;
    bay_test_fail_call(test, "bay_subscribe", 2, BAY_EFULL);
    bay_peer_text(peer, "x");
    bay_peer_text(peer, "y");
    BAY_EXPECT_STRING(puppet_heard(), "0,0 0,-5 ");
    bay_test_free(test);
}

static int start(bay_route *route)
{
    return bay_listen(route, "news");
}

static void fails_in_start(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = start;
    bay_test_fail(NULL, 1, BAY_EFULL);
    BAY_EXPECT_REFUSED(&puppet_plugin, NULL, "queue full");
    test = bay_test_new(&puppet_plugin, NULL); /* that was the next */
    BAY_EXPECT(test != NULL);
    BAY_EXPECT(!bay_test_failed(test));
    bay_test_free(test);
}

/* ---- each call --------------------------------------------------------- */

static void work(void *arg)
{
    (void)arg;
}

static void hear(const char *call, int status)
{
    if (status == BAY_ECANCELED) {
        puppet_hears("%s ", call);
    }
}

static int handshake_calls(bay_conn *conn, bay_request *req)
{
    (void)conn;
    hear("add_header", bay_req_add_header(req, "X-A", "b"));
    return 0;
}

static int http_calls(bay_route *route, bay_request *req)
{
    int status = bay_req_reply(req, 200, NULL, NULL, 0);

    (void)route;
    hear("reply", status);
    return status == BAY_OK ? 0 : 503;
}

static int message_calls(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);

    (void)msg;
    hear("send", bay_send(conn, BAY_TEXT, "x", 1));
    hear("send_text", bay_send_text(conn, "x", 1));
    hear("send_binary", bay_send_binary(conn, "x", 1));
    hear("sendf", bay_sendf(conn, "%d", 1));
    hear("send_to", bay_send_to(route, bay_conn_id(conn), BAY_TEXT, "x", 1));
    hear("subscribe", bay_subscribe(conn, "t"));
    hear("unsubscribe", bay_unsubscribe(conn, "t"));
    hear("listen", bay_listen(route, "t"));
    hear("publish", bay_publish(route, "t", BAY_TEXT, "x", 1, 0));
    hear("unlisten", bay_unlisten(route, "t"));
    hear("timer_set", bay_timer_set(route, 1, 1));
    hear("timer_clear", bay_timer_clear(route, 1));
    hear("defer", bay_defer(route, work, NULL, NULL));
    hear("join", bay_join(conn, "t", "me", NULL, 0, 0));
    hear("leave", bay_leave(conn, "t"));
    hear("watch", bay_watch(route, "t"));
    hear("unwatch", bay_unwatch(route, "t"));
    hear("history", bay_history(conn, "t", 1));
    hear("close_id", bay_close_id(route, 999, 1000, NULL));
    hear("close", bay_close(conn, 1000, NULL));
    return 0;
}

/* As the header says how to try each in turn. */
static void fails_each_in_turn(void **state)
{
    int n;

    (void)state;
    puppet.handshake = handshake_calls;
    puppet.message = message_calls;
    puppet.http = http_calls;
    for (n = 1;; n++) {
        bay_test *test = bay_test_new(&puppet_plugin, NULL);
        bool failed;

        bay_test_fail(test, n, BAY_ECANCELED);
        bay_peer_text(puppet_connect(test), "go");
        bay_test_get(test, "/puppet");
        failed = bay_test_failed(test);
        BAY_EXPECT_EQUAL(bay_test_free(test), 0);
        if (!failed) {
            break;
        }
    }
    BAY_EXPECT_EQUAL(n, 23);
    BAY_EXPECT_STRING(puppet_heard(),
                      "add_header send send_text send_binary sendf send_to "
                      "subscribe unsubscribe listen publish unlisten timer_set "
                      "timer_clear defer join leave watch unwatch history "
                      "close_id close reply ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(fails_the_nth),
        PUPPET_TEST(fails_one_by_name),
        PUPPET_TEST(fails_in_start),
        PUPPET_TEST(fails_each_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
