/* test_limits.c - a limit that is reached is counted, and said now and then */
#include "core_script.h"

#include "caught_log.h"
#include "core/limits.h"

static uint64_t reached(enum limit limit)
{
    return stat_get(&rig.stats->routes[0].limits[limit]);
}

static void each_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        assert_non_null(limit_name(i));
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(limit_name(i), limit_name(k));
        }
    }
}

/* At level info: the first of many, and how many there were meanwhile. */
static void told_now_and_then(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    caught_log_begin();
    log_set_level(LOG_LEVEL_INFO);
    for (int i = 0; i < 6; i++) {
        conn_over(peer.conn, LIMIT_SEND_QUEUE, "a message was dropped");
    }
    conn_over(peer.conn, LIMIT_RATE, "paused"); /* another has its own time */
    assert_int_equal(caught_log_count("limit send_queue"), 1);
    assert_non_null(strstr(caught_log(), "[one/script] #"));
    assert_int_equal(caught_log_count("limit rate: paused\n"), 1);
    rig.now_ms += SELDOM_MS;
    conn_over(peer.conn, LIMIT_SEND_QUEUE, "a message was dropped");
    assert_int_equal(caught_log_count("dropped; 5 times more since this"), 1);
    assert_int_equal(reached(LIMIT_SEND_QUEUE), 7);
    assert_int_equal(reached(LIMIT_RATE), 1);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

/* At level debug each is. */
static void told_to_who_wants_all(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    caught_log_begin();
    conn_over(peer.conn, LIMIT_IDLE, "x");
    conn_over(peer.conn, LIMIT_IDLE, "x");
    assert_int_equal(caught_log_count("limit idle: x\n"), 2);
    assert_int_equal(caught_log_count(" info "), 1);
    assert_int_equal(caught_log_count(" debug "), 1);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

static void closes(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    conn_exceed(peer.conn, LIMIT_RATE, BAY_CLOSE_POLICY, "too fast");
    core_turn(rig.core);
    rig_expect_close(&peer, 1008);
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open close:1008:too fast ");
    assert_int_equal(reached(LIMIT_RATE), 1);
    assert_int_equal(stat_get(&rig.stats->routes[0].protocol_errors), 0);
}

static void a_full_route(void **state)
{
    struct peer peers[3];
    int status;

    (void)state;
    rig_route("/a", &script_plugin)->limits.connections = 2;
    rig_connect(&peers[0], "/a");
    rig_connect(&peers[1], "/a");
    caught_log_begin();
    assert_false(rig_ask(&peers[2], "/a", NULL, NULL, &status));
    assert_int_equal(status, 503);
    assert_int_equal(reached(LIMIT_CONNECTIONS), 1);
    assert_int_equal(
        caught_log_count("[one/script] 127.0.0.1: limit connections: the "
                         "route is full, refused with 503\n"),
        1);
    assert_int_equal(caught_log_count(" warn "), 1);
    caught_log_end();
    rig_leave(&peers[0]);
    assert_true(rig_ask(&peers[2], "/a", NULL, NULL, &status));
    rig_leave(&peers[1]);
    rig_leave(&peers[2]);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(each_has_a_name),       SCRIPT_TEST(told_now_and_then),
        SCRIPT_TEST(told_to_who_wants_all), SCRIPT_TEST(closes),
        SCRIPT_TEST(a_full_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
