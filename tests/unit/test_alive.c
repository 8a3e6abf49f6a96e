/* test_alive.c - pings, idle limits and deadlines, by a clock that is told */
#include "core_script.h"

#include "caught_log.h"

static struct peer peer;

static void connect_with(uint64_t ping_ms, uint64_t ping_wait_ms,
                         uint64_t idle_ms)
{
    struct conf_route *route = rig_route("/a", &script_plugin);

    route->limits.ping_ms = ping_ms;
    route->limits.ping_wait_ms = ping_wait_ms;
    route->limits.idle_ms = idle_ms;
    rig_connect(&peer, "/a");
    script_heard();
}

static void pinged_when_silent(void **state)
{
    (void)state;
    connect_with(25000, 20000, 0);
    for (int i = 0; i < 5; i++) {
        rig_advance(24000);
        rig_expect_silence(&peer);
        rig_advance(2000);
        assert_int_equal(rig_frame(&peer, NULL), OPCODE_PING);
        rig_expect_silence(&peer);
        conn_heard(peer.conn); /* its pong */
    }
    assert_false(peer.shut);
    rig_leave(&peer);
}

static void no_ping_while_it_talks(void **state)
{
    (void)state;
    connect_with(25000, 20000, 0);
    for (int i = 0; i < 20; i++) {
        rig_advance(20000);
        rig_say(&peer, "x");
    }
    rig_expect_silence(&peer);
    rig_leave(&peer);
    script_heard();
}

static void dead_peer(void **state)
{
    (void)state;
    connect_with(25000, 20000, 0);
    rig_advance(26000);
    assert_int_equal(rig_frame(&peer, NULL), OPCODE_PING);
    rig_advance(19000);
    assert_false(peer.shut);
    rig_advance(2000);
    assert_true(peer.shut);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "close:1006:no pong ");
    assert_int_equal(stat_get(&rig.stats->routes[0].timeouts), 1);
}

/* A message is as good as a pong. */
static void talks_but_does_not_pong(void **state)
{
    (void)state;
    connect_with(25000, 20000, 0);
    rig_advance(26000);
    assert_int_equal(rig_frame(&peer, NULL), OPCODE_PING);
    rig_advance(10000);
    rig_say(&peer, "x");
    rig_advance(11000);
    assert_false(peer.shut);
    rig_leave(&peer);
    script_heard();
}

/* It takes nothing, so that neither ping nor pong can tell. */
static void takes_nothing(void **state)
{
    (void)state;
    connect_with(10000, 5000, 0);
    peer.room = 0;
    bay_send_text(&peer.conn->handle, "x", 1);
    core_turn(rig.core);
    rig_advance(14000);
    assert_false(peer.shut);
    rig_advance(7000);
    assert_true(peer.shut);
    rig_leave(&peer);
    script_heard();
}

static void paused_and_gone(void **state)
{
    (void)state;
    connect_with(10000, 5000, 0);
    bay_pause(&peer.conn->handle);
    rig_advance(60000);
    assert_false(peer.shut); /* its pongs cannot be seen */
    peer.hung_up = true;
    rig_advance(6000);
    assert_true(peer.shut);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "close:1006: ");
}

static void idle(void **state)
{
    (void)state;
    connect_with(0, 0, 60000);
    rig_advance(50000);
    rig_say(&peer, "x");
    rig_advance(59000);
    rig_expect_silence(&peer);
    rig_advance(2000);
    rig_expect_close(&peer, 1001);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "message:x close:1001:idle ");
}

/* Nor is who only listens, as long as there is something to hear. */
static void not_idle_while_served(void **state)
{
    (void)state;
    connect_with(0, 0, 60000);
    for (int i = 0; i < 4; i++) {
        rig_advance(50000);
        bay_send_text(&peer.conn->handle, "news", 4);
        core_turn(rig.core);
        rig_expect_text(&peer, "news");
        rig_expect_silence(&peer);
    }
    rig_advance(62000);
    rig_expect_close(&peer, 1001);
    rig_leave(&peer);
    script_heard();
}

static void close_is_not_answered(void **state)
{
    (void)state;
    connect_with(0, 0, 0);
    bay_close(&peer.conn->handle, 4000, "");
    core_turn(rig.core);
    rig_expect_close(&peer, 4000);
    rig_advance(4000);
    assert_false(peer.shut);
    assert_int_equal(caught_log_begin(), 0);
    rig_advance(2000);
    assert_true(peer.shut);
    assert_int_equal(caught_log_count("limit close_wait: "), 1);
    caught_log_end();
    assert_int_equal(stat_get(&rig.stats->routes[0].limits[LIMIT_CLOSE]), 1);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "close:4000: ");
}

