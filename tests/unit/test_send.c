/* test_send.c - queues, their limit, and sockets that take only so much */
#include "core_script.h"

static void partly_taken(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    for (size_t room = 0; room < 24; room++) {
        rig_connect(&peer, "/a");
        peer.room = room;
        bay_send_text(&peer.conn->handle, "first", 5);
        bay_send_text(&peer.conn->handle, "second", 6);
        bay_sendf(&peer.conn->handle, "%s%d", "third", 3);
        core_turn(rig.core);
        rig_give_room(&peer, SIZE_MAX);
        rig_expect_text(&peer, "first");
        rig_expect_text(&peer, "second");
        rig_expect_text(&peer, "third3");
        rig_expect_silence(&peer);
        rig_leave(&peer);
    }
    script_heard();
}

/* A large payload is sent from where it lies; what the socket does not take is
 * kept. */
static void large_and_partly_taken(void **state)
{
    static char data[50000];
    struct peer peer;
    struct buf got;

    (void)state;
    memset(data, 'd', sizeof data);
    rig_route("/a", &script_plugin);
    for (size_t room = 0; room < 50010; room += room < 8 ? 1 : 9999) {
        rig_connect(&peer, "/a");
        peer.room = room;
        assert_int_equal(bay_send_binary(&peer.conn->handle, data, sizeof data),
                         BAY_OK);
        bay_send_text(&peer.conn->handle, "end", 3);
        core_turn(rig.core);
        rig_give_room(&peer, SIZE_MAX);
        assert_int_equal(rig_frame(&peer, &got), OPCODE_BINARY);
        assert_int_equal(got.len, sizeof data);
        assert_memory_equal(got.data, data, sizeof data);
        rig_expect_text(&peer, "end");
        rig_leave(&peer);
    }
    script_heard();
}

/* A transport that cannot gather, as TLS, is given whole frames only. */
static void large_without_gathering(void **state)
{
    static char data[50000];
    struct peer peer;
    struct buf got;

    (void)state;
    memset(data, 'd', sizeof data);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    peer.in_one_piece = true;
    for (size_t len = 2000; len < sizeof data; len += 6000) {
        assert_int_equal(bay_send_binary(&peer.conn->handle, data, len),
                         BAY_OK);
        core_turn(rig.core);
        assert_int_equal(rig_frame(&peer, &got), OPCODE_BINARY);
        assert_int_equal(got.len, len);
        assert_memory_equal(got.data, data, len);
    }
    rig_leave(&peer);
    script_heard();
}

/* Who gets several large messages in a turn gets those of the next in one
 * write; who gets one, gets it at once and without a copy. */
static void large_bursts(void **state)
{
    static char data[4096];
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    for (size_t turn = 1; turn <= 3; turn++) {
        for (int i = 0; i < 4; i++) {
            bay_send_binary(&peer.conn->handle, data, sizeof data);
        }
        core_turn(rig.core);
        assert_int_equal(peer.writes, turn + 1); /* the first turn took two */
    }
    bay_send_binary(&peer.conn->handle, data, sizeof data);
    core_turn(rig.core);
    bay_send_binary(&peer.conn->handle, data, sizeof data);
    assert_int_equal(peer.writes, 6); /* without waiting for the turn's end */
    rig_leave(&peer);
    script_heard();
}

static void the_limit(void **state)
{
    static char data[1000];
    struct peer peer;
    int sent = 0;

    (void)state;
    rig_route("/a", &script_plugin)->limits.send_queue = 10000;
    rig_connect(&peer, "/a");
    peer.room = 0;
    while (bay_send_binary(&peer.conn->handle, data, sizeof data) == BAY_OK) {
        sent++;
    }
    assert_int_equal(sent, 9); /* 1004 bytes each on the wire */
    assert_int_equal(bay_send_binary(&peer.conn->handle, data, sizeof data),
                     BAY_EFULL);
    assert_int_equal(bay_conn_backlog(&peer.conn->handle), 9 * 1004);
    core_turn(rig.core);
    assert_false(peer.reading); /* over half full: not read from */
    script_heard();
    rig_give_room(&peer, 5000);
    assert_string_equal(script_heard(), "");
    assert_false(peer.reading);
    rig_give_room(&peer, SIZE_MAX);
    assert_string_equal(script_heard(), "drained ");
    assert_true(peer.reading);
    rig_leave(&peer);
    script_heard();
}

