/* test_reload.c - other options, and other versions, under open connections */
#include "puppet.h"

/* ---- versions ---------------------------------------------------------- */

struct counter { /* a connection's block */
    int messages;
};

static int count_one(bay_conn *conn, const bay_message *msg)
{
    struct counter *counter = bay_conn_data(conn);

    (void)msg;
    return bay_sendf(conn, "one %d", ++counter->messages);
}

static int count_two(bay_conn *conn, const bay_message *msg)
{
    struct counter *counter = bay_conn_data(conn);

    (void)msg;
    return bay_sendf(conn, "two %d", ++counter->messages);
}

static void hears_reload(bay_route *route)
{
    puppet_hears("reload%d:%d ", bay_route_worker(route),
                 (int)bay_conf_int(route, "strings"));
}

static int migrates(bay_conn *conn, const void *old, size_t old_size,
                    uint32_t old_version)
{
    long *count = bay_conn_data(conn);

    if (old_size != sizeof(struct counter) || old_version != 1) {
        return BAY_EINVAL;
    }
    count[1] = ((const struct counter *)old)->messages;
    return count[1] == 3 ? BAY_ENOMEM : 0; /* one that cannot */
}

static int count_three(bay_conn *conn, const bay_message *msg)
{
    long *count = bay_conn_data(conn);

    (void)msg;
    return bay_sendf(conn, "three %ld", ++count[1]);
}

static const bay_plugin one = {
    BAY_INIT,
    .name = "counter",
    .conn_size = sizeof(struct counter),
    .options = puppet_options,
    .state_version = 1,
    .start = puppet_start,
    .stop = puppet_stop,
    .reload = hears_reload,
    .open = puppet_open,
    .message = count_one,
    .close = puppet_close,
    .timer = puppet_timer,
};

static const bay_plugin two = {
    BAY_INIT,
    .name = "counter",
    .conn_size = sizeof(struct counter),
    .options = puppet_options,
    .state_version = 1,
    .start = puppet_start,
    .stop = puppet_stop,
    .reload = hears_reload,
    .open = puppet_open,
    .message = count_two,
    .close = puppet_close,
    .timer = puppet_timer,
};

static const bay_plugin three = {
    BAY_INIT,           .name = "counter",        .conn_size = 2 * sizeof(long),
    .state_version = 2, .migrate_conn = migrates, .message = count_three,
};

static const bay_plugin strange = {
    BAY_INIT,
    .name = "counter",
    .conn_size = 2 * sizeof(struct counter),
    .message = count_two,
};

static bay_test *test;

static void expect(const char *way, size_t kept, size_t outdated, size_t closed)
{
    const bay_reloaded *result = bay_test_reloaded(test);

    BAY_EXPECT_STRING(result->way, way);
    BAY_EXPECT_EQUAL(result->kept, kept);
    BAY_EXPECT_EQUAL(result->outdated, outdated);
    BAY_EXPECT_EQUAL(result->closed, closed);
}

static void expect_answer(bay_peer *peer, const char *text)
{
    bay_peer_text(peer, "x");
    BAY_EXPECT_TEXT(peer, text);
}

static bay_peer *join(int worker)
{
    const bay_client client = { .worker = worker };

    return bay_test_connect_as(test, "/counter", &client);
}

/* ---- tests ------------------------------------------------------------- */

static void nothing_new(void **state)
{
    bay_peer *peer;

    (void)state;
    test = bay_test_new(&one, "strings = 3");
    BAY_EXPECT_STRING(bay_test_reloaded(test)->way, "");
    peer = join(0);
    BAY_EXPECT_EQUAL(bay_test_reload(test, NULL, NULL), BAY_OK);
    expect("unchanged", 1, 0, 0);
    BAY_EXPECT_STRING(puppet_heard(), "");
    BAY_EXPECT_EQUAL(bay_test_reload(test, &one, NULL), BAY_OK);
    expect("unchanged", 1, 0, 0);
    expect_answer(peer, "one 1");
    bay_test_free(test);
}

