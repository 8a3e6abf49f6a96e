/* test_relief.c - too much waits for all clients: the slowest are given up */
#include "core_script.h"

#include "core/relief.h"

#define PEERS 8

static struct peer peers[PEERS];
static char bytes[20000];

/* PEERS clients that take nothing, of a worker with room for so much. */
static void choke(size_t total)
{
    struct conf_route *route = rig_route("/a", &script_plugin);

    route->limits.send_queue = 1 << 20;
    core_set_queue_total(rig.core, total);
    for (int i = 0; i < PEERS; i++) {
        rig_connect(&peers[i], "/a");
        peers[i].room = 0;
        peers[i].conn->blocked = true;
    }
}

static void leave(void)
{
    for (int i = 0; i < PEERS; i++) {
        rig_leave(&peers[i]);
    }
    assert_int_equal(rig.core->pool.held, 0);
    script_heard();
}

static int queue(int peer, int count)
{
    int status = BAY_OK;

    while (count-- > 0) {
        status = conn_send(peers[peer].conn, BAY_BINARY, bytes, sizeof bytes);
    }
    return status;
}

static uint64_t given_up(void)
{
    return stat_get(&rig.stats->routes[0].limits[LIMIT_QUEUE_TOTAL]);
}

static void gives_up_the_longest(void **state)
{
    (void)state;
    choke(400000);
    for (int i = 1; i < PEERS; i++) {
        assert_int_equal(queue(i, 1), BAY_OK);
    }
    assert_int_equal(queue(0, 10), BAY_OK);
    assert_int_equal(given_up(), 0);
    assert_int_equal(queue(1, 3), BAY_OK); /* over it by now */
    core_turn(rig.core);
    assert_int_equal(given_up(), 1);
    assert_int_equal(peers[0].conn->state, CONN_CLOSING);
    assert_int_equal(peers[0].conn->close_code, BAY_CLOSE_TRY_LATER);
    for (int i = 1; i < PEERS; i++) {
        assert_int_equal(peers[i].conn->state, CONN_OPEN);
    }
    rig_give_room(&peers[0], SIZE_MAX); /* what waited is gone */
    peers[0].conn->blocked = false;
    conn_flush(peers[0].conn);
    rig_expect_close(&peers[0], 1013);
    leave();
}

/* Whoever asks for more may be the one. */
static void gives_up_who_sends(void **state)
{
    (void)state;
    choke(400000);
    assert_int_equal(queue(0, 18), BAY_OK);
    assert_int_equal(queue(0, 5), BAY_ECLOSED);
    assert_int_equal(given_up(), 1);
    leave();
}

static void never_holds_more(void **state)
{
    size_t most = 0;

    (void)state;
    choke(400000);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < PEERS; i++) {
            queue(i, 1);
            most = rig.core->pool.held > most ? rig.core->pool.held : most;
        }
    }
    assert_in_range(most, 200001, 400000);
    core_turn(rig.core);
    assert_in_range(stat_get(&rig.stats->queued_bytes), 1, 400000);
    leave();
}

/* Those who read are not to pay: first what can be sent is. */
static void sends_before_it_gives_up(void **state)
{
    (void)state;
    choke(400000);
    for (int i = 0; i < PEERS; i++) {
        peers[i].room = SIZE_MAX;
        peers[i].conn->blocked = false;
        peers[i].in_one_piece = true; /* nothing is sent at once */
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < PEERS; i++) {
            assert_int_equal(queue(i, 1), BAY_OK);
        }
    }
    assert_int_equal(given_up(), 0);
    core_turn(rig.core);
    leave();
}

/* What is shared is there once, however many wait for it. */
static void counts_what_is_shared_once(void **state)
{
    (void)state;
    choke(400000);
    for (int i = 0; i < PEERS; i++) {
        assert_int_equal(bay_subscribe(&peers[i].conn->handle, "t"), BAY_OK);
    }
    for (int i = 0; i < 10; i++) {
        core_publish(peers[0].conn->instance, "t", BAY_BINARY, bytes,
                     sizeof bytes, 0);
    }
    core_turn(rig.core);
    assert_in_range(rig.core->pool.held, 200000, 230000);
    assert_int_equal(given_up(), 0);
    for (int i = 0; i < 30; i++) {
        core_publish(peers[0].conn->instance, "t", BAY_BINARY, bytes,
                     sizeof bytes, 0);
        assert_true(rig.core->pool.held <= 420000);
    }
    core_turn(rig.core);
    assert_int_equal(given_up(), PEERS); /* only without all of them it goes */
    leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(gives_up_the_longest),
        SCRIPT_TEST(gives_up_who_sends),
        SCRIPT_TEST(never_holds_more),
        SCRIPT_TEST(sends_before_it_gives_up),
        SCRIPT_TEST(counts_what_is_shared_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
