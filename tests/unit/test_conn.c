/* test_conn.c - the life of a connection, however it begins and ends */
#include "core_script.h"

static void the_usual_life(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    rig_say(&peer, "hi");
    assert_int_equal(core_connections(rig.core), 1);
    assert_int_equal(stat_get(&rig.stats->routes[0].connections), 1);
    rig_close(&peer, 4001);
    rig_expect_close(&peer, 4001);
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open message:hi close:4001: ");
    assert_int_equal(core_connections(rig.core), 0);
    assert_int_equal(stat_get(&rig.stats->routes[0].connections), 0);
}

static void refusals(void **state)
{
    static const struct {
        int result, status;
    } cases[] = { { 403, 403 }, { 599, 599 }, { BAY_ENOMEM, 500 },
                  { 200, 500 }, { 7, 500 },   { 302, 500 },
                  { 399, 500 }, { 400, 400 }, { 600, 500 } };
    struct peer peer;
    int status;

    (void)state;
    rig_route("/a", &script_plugin);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script.handshake_result = cases[i].result;
        assert_false(rig_ask(&peer, "/a", NULL, NULL, &status));
        assert_int_equal(status, cases[i].status);
    }
    assert_int_equal(stat_get(&rig.stats->routes[0].refused), 9);
    assert_int_equal(stat_get(&rig.stats->routes[0].connections), 0);
    script_heard();
}

/* A client that is gone before open gets open and close all the same. */
static int send_and_tell(bay_conn *conn)
{
    buf_addf(&script.heard, "(%d) ", bay_send_text(conn, "x", 1));
    return 0;
}

static void gone_before_open(void **state)
{
    struct peer peer;
    int status;

    (void)state;
    rig_route("/a", &script_plugin);
    script.on_open = send_and_tell;
    assert_true(rig_ask(&peer, "/a", NULL, NULL, &status));
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open (-4) close:1006: ");
}

static int close_in_hook(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    assert_int_equal(bay_close(conn, 4002, "enough"), BAY_OK);
    assert_int_equal(bay_close(conn, 4003, ""), BAY_ECLOSED);
    assert_int_equal(bay_send_text(conn, "late", 4), BAY_ECLOSED);
    assert_null(bay_route_find(bay_conn_route(conn), bay_conn_id(conn)));
    return 0;
}

static void closed_by_the_plugin(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    script.on_message = close_in_hook;
    rig_say(&peer, "1");
    rig_expect_close(&peer, 4002);
    rig_say(&peer, "2"); /* too late to be heard */
    rig_close(&peer, 4002);
    rig_expect_silence(&peer);
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open message:1 close:4002:enough ");
}

static int give_result(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    return atoi(msg->data);
}

static void results_of_message(void **state)
{
    static const struct {
        const char *result;
        int code; /* of the Close; 0: none */
    } cases[] = { { "0", 0 },       { "4000", 4000 }, { "1000", 1000 },
                  { "-1", 1011 },   { "-99", 1011 },  { "42", 1011 },
                  { "1005", 1011 }, { "5000", 1011 }, { "-4", 0 },
                  { "-5", 1013 } };

    (void)state;
    rig_route("/a", &script_plugin);
    script.on_message = give_result;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer peer;

        rig_connect(&peer, "/a");
        rig_say(&peer, cases[i].result);
        if (cases[i].code != 0) {
            rig_expect_close(&peer, cases[i].code);
        }
        rig_expect_silence(&peer);
        rig_leave(&peer);
    }
    assert_int_equal(stat_get(&rig.stats->routes[0].hook_errors), 5);
    script_heard();
}

static void open_may_close(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    script.open_result = 4009;
    rig_connect(&peer, "/a");
    rig_expect_close(&peer, 4009);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "start handshake open close:4009: ");
}

static void bad_closes_of_the_plugin(void **state)
{
    struct peer peer;
    char longest[125];

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    memset(longest, 'x', sizeof longest);
    longest[124] = '\0';
    assert_int_equal(bay_close(&peer.conn->handle, 1005, ""), BAY_EINVAL);
    assert_int_equal(bay_close(&peer.conn->handle, 999, ""), BAY_EINVAL);
    assert_int_equal(bay_close(&peer.conn->handle, 1000, longest), BAY_EINVAL);
    assert_int_equal(bay_close(&peer.conn->handle, 1000, "\xff"), BAY_EINVAL);
    longest[123] = '\0';
    assert_int_equal(bay_close(&peer.conn->handle, 1000, longest), BAY_OK);
    rig_leave(&peer);
    script_heard();
}

static void closes_of_the_peer(void **state)
{
    static const struct {
        const char *payload;
        size_t len;
        int answer;
        const char *heard;
    } cases[] = {
        { "", 0, 1005, "close:1005: " },
        { "\x03\xe8", 2, 1000, "close:1000: " },
        { "\x03\xe8"
          "bye",
          5, 1000, "close:1000:bye " },
        { "\x03", 1, 1002, "close:1002:bad Close frame " },
        { "\x03\xed", 2, 1002, "close:1002:bad Close frame " }, /* 1005 */
        { "\x00\x00", 2, 1002, "close:1002:bad Close frame " },
        { "\x03\xe8\xc3", 3, 1007, "close:1007:Close reason is not UTF-8 " },
    };

    (void)state;
    rig_route("/a", &script_plugin);
    script_heard();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer peer;

        rig_connect(&peer, "/a");
        script_heard();
        conn_peer_closed(peer.conn, cases[i].payload, cases[i].len);
        rig_expect_close(&peer, cases[i].answer);
        rig_leave(&peer);
        assert_string_equal(script_heard(), cases[i].heard);
    }
}

