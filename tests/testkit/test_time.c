/* test_time.c - timers, and work that is deferred */
#include "puppet.h"

static void hears_timer(bay_route *route, uint64_t key)
{
    puppet_hears("%d@%d ", (int)key, (int)(bay_now_ms(route) - 1000000));
}

static int sets_timers(bay_route *route)
{
    bay_timer_set(route, 2, 200);
    bay_timer_set(route, 1, 100);
    return bay_timer_set(route, 3, 60000);
}

static void advances(void **state)
{
    bay_test *test;
    uint64_t start;

    (void)state;
    puppet.start = sets_timers;
    puppet.timer = hears_timer;
    test = bay_test_new(&puppet_plugin, NULL);
    start = bay_test_now(test);
    BAY_EXPECT_EQUAL(bay_test_next_timer(test), start + 100);
    bay_test_advance(test, 99);
    BAY_EXPECT_STRING(puppet_heard(), "");
    bay_test_advance(test, 1);
    BAY_EXPECT_STRING(puppet_heard(), "1@100 ");
    bay_test_advance(test, 1000);
    BAY_EXPECT_STRING(puppet_heard(), "2@200 ");
    BAY_EXPECT_EQUAL(bay_test_now(test), start + 1100);
    bay_test_free(test);
}

static void repeats(bay_route *route, uint64_t key)
{
    hears_timer(route, key);
    bay_timer_set(route, key, 25);
}

static void fires_each_at_its_time(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = sets_timers;
    puppet.timer = repeats;
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_advance(test, 210);
    BAY_EXPECT_STRING(puppet_heard(), "1@100 1@125 1@150 1@175 2@200 1@200 ");
    bay_test_free(test);
}

static void stalls(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = sets_timers;
    puppet.timer = hears_timer;
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_stall(test, 500);
    BAY_EXPECT_STRING(puppet_heard(), "1@500 2@500 ");
    bay_test_free(test);
}

/* ---- deferred work ----------------------------------------------------- */

struct sum {
    int a, b, result;
};

static void add(void *arg)
{
    struct sum *sum = arg;

    puppet_hears("work ");
    sum->result = sum->a + sum->b;
}

static void added(bay_route *route, void *arg, int status)
{
    struct sum *sum = arg;
    bay_conn *conn = bay_route_next(route, NULL);

    puppet_hears("done:%s ", bay_strerror(status));
    if (conn != NULL && status == BAY_OK) {
        bay_sendf(conn, "%d", sum->result);
    }
    free(sum);
}

static int defers(bay_conn *conn, const bay_message *msg)
{
    struct sum *sum = malloc(sizeof *sum);

    sum->a = atoi(msg->data);
    sum->b = 1;
    puppet_hears("defer ");
    return bay_defer(bay_conn_route(conn), add, added, sum);
}

static void runs_in_turn(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = defers;
    bay_peer_text(peer, "41");
    BAY_EXPECT_STRING(puppet_heard(), "defer work done:success ");
    BAY_EXPECT_TEXT(peer, "42");
    bay_test_free(test);
}

static void is_held(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = defers;
    bay_test_hold_work(test, true);
    bay_peer_text(peer, "1");
    bay_peer_text(peer, "2");
    bay_peer_text(peer, "3");
    BAY_EXPECT_SILENT(peer);
    BAY_EXPECT_EQUAL(bay_test_work(test), 3);
    BAY_EXPECT(bay_test_run_work(test));
    BAY_EXPECT_TEXT(peer, "2");
    BAY_EXPECT_SILENT(peer);
    bay_test_hold_work(test, false);
    BAY_EXPECT_TEXT(peer, "3");
    BAY_EXPECT_TEXT(peer, "4");
    BAY_EXPECT(!bay_test_run_work(test));
    bay_test_free(test);
}

static void is_canceled_at_the_end(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = defers;
    bay_test_hold_work(test, true);
    bay_peer_text(peer, "1");
    BAY_EXPECT_EQUAL(bay_test_free(test), 0);
    BAY_EXPECT_STRING(puppet_heard(), "defer done:canceled ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(advances), PUPPET_TEST(fires_each_at_its_time),
        PUPPET_TEST(stalls),   PUPPET_TEST(runs_in_turn),
        PUPPET_TEST(is_held),  PUPPET_TEST(is_canceled_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
