/* test_clients.c - clients that connect, talk and leave */
#include "puppet.h"

static int keep_headers(bay_conn *conn, bay_request *req)
{
    const char *cookie = bay_req_header(req, "COOKIE");

    puppet_hears("%s %s %s %s|", bay_req_method(req), bay_req_path(req),
                 bay_req_remote(req), cookie != NULL ? cookie : "-");
    puppet_hears("%s|", bay_req_header(req, "x-two") != NULL ? "two" : "-");
    bay_req_add_header(req, "X-Seen", "yes");
    bay_req_add_header(req, "Set-Cookie", "a=c");
    (void)conn;
    return 0;
}

static int refuse(bay_conn *conn, bay_request *req)
{
    (void)conn;
    bay_req_add_header(req, "Retry-After", "5");
    return 429;
}

static void connects(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer;

    (void)state;
    puppet.handshake = keep_headers;
    peer = bay_test_connect(test, "/puppet?a=b",
                            "Cookie: a=b\r\nX-Two:  2\nX-Three: 3");
    BAY_EXPECT_STATUS(peer, 101);
    BAY_EXPECT_OPEN(peer);
    BAY_EXPECT_STRING(puppet_heard(), "GET /puppet 127.0.0.1 a=b|two|");
    BAY_EXPECT_STRING(bay_peer_header(peer, "x-seen"), "yes");
    BAY_EXPECT_STRING(bay_peer_header(peer, "SET-COOKIE"), "a=c");
    BAY_EXPECT_STRING(bay_peer_header(peer, "x-see"), NULL);
    BAY_EXPECT_STRING(bay_peer_subprotocol(peer), "");
    BAY_EXPECT(bay_peer_id(peer) > UINT32_MAX);
    BAY_EXPECT_EQUAL(bay_conn_id(bay_peer_conn(peer)), bay_peer_id(peer));
    BAY_EXPECT(bay_conn_data(bay_peer_conn(peer)) != NULL);
    BAY_EXPECT_EQUAL(bay_test_free(test), 0);
}

static void is_refused(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer;

    (void)state;
    puppet.handshake = refuse;
    peer = puppet_connect(test);
    BAY_EXPECT_STATUS(peer, 429);
    BAY_EXPECT_STRING(bay_peer_header(peer, "retry-after"), "5");
    BAY_EXPECT_EQUAL(bay_peer_closed(peer), 0);
    BAY_EXPECT_EQUAL(bay_peer_id(peer), 0);
    BAY_EXPECT(bay_peer_conn(peer) == NULL);
    BAY_EXPECT_EQUAL(bay_peer_text(peer, "x"), BAY_ECLOSED);
    BAY_EXPECT_STATUS(bay_test_connect(test, "/pupp", NULL), 404);
    BAY_EXPECT_STATUS(bay_test_connect(test, "/puppet/a", NULL), 404);
    bay_test_free(test);
}

static int hears_url(bay_conn *conn)
{
    const char *empty = bay_conn_query(conn, "empty");

    puppet_hears("%s|%s|%s|%s|%s", bay_conn_path(conn), bay_conn_tail(conn),
                 bay_conn_query(conn, "name"), empty != NULL ? empty : "NULL",
                 bay_conn_query(conn, "none") == NULL ? "NULL" : "?");
    return 0;
}

static void decodes_urls(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "path = /rooms/*");
    bay_peer *peer;

    (void)state;
    puppet.open = hears_url;
    bay_test_connect(test, "/rooms/caf%C3%A9+?&name=a%20b+c%26d&&empty=#x",
                     NULL);
    BAY_EXPECT_STRING(puppet_heard(), "/rooms/café+|café+|a b c&d||NULL");
    peer = bay_test_connect(test, NULL, NULL);
    BAY_EXPECT_STATUS(peer, 101);
    BAY_EXPECT_STRING(bay_conn_path(bay_peer_conn(peer)), "/rooms/");
    bay_test_free(test);
}