static void subprotocols(void **state)
{
    static const struct {
        const char *offered, *chosen;
    } cases[] = { { NULL, "" },
                  { "other", "" },
                  { "v1.script", "v1.script" },
                  { "v1.script, v2.script", "v2.script" },
                  { " ,, v1.script,", "v1.script" },
                  { "v1.scripted,xv2.script", "" } };

    (void)state;
    rig_route("/a", &script_plugin);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer peer;
        int status;

        assert_true(rig_ask(&peer, "/a", NULL, cases[i].offered, &status));
        assert_string_equal(bay_conn_subprotocol(&peer.conn->handle),
                            cases[i].chosen);
        rig_leave(&peer);
    }
    script_heard();
}

static void the_limit_of_a_route(void **state)
{
    struct peer peers[3];
    int status;

    (void)state;
    rig_route("/a", &script_plugin)->limits.connections = 2;
    rig_connect(&peers[0], "/a");
    rig_connect(&peers[1], "/a");
    assert_false(rig_ask(&peers[2], "/a", NULL, NULL, &status));
    assert_int_equal(status, 503);
    rig_leave(&peers[0]);
    rig_connect(&peers[2], "/a");
    rig_leave(&peers[1]);
    rig_leave(&peers[2]);
    script_heard();
}

static void what_a_connection_tells(void **state)
{
    static const char query[] = "room=lobby\0empty=\0flag\0";
    struct peer peer;
    bay_conn *conn;
    int status;

    (void)state;
    rig_route("/rooms/*", &script_plugin);
    assert_true(rig_ask(&peer, "/rooms/blue/1", query, NULL, &status));
    conn = &peer.conn->handle;
    assert_string_equal(bay_conn_path(conn), "/rooms/blue/1");
    assert_string_equal(bay_conn_tail(conn), "blue/1");
    assert_string_equal(bay_conn_remote(conn), "127.0.0.1");
    assert_string_equal(bay_conn_query(conn, "room"), "lobby");
    assert_string_equal(bay_conn_query(conn, "empty"), "");
    assert_string_equal(bay_conn_query(conn, "flag"), "");
    assert_null(bay_conn_query(conn, "roo"));
    assert_null(bay_conn_header(conn, "cookie")); /* not in a hook */
    assert_non_null(bay_conn_data(conn));
    assert_int_equal(bay_conn_id(conn), 1);
    rig_leave(&peer);
    script_heard();
}

static void the_transport_finds_a_fault(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    assert_int_equal(bay_send_text(&peer.conn->handle, "first", 5), BAY_OK);
    conn_failed(peer.conn, 1002, "protocol error");
    rig_expect_text(&peer, "first");
    rig_expect_close(&peer, 1002);
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open close:1002:protocol error ");
}

/* A handle that is used too late is an error, not a crash. */
static void stale_handles(void **state)
{
    struct conn stale = { .handle = { .api = &core_api } };

    (void)state;
    assert_int_equal(bay_send_text(&stale.handle, "x", 1), BAY_EINVAL);
    assert_int_equal(bay_conn_id(&stale.handle), 0);
    assert_null(bay_conn_data(&stale.handle));
}

/* For the test library: the memory of one that is gone is not used again. */
static void kept_when_strict(void **state)
{
    struct peer old, peers[20];
    bay_conn *handle;

    (void)state;
    rig.core->setup.strict = true;
    rig_route("/a", &script_plugin);
    rig_connect(&old, "/a");
    handle = &old.conn->handle;
    rig_leave(&old);
    for (int i = 0; i < 20; i++) {
        rig_connect(&peers[i], "/a");
        assert_ptr_not_equal(&peers[i].conn->handle, handle);
    }
    assert_int_equal(bay_send_text(handle, "x", 1), BAY_EINVAL);
    for (int i = 0; i < 20; i++) {
        rig_leave(&peers[i]);
    }
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(the_usual_life),
        SCRIPT_TEST(refusals),
        SCRIPT_TEST(gone_before_open),
        SCRIPT_TEST(closed_by_the_plugin),
        SCRIPT_TEST(results_of_message),
        SCRIPT_TEST(open_may_close),
        SCRIPT_TEST(bad_closes_of_the_plugin),
        SCRIPT_TEST(closes_of_the_peer),
        SCRIPT_TEST(subprotocols),
        SCRIPT_TEST(the_limit_of_a_route),
        SCRIPT_TEST(what_a_connection_tells),
        SCRIPT_TEST(the_transport_finds_a_fault),
        SCRIPT_TEST(stale_handles),
        SCRIPT_TEST(kept_when_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