static void options(void **state)
{
    bay_peer *peer;

    (void)state;
    test = bay_test_new(&one, "strings = 3\nmax_message = 10");
    bay_test_add_worker(test);
    peer = join(0);
    join(1);
    BAY_EXPECT_EQUAL(bay_test_reload(test, NULL, "strings = 4"), BAY_OK);
    expect("options", 2, 0, 0);
    BAY_EXPECT_STRING(puppet_heard(), "reload0:4 reload1:4 ");
    bay_peer_text(peer, "more than ten bytes");
    BAY_EXPECT_TEXT(peer, "one 1");
    bay_test_free(test);
}

static void hears_timer(bay_route *route, uint64_t key)
{
    (void)route;
    puppet_hears("timer%d ", (int)key);
}

static int sets_timer(bay_conn *conn)
{
    return bay_timer_set(bay_conn_route(conn), 5, 100);
}

static void same_state(void **state)
{
    bay_peer *peer;

    (void)state;
    puppet.open = sets_timer;
    puppet.timer = hears_timer;
    test = bay_test_new(&one, "strings = 3");
    peer = join(0);
    expect_answer(peer, "one 1");
    BAY_EXPECT_EQUAL(bay_test_reload(test, &two, NULL), BAY_OK);
    expect("swapped", 1, 0, 0);
    BAY_EXPECT_STRING(puppet_heard(), "reload0:3 ");
    expect_answer(peer, "two 2");
    expect_answer(join(0), "two 1");
    bay_test_advance(test, 100);
    BAY_EXPECT_STRING(puppet_heard(), "timer5 ");
    BAY_EXPECT_EQUAL(bay_test_reload(test, &one, "strings = 5"), BAY_OK);
    expect("swapped", 2, 0, 0);
    BAY_EXPECT_STRING(puppet_heard(), "reload0:5 ");
    expect_answer(peer, "one 3");
    bay_test_free(test);
}

static void migrated(void **state)
{
    bay_peer *ann, *bob;

    (void)state;
    test = bay_test_new(&one, NULL);
    bay_test_add_worker(test);
    ann = join(0);
    bob = join(1);
    expect_answer(ann, "one 1");
    expect_answer(bob, "one 1");
    expect_answer(bob, "one 2");
    expect_answer(bob, "one 3");
    BAY_EXPECT_EQUAL(bay_test_reload(test, &three, NULL), BAY_OK);
    expect("migrated", 1, 0, 1);
    BAY_EXPECT(bay_test_reloaded(test)->why[0] != '\0');
    BAY_EXPECT_CLOSED(bob, BAY_CLOSE_RESTART);
    expect_answer(ann, "three 2");
    bay_test_free(test);
}

static void replaced(void **state)
{
    bay_peer *old, *new;

    (void)state;
    test = bay_test_new(&one, NULL);
    old = join(0);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &strange, NULL), BAY_OK);
    expect("replaced", 0, 1, 0);
    new = join(0);
    expect_answer(old, "one 1");
    expect_answer(new, "two 1");
    bay_peer_leave(old, 1000, NULL);
    BAY_EXPECT_CLOSED(old, 1000);
    expect_answer(new, "two 2");
    bay_test_free(test);
}

static void replaced_and_closed(void **state)
{
    bay_peer *old;

    (void)state;
    test = bay_test_new(&one, "on_reload = close");
    old = join(0);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &strange, NULL), BAY_OK);
    expect("replaced", 0, 0, 1);
    BAY_EXPECT_CLOSED(old, BAY_CLOSE_RESTART);
    expect_answer(join(0), "two 1");
    bay_test_free(test);
}