static void agrees_on_a_subprotocol(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    const bay_client old = { .subprotocols = "v0.puppet, v1.puppet" };
    bay_peer *peer;

    (void)state;
    peer = bay_test_connect_as(test, "/puppet", &old);
    BAY_EXPECT_STRING(bay_peer_subprotocol(peer), "v1.puppet");
    peer = bay_test_connect(test, "/puppet",
                            "Sec-WebSocket-Protocol: v1.puppet, v2.puppet\r\n");
    BAY_EXPECT_STRING(bay_peer_subprotocol(peer), "v2.puppet");
    bay_test_free(test);
}

static void comes_from_somewhere(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    const bay_client far = { .remote = "2001:db8::7" };
    bay_peer *peer = bay_test_connect_as(test, "/puppet", &far);

    (void)state;
    BAY_EXPECT_STRING(bay_conn_remote(bay_peer_conn(peer)), "2001:db8::7");
    bay_test_free(test);
}

static int hears_open(bay_conn *conn)
{
    (void)conn;
    puppet_hears("open ");
    return 0;
}

static void opens_later(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *first, *second;

    (void)state;
    puppet.open = hears_open;
    puppet.message = puppet_hears_message;
    puppet.close = puppet_hears_close;
    first = bay_test_handshake(test, "/puppet", NULL);
    second = bay_test_handshake(test, "/puppet", NULL);
    BAY_EXPECT_STATUS(first, 101);
    BAY_EXPECT_STRING(puppet_heard(), "");
    BAY_EXPECT_EQUAL(bay_peer_text(first, "early"), BAY_OK);
    BAY_EXPECT_STRING(puppet_heard(), "");
    bay_peer_open(first);
    bay_peer_open(first);
    BAY_EXPECT_STRING(puppet_heard(), "open early ");
    bay_peer_leave(second, 0, NULL);
    BAY_EXPECT_STRING(puppet_heard(), "open close:1006: ");
    bay_test_free(test);
}

static void talks(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);
    char large[100000];

    (void)state;
    puppet.message = puppet_echo;
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    bay_peer_text(peer, "one");
    bay_peer_text(peer, large);
    bay_peer_binary(peer, "\0\1\2", 3);
    bay_peer_send(peer, BAY_TEXT, "four", 2);
    BAY_EXPECT_EQUAL(bay_peer_waiting(peer), 4);
    BAY_EXPECT_TEXT(peer, "one");
    BAY_EXPECT_TEXT(peer, large);
    BAY_EXPECT_BINARY(peer, "\0\1\2", 3);
    BAY_EXPECT_HAS(peer, "o");
    BAY_EXPECT_SILENT(peer);
    bay_peer_text(peer, "");
    BAY_EXPECT_EQUAL(bay_peer_next(peer)->data[0], '\0');
    bay_peer_text(peer, "5");
    bay_peer_text(peer, "6");
    BAY_EXPECT_EQUAL(bay_peer_forget(peer), 2);
    BAY_EXPECT_SILENT(peer);
    bay_test_free(test);
}

static void sends_pieces(void **state)
{
    bay_plugin pieces = puppet_plugin;
    bay_test *test;
    bay_peer *peer;

    (void)state;
    pieces.flags = BAY_PIECES;
    puppet.message = puppet_hears_message;
    test = bay_test_new(&puppet_plugin, NULL);
    peer = puppet_connect(test);
    bay_peer_piece(peer, BAY_TEXT, "ab", 2, false);
    bay_peer_piece(peer, BAY_TEXT, "cd", 2, true);
    BAY_EXPECT_STRING(puppet_heard(), "abcd ");
    bay_test_free(test);

    test = bay_test_new(&pieces, NULL);
    peer = puppet_connect(test);
    bay_peer_piece(peer, BAY_TEXT, "ab", 2, false);
    bay_peer_piece(peer, BAY_TEXT, "cd", 2, true);
    BAY_EXPECT_STRING(puppet_heard(), "ab... cd ");
    bay_test_free(test);
}

static void sends_what_is_not_allowed(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "max_message = 10");
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.close = puppet_hears_close;
    bay_peer_text(peer, "\xff");
    BAY_EXPECT_CLOSED(peer, BAY_CLOSE_BAD_DATA);
    peer = puppet_connect(test);
    bay_peer_text(peer, "12345678901");
    BAY_EXPECT_CLOSED(peer, BAY_CLOSE_TOO_BIG);
    BAY_EXPECT_STRING(bay_peer_reason(peer), "message too big");
    BAY_EXPECT_STRING(puppet_heard(), "close:1007:text is not UTF-8 "
                                      "close:1009:message too big ");
    bay_test_free(test);
}