/* A peer that takes all at once: the drained hook does not wait for an event,
 * so that what streams from it goes on. */
static void drained_without_an_event(void **state)
{
    static char data[1000];
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin)->limits.send_queue = 10000;
    rig_connect(&peer, "/a");
    script_heard();
    while (bay_send_binary(&peer.conn->handle, data, sizeof data) == BAY_OK) {
    }
    core_turn(rig.core);
    assert_int_equal(rig.wakes, 1);
    core_turn(rig.core);
    assert_string_equal(script_heard(), "drained ");
    assert_int_equal(rig.wakes, 1);
    rig_leave(&peer);
    script_heard();
}

/* An empty queue takes one message of any size: an echo of what max_message
 * allows never fails. */
static void one_large_message_fits(void **state)
{
    size_t len = 1 << 20;
    char *data = calloc(1, len);
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin)->limits.send_queue = 4096;
    rig_connect(&peer, "/a");
    peer.room = 0;
    assert_int_equal(bay_send_binary(&peer.conn->handle, data, len), BAY_OK);
    assert_int_equal(bay_send_binary(&peer.conn->handle, data, len), BAY_EFULL);
    assert_int_equal(bay_send_binary(&peer.conn->handle, data, SEND_MAX + 1),
                     BAY_ETOOBIG);
    rig_leave(&peer);
    free(data);
    script_heard();
}

static void slow_peers(void **state)
{
    static char data[1000];
    struct peer peer;
    struct conf_route *route;

    (void)state;
    route = rig_route("/a", &script_plugin);
    route->limits.send_queue = 4300; /* four, and what keeping them costs */
    for (int drop = 0; drop < 2; drop++) {
        bay_route *handle;

        route->limits.slow_peer = drop ? CONF_SLOW_DROP : CONF_SLOW_CLOSE;
        rig_connect(&peer, "/a");
        handle = bay_conn_route(&peer.conn->handle);
        bay_subscribe(&peer.conn->handle, "t");
        peer.room = 0;
        for (int i = 0; i < 10; i++) {
            assert_int_equal(
                bay_publish(handle, "t", BAY_BINARY, data, sizeof data, 0),
                BAY_OK);
        }
        core_turn(rig.core);
        rig_give_room(&peer, SIZE_MAX);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(rig_frame(&peer, NULL), OPCODE_BINARY);
        }
        if (!drop) {
            rig_expect_close(&peer, 1013);
        }
        rig_expect_silence(&peer);
        rig_leave(&peer);
    }
    assert_int_equal(stat_get(&rig.stats->routes[0].dropped), 1 + 6);
    assert_int_equal(stat_get(&rig.stats->routes[0].slow_closed), 1);
    script_heard();
}

static void bad_arguments(void **state)
{
    struct peer peer;
    int status;

    (void)state;
    rig_route("/a", &script_plugin);
    assert_true(rig_ask(&peer, "/a", NULL, NULL, &status));
    assert_int_equal(bay_send_text(&peer.conn->handle, "x", 1), BAY_ESTATE);
    conn_open(peer.conn);
    assert_int_equal(bay_send(&peer.conn->handle, 3, "x", 1), BAY_EINVAL);
    assert_int_equal(bay_send_text(&peer.conn->handle, NULL, 1), BAY_EINVAL);
    assert_int_equal(bay_send_text(&peer.conn->handle, NULL, 0), BAY_OK);
    peer.dead = true;
    core_turn(rig.core);
    rig_leave(&peer);
    script_heard();
}