static void from_a_file(void **state)
{
    bay_peer *old, *new;

    (void)state;
    test = bay_test_new(&one, NULL);
    old = join(0);
    BAY_EXPECT_EQUAL(
        bay_test_reload_from(test, BUILD_DIR "/plugins/echo.so", NULL), BAY_OK);
    expect("replaced", 0, 1, 0);
    new = join(0); /* the path is the old one */
    expect_answer(old, "one 1");
    expect_answer(new, "x");
    bay_test_free(test);
    test = bay_test_load(BUILD_DIR "/plugins/echo.so", NULL);
    BAY_EXPECT_EQUAL(
        bay_test_reload_from(test, BUILD_DIR "/plugins/echo.so", NULL), BAY_OK);
    expect("unchanged", 0, 0, 0);
    old = bay_test_connect(test, "/echo", NULL);
    BAY_EXPECT_EQUAL(
        bay_test_reload_from(test, BUILD_DIR "/tests/later/echo.so", NULL),
        BAY_OK);
    expect("swapped", 1, 0, 0);
    expect_answer(old, "x");
    BAY_EXPECT_EQUAL(bay_test_reload_from(test, "/nowhere.so", NULL),
                     BAY_EINVAL);
    BAY_EXPECT(strstr(bay_test_why(), "/nowhere.so") != NULL);
    bay_test_free(test);
}

static int starts_in_first(bay_route *route)
{
    puppet_hears("start%d ", bay_route_worker(route));
    return bay_route_worker(route) == 0 ? BAY_OK : BAY_ENOMEM;
}

static void hears_stop(bay_route *route)
{
    puppet_hears("stop%d ", bay_route_worker(route));
}

/* Nothing has changed then, in any worker. */
static void refused(void **state)
{
    bay_plugin other = two;
    bay_peer *peer;

    (void)state;
    test = bay_test_new(&one, "strings = 3");
    bay_test_add_worker(test);
    peer = join(0);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &two, "strings = 9"), BAY_EINVAL);
    BAY_EXPECT(strstr(bay_test_why(), "options:1: [route.test]") != NULL);
    other.abi_major++;
    BAY_EXPECT_EQUAL(bay_test_reload(test, &other, NULL), BAY_EINVAL);
    BAY_EXPECT(strstr(bay_test_why(), "ABI") != NULL);

    other = two;
    other.state_version = 7;
    puppet.start = starts_in_first;
    puppet.stop = hears_stop;
    BAY_EXPECT_EQUAL(bay_test_reload(test, &other, NULL), BAY_EINVAL);
    BAY_EXPECT(strstr(bay_test_why(), "out of memory") != NULL);
    BAY_EXPECT_STRING(puppet_heard(), "start0 start1 stop0 ");
    expect_answer(peer, "one 1");
    BAY_EXPECT_EQUAL(bay_conf_int(bay_test_route(test, 0), "strings"), 3);
    bay_test_free(test);
}

static void work(void *arg)
{
    (void)arg;
}

static int defers(bay_conn *conn)
{
    return bay_defer(bay_conn_route(conn), work, NULL, NULL);
}

static void waits_for_work(void **state)
{
    bay_peer *peer;

    (void)state;
    puppet.open = defers;
    test = bay_test_new(&one, NULL);
    bay_test_hold_work(test, true);
    peer = join(0);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &two, NULL), BAY_ESTATE);
    BAY_EXPECT(bay_test_why()[0] != '\0');
    expect_answer(peer, "one 1");
    bay_test_run_work(test);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &two, NULL), BAY_OK);
    expect_answer(peer, "two 2");
    bay_test_free(test);
}

static void crashed_and_restarted(void **state)
{
    (void)state;
    test = bay_test_new(&one, NULL);
    bay_test_add_worker(test);
    bay_test_crash_worker(test, 1);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &two, NULL), BAY_OK);
    BAY_EXPECT_EQUAL(bay_test_restart_worker(test, 1), BAY_OK);
    expect_answer(join(1), "two 1");
    bay_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(nothing_new),    PUPPET_TEST(options),
        PUPPET_TEST(same_state),     PUPPET_TEST(migrated),
        PUPPET_TEST(replaced),       PUPPET_TEST(replaced_and_closed),
        PUPPET_TEST(from_a_file),    PUPPET_TEST(refused),
        PUPPET_TEST(waits_for_work), PUPPET_TEST(crashed_and_restarted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
