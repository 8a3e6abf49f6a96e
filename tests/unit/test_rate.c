/* test_rate.c - who sends too fast is not read from, or closed */
#include "core_script.h"

#include "core/rate.h"

static struct conf_limits *route(uint32_t rate, uint32_t burst)
{
    struct conf_limits *limits = &rig_route("/a", &script_plugin)->limits;

    limits->rate = rate;
    limits->burst = burst;
    return limits;
}

static uint64_t reached(enum limit limit)
{
    return stat_get(&rig.stats->routes[0].limits[limit]);
}

/* As a socket that is full: says something whenever it is read from. How many
 * messages were taken within so many ms. */
static unsigned flood(struct peer *peer, uint64_t ms)
{
    unsigned n = 0;

    for (uint64_t i = 0; i < ms; i++) {
        while (peer->reading) {
            rig_say(peer, "x");
            n++;
        }
        rig_advance(1);
    }
    return n;
}

static void waits(void **state)
{
    struct peer peer, other;

    (void)state;
    route(100, 20);
    rig_connect(&peer, "/a");
    rig_connect(&other, "/a");
    assert_int_equal(flood(&peer, 1), 21); /* and one that shows it */
    assert_false(peer.reading);
    assert_true(other.reading);
    assert_int_equal(reached(LIMIT_RATE), 1);
    assert_in_range(flood(&peer, 1000), 98, 102);
    assert_in_range(flood(&peer, 10000), 990, 1010);
    assert_int_equal(peer.conn->state, CONN_OPEN);
    rig_advance(10000);
    assert_true(peer.reading);
    assert_int_equal(flood(&peer, 1), 21); /* never more at once */
    rig_leave(&other);
    rig_leave(&peer);
    script_heard();
}

/* One that nobody asked for is as good as a message; an answer is free. */
static void pongs_count(void **state)
{
    struct conf_limits *limits = route(10, 5);
    struct peer peer;

    (void)state;
    limits->over_rate = CONF_RATE_CLOSE;
    rig_connect(&peer, "/a");
    for (int i = 0; i < 20; i++) {
        peer.conn->ping_sent_ms = rig.now_ms;
        conn_pong(peer.conn, 4);
        assert_int_equal(peer.conn->ping_sent_ms, 0);
    }
    assert_int_equal(reached(LIMIT_RATE), 0);
    for (int i = 0; i < 6; i++) {
        conn_pong(peer.conn, 4);
    }
    assert_int_equal(reached(LIMIT_RATE), 1);
    core_turn(rig.core);
    rig_expect_close(&peer, 1008);
    rig_leave(&peer);
    script_heard();
}

static void takes_a_second_worth_at_once(void **state)
{
    struct peer peer;

    (void)state;
    route(50, 0);
    rig_connect(&peer, "/a");
    assert_int_equal(flood(&peer, 1), 51);
    rig_leave(&peer);
    script_heard();
}

static void closes(void **state)
{
    struct peer peer;

    (void)state;
    route(10, 3)->over_rate = CONF_RATE_CLOSE;
    rig_connect(&peer, "/a");
    for (int i = 0; i < 3; i++) {
        rig_say(&peer, "x");
    }
    rig_expect_silence(&peer);
    script_heard();
    rig_say(&peer, "x");
    rig_expect_close(&peer, 1008);
    assert_string_equal(script_heard(), ""); /* that one is not heard */
    assert_true(peer.reading);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "close:1008:too many messages ");
    assert_int_equal(reached(LIMIT_RATE), 1);
}

/* Pieces of one message, whatever becomes of it. */
static void counts_bytes(void **state)
{
    struct peer peer;
    struct conf_limits *limits = route(0, 0);
    static const char bytes[1000];

    (void)state;
    limits->rate_bytes = 10000;
    limits->burst_bytes = 2000;
    rig_connect(&peer, "/a");
    conn_receive(peer.conn, BAY_BINARY, true, false, bytes, 1000, 4000);
    conn_receive(peer.conn, BAY_BINARY, false, false, bytes, 1000, 3000);
    assert_true(peer.reading);
    conn_receive(peer.conn, BAY_BINARY, false, false, bytes, 1000, 2000);
    assert_false(peer.reading);
    assert_int_equal(reached(LIMIT_RATE_BYTES), 1);
    core_turn(rig.core);
    rig_advance(99);
    assert_false(peer.reading);
    rig_advance(2);
    assert_true(peer.reading);
    limits->over_rate = CONF_RATE_CLOSE;
    conn_receive(peer.conn, BAY_BINARY, false, false, bytes, 1000, 1000);
    core_turn(rig.core);
    rig_expect_close(&peer, 1008);
    rig_leave(&peer);
    script_heard();
}

/* It waits for one reason, and the other ends first. */
static void waits_for_the_longer(void **state)
{
    struct peer peer;
    struct conf_limits *limits = route(1, 1);

    (void)state;
    limits->rate_bytes = 1000;
    limits->burst_bytes = 1000;
    rig_connect(&peer, "/a");
    rig_say(&peer, "x");
    rig_say(&peer, "x");
    assert_false(peer.reading);
    rig_advance(900);
    assert_false(peer.reading);
    rig_advance(110);
    assert_true(peer.reading);
    rig_leave(&peer);
    script_heard();
}

/* A peer that waits may go, also while others wait. */
static void forgets_who_leaves(void **state)
{
    struct peer peers[3];

    (void)state;
    route(1, 1);
    for (int i = 0; i < 3; i++) {
        rig_connect(&peers[i], "/a");
        flood(&peers[i], 1);
    }
    rig_leave(&peers[1]);
    rig_advance(3000);
    assert_true(peers[0].reading && peers[2].reading);
    rig_leave(&peers[0]);
    rig_leave(&peers[2]);
    assert_null(rig.core->slowed);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(waits),
        SCRIPT_TEST(pongs_count),
        SCRIPT_TEST(takes_a_second_worth_at_once),
        SCRIPT_TEST(closes),
        SCRIPT_TEST(counts_bytes),
        SCRIPT_TEST(waits_for_the_longer),
        SCRIPT_TEST(forgets_who_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