static void long_printf(void **state)
{
    static char text[3000];
    struct peer peer;
    struct buf got;

    (void)state;
    memset(text, 't', sizeof text - 1);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    assert_int_equal(bay_sendf(&peer.conn->handle, "<%s>", text), BAY_OK);
    core_turn(rig.core);
    assert_int_equal(rig_frame(&peer, &got), OPCODE_TEXT);
    assert_int_equal(got.len, sizeof text + 1);
    rig_leave(&peer);
    script_heard();
}

/* Closing waits for what is queued. */
static void close_comes_last(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    peer.room = 3;
    bay_send_text(&peer.conn->handle, "last words", 10);
    bay_close(&peer.conn->handle, 4000, "");
    core_turn(rig.core);
    rig_give_room(&peer, SIZE_MAX);
    rig_expect_text(&peer, "last words");
    rig_expect_close(&peer, 4000);
    rig_leave(&peer);
    script_heard();
}

static void paused(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_pause(&peer.conn->handle);
    assert_false(peer.reading);
    bay_resume(&peer.conn->handle);
    assert_false(peer.reading); /* not inside the hook */
    core_turn(rig.core);
    assert_true(peer.reading);
    rig_leave(&peer);
    script_heard();
}

/* Who is closed is read from again: its Close is what we wait for. */
static void closed_while_paused(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_pause(&peer.conn->handle);
    core_turn(rig.core);
    assert_false(peer.reading);
    bay_close(&peer.conn->handle, 4000, "");
    core_turn(rig.core);
    rig_expect_close(&peer, 4000);
    assert_true(peer.reading);
    rig_leave(&peer);
    script_heard();
}

/* A socket that is dead ends the connection, whichever way it is written to. */
static void dead_sockets(void **state)
{
    static char data[4096];

    (void)state;
    rig_route("/a", &script_plugin);
    for (int large = 0; large < 2; large++) {
        struct peer peer;

        rig_connect(&peer, "/a");
        script_heard();
        peer.dead = true;
        assert_int_equal(
            bay_send_binary(&peer.conn->handle, data, large ? sizeof data : 1),
            large ? BAY_ECLOSED : BAY_OK);
        core_turn(rig.core);
        assert_true(peer.shut);
        assert_int_equal(bay_send_text(&peer.conn->handle, "x", 1),
                         BAY_ECLOSED);
        assert_int_equal(bay_conn_backlog(&peer.conn->handle), 0);
        rig_leave(&peer);
        assert_string_equal(script_heard(), "close:1006: ");
    }
}

/* Each message that lies by itself costs more than its bytes. */
static void many_tiny_ones(void **state)
{
    struct conf_route *route;
    struct peer peer;
    bay_route *handle;

    (void)state;
    route = rig_route("/a", &script_plugin);
    route->limits.send_queue = 8192;
    route->limits.slow_peer = CONF_SLOW_DROP;
    rig_connect(&peer, "/a");
    handle = bay_conn_route(&peer.conn->handle);
    bay_subscribe(&peer.conn->handle, "t");
    peer.room = 0;
    for (int i = 0; i < 1000; i++) {
        bay_publish(handle, "t", BAY_TEXT, "x", 1, 0);
        core_turn(rig.core); /* one a turn: they do not share a piece */
    }
    assert_in_range(peer.conn->sendq.nodes, 100, 130);
    assert_int_equal(stat_get(&rig.stats->routes[0].dropped),
                     1000 - peer.conn->sendq.nodes);
    rig_leave(&peer);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(partly_taken),
        SCRIPT_TEST(large_and_partly_taken),
        SCRIPT_TEST(large_bursts),
        SCRIPT_TEST(large_without_gathering),
        SCRIPT_TEST(the_limit),
        SCRIPT_TEST(drained_without_an_event),
        SCRIPT_TEST(one_large_message_fits),
        SCRIPT_TEST(slow_peers),
        SCRIPT_TEST(bad_arguments),
        SCRIPT_TEST(long_printf),
        SCRIPT_TEST(close_comes_last),
        SCRIPT_TEST(paused),
        SCRIPT_TEST(closed_while_paused),
        SCRIPT_TEST(dead_sockets),
        SCRIPT_TEST(many_tiny_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
