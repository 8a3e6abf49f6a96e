/* test_incoming.c - messages that have come in part: the oldest are given up */
#include "core_script.h"

#include "core/incoming.h"

#define PEERS 4

static struct peer peers[PEERS];
static char bytes[1000];

static void connect_all(size_t total)
{
    rig_route("/a", &script_plugin)->limits.max_message = 2000;
    core_set_receive_total(rig.core, total);
    for (int i = 0; i < PEERS; i++) {
        rig_connect(&peers[i], "/a");
    }
}

static void leave_all(void)
{
    for (int i = 0; i < PEERS; i++) {
        rig_leave(&peers[i]);
    }
    assert_int_equal(rig.core->incoming_bytes, 0);
    assert_null(rig.core->incoming);
    core_turn(rig.core);
    assert_int_equal(stat_get(&rig.stats->incoming_bytes), 0);
    script_heard();
}

static void part(int peer, size_t len, bool first, bool last)
{
    conn_receive(peers[peer].conn, BAY_BINARY, first, last, bytes, len, 0);
}

static uint64_t given_up(void)
{
    return stat_get(&rig.stats->routes[0].limits[LIMIT_RECEIVE_TOTAL]);
}

static void counts_what_is_not_whole(void **state)
{
    (void)state;
    connect_all(5000);
    part(0, 500, true, false);
    part(1, 300, true, false);
    core_turn(rig.core);
    assert_int_equal(stat_get(&rig.stats->incoming_bytes), 800);
    part(0, 500, false, true);
    part(2, 900, true, true); /* whole: never counted */
    assert_int_equal(rig.core->incoming_bytes, 300);
    rig_leave(&peers[1]);
    assert_int_equal(rig.core->incoming_bytes, 0);
    part(3, 0, true, false);
    part(3, 700, false, false);
    conn_end(peers[3].conn, 1000, ""); /* the rest will not be heard */
    assert_int_equal(rig.core->incoming_bytes, 0);
    leave_all();
}

static void gives_up_what_was_begun_first(void **state)
{
    (void)state;
    connect_all(2600);
    part(1, 800, true, false);
    part(0, 800, true, false);
    part(2, 800, true, false);
    part(0, 100, false, false); /* going on does not make it younger */
    assert_int_equal(given_up(), 0);
    part(3, 800, true, false);
    core_turn(rig.core);
    assert_int_equal(given_up(), 1); /* no more than needed */
    rig_expect_close(&peers[1], 1013);
    part(2, 100, false, true);
    assert_int_equal(rig.core->incoming_bytes, 1700);
    part(2, 1000, true, false);
    core_turn(rig.core);
    rig_expect_close(&peers[0], 1013);
    part(2, 1000, false, false); /* also one that goes on just now */
    core_turn(rig.core);
    rig_expect_close(&peers[3], 1013);
    assert_int_equal(peers[2].conn->state, CONN_OPEN);
    leave_all();
}

static void may_be_the_one_that_sends(void **state)
{
    (void)state;
    connect_all(2500);
    part(1, 1000, true, false);
    part(2, 1000, true, false);
    part(1, 1000, false, false);
    core_turn(rig.core);
    rig_expect_close(&peers[1], 1013);
    assert_int_equal(rig.core->incoming_bytes, 1000);
    assert_int_equal(peers[2].conn->state, CONN_OPEN);
    leave_all();
}

static void lets_a_message_in_that_is_allowed(void **state)
{
    (void)state;
    connect_all(1);
    part(0, 1000, true, false);
    part(0, 1000, false, true);
    assert_int_equal(given_up(), 0);
    leave_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(counts_what_is_not_whole),
        SCRIPT_TEST(gives_up_what_was_begun_first),
        SCRIPT_TEST(may_be_the_one_that_sends),
        SCRIPT_TEST(lets_a_message_in_that_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