static void leaves(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.close = puppet_hears_close;
    bay_peer_leave(peer, 4321, "enough");
    BAY_EXPECT_CLOSED(peer, 4321);
    BAY_EXPECT_STRING(puppet_heard(), "close:4321:enough ");
    BAY_EXPECT_EQUAL(bay_peer_text(peer, "x"), BAY_ECLOSED);
    BAY_EXPECT(bay_peer_conn(peer) == NULL);
    bay_peer_leave(peer, 1000, NULL);
    BAY_EXPECT_STRING(puppet_heard(), "");

    peer = puppet_connect(test);
    bay_peer_leave(peer, BAY_CLOSE_NO_STATUS, NULL);
    BAY_EXPECT_CLOSED(peer, BAY_CLOSE_NO_STATUS);
    BAY_EXPECT_STRING(puppet_heard(), "close:1005: ");

    peer = puppet_connect(test);
    bay_peer_leave(peer, 0, NULL);
    BAY_EXPECT_CLOSED(peer, BAY_CLOSE_ABNORMAL);
    BAY_EXPECT_STRING(puppet_heard(), "close:1006: ");

    peer = puppet_connect(test);
    bay_peer_leave(peer, 999, NULL); /* against RFC 6455 */
    BAY_EXPECT_CLOSED(peer, 1002);
    bay_test_free(test);
}

static int closes(bay_conn *conn, const bay_message *msg)
{
    bay_sendf(conn, "bye %s", msg->data);
    return bay_close(conn, 4000, "go");
}

static void is_closed(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = closes;
    puppet.close = puppet_hears_close;
    bay_peer_text(peer, "ann");
    BAY_EXPECT_CLOSED(peer, 4000);
    BAY_EXPECT_STRING(bay_peer_reason(peer), "go");
    BAY_EXPECT_TEXT(peer, "bye ann");
    BAY_EXPECT_STRING(puppet_heard(), "close:4000:go ");
    bay_test_free(test);
}

static void is_closed_at_the_end(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);

    (void)state;
    puppet.open = hears_open;
    puppet.close = puppet_hears_close;
    puppet_connect(test);
    bay_test_handshake(test, "/puppet", NULL);
    bay_peer_unplug(puppet_connect(test));
    bay_peer_take(puppet_connect(test), 0);
    puppet_heard();
    BAY_EXPECT_EQUAL(bay_test_free(test), 0);
    BAY_EXPECT_STRING(puppet_heard(),
                      "close:1001:the test is over open close:1006: "
                      "close:1001:the test is over "
                      "close:1001:the test is over ");
}

static void takes_null(void **state)
{
    (void)state;
    BAY_EXPECT(bay_test_connect(NULL, "/", NULL) == NULL);
    BAY_EXPECT_EQUAL(bay_peer_text(NULL, "x"), BAY_ECLOSED);
    BAY_EXPECT_EQUAL(bay_peer_status(NULL), 0);
    BAY_EXPECT(bay_peer_next(NULL) == NULL);
    bay_peer_leave(NULL, 1000, NULL);
    bay_peer_open(NULL);
    bay_peer_take(NULL, 1);
    bay_peer_unplug(NULL);
    bay_test_advance(NULL, 1);
    bay_test_fail(NULL, 0, 0);
    BAY_EXPECT_EQUAL(bay_test_get(NULL, "/"), 0);
    BAY_EXPECT_EQUAL(bay_test_free(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(connects),
        PUPPET_TEST(is_refused),
        PUPPET_TEST(decodes_urls),
        PUPPET_TEST(agrees_on_a_subprotocol),
        PUPPET_TEST(comes_from_somewhere),
        PUPPET_TEST(opens_later),
        PUPPET_TEST(talks),
        PUPPET_TEST(sends_pieces),
        PUPPET_TEST(sends_what_is_not_allowed),
        PUPPET_TEST(leaves),
        PUPPET_TEST(is_closed),
        PUPPET_TEST(is_closed_at_the_end),
        PUPPET_TEST(takes_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