/* Who takes what is queued, however slowly, gets the time; but not for ever. */
static void slow_reader_is_closed(void **state)
{
    static char data[60000];
    uint64_t waited = 0;

    (void)state;
    connect_with(0, 0, 0);
    peer.room = 0;
    bay_send_binary(&peer.conn->handle, data, sizeof data);
    bay_send_binary(&peer.conn->handle, data, sizeof data);
    bay_close(&peer.conn->handle, 4000, "");
    core_turn(rig.core);
    rig_give_room(&peer, sizeof data);
    while (!peer.shut) {
        rig_advance(1000);
        peer.conn->progress_ms = rig.now_ms;
        waited++;
        assert_true(waited < 100);
    }
    assert_true(waited >= 60 && waited <= 62);
    rig_leave(&peer);
    script_heard();
}

/* Nobody is woken for nothing. */
static void no_alarm_without_limits(void **state)
{
    (void)state;
    connect_with(0, 0, 0);
    assert_int_equal(rig.alarm_ms, UINT64_MAX);
    rig_leave(&peer);
}

/* What a pong ends is waited for no longer, however long it might have been. */
static void pinged_again_after_its_pong(void **state)
{
    (void)state;
    connect_with(5000, 60000, 0);
    for (int i = 0; i < 10; i++) {
        rig_advance(6000);
        assert_int_equal(rig_frame(&peer, NULL), OPCODE_PING);
        rig_expect_silence(&peer);
        conn_heard(peer.conn);
    }
    rig_leave(&peer);
}

/* One whose pong cannot be seen is looked at now and then, no more. */
static void paused_with_a_ping_under_way(void **state)
{
    (void)state;
    connect_with(5000, 1000, 0);
    rig_advance(6000);
    assert_int_equal(rig_frame(&peer, NULL), OPCODE_PING);
    bay_pause(&peer.conn->handle);
    core_turn(rig.core);
    rig.ticks = 0;
    rig_advance(60000);
    assert_in_range(rig.ticks, 1, 140); /* the wheel turns by the half second */
    assert_false(peer.shut);
    assert_int_equal(peer.conn->ping_sent_ms, 0);
    rig_leave(&peer);
}

/* The loop does not turn for so long: no alarm rings in time. */
static void stand_still(uint64_t ms)
{
    rig.now_ms += ms;
    rig_advance(0);
}

/* Its pong came while we could not read it. */
static void not_blamed_for_our_sleep(void **state)
{
    (void)state;
    connect_with(25000, 20000, 60000);
    rig_advance(26000);
    assert_int_equal(rig_frame(&peer, NULL), OPCODE_PING);
    stand_still(120000);
    rig_expect_silence(&peer);
    assert_false(peer.shut);
    rig_say(&peer, "x");
    rig_advance(10000);
    rig_expect_silence(&peer);
    assert_false(peer.shut);
    rig_leave(&peer);
    script_heard();
}

static void dead_after_our_sleep(void **state)
{
    (void)state;
    connect_with(25000, 20000, 0);
    rig_advance(26000);
    assert_int_equal(rig_frame(&peer, NULL), OPCODE_PING);
    stand_still(120000);
    assert_false(peer.shut);
    rig_advance(1600);
    assert_true(peer.shut);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "close:1006:no pong ");
}

/* A host that has too much to do is late each time, and gives up the dead all
 * the same. */
static void dead_although_we_are_always_late(void **state)
{
    (void)state;
    connect_with(25000, 20000, 0);
    for (int i = 0; i < 30; i++) {
        stand_still(2500);
    }
    assert_true(peer.shut);
    rig_leave(&peer);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(pinged_when_silent),
        SCRIPT_TEST(no_ping_while_it_talks),
        SCRIPT_TEST(dead_peer),
        SCRIPT_TEST(talks_but_does_not_pong),
        SCRIPT_TEST(takes_nothing),
        SCRIPT_TEST(paused_and_gone),
        SCRIPT_TEST(idle),
        SCRIPT_TEST(not_idle_while_served),
        SCRIPT_TEST(close_is_not_answered),
        SCRIPT_TEST(slow_reader_is_closed),
        SCRIPT_TEST(no_alarm_without_limits),
        SCRIPT_TEST(pinged_again_after_its_pong),
        SCRIPT_TEST(paused_with_a_ping_under_way),
        SCRIPT_TEST(not_blamed_for_our_sleep),
        SCRIPT_TEST(dead_after_our_sleep),
        SCRIPT_TEST(dead_although_we_are_always_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
