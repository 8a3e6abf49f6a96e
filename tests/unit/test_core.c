/* test_core.c - routes, timers, draining: what runs when */
#include "core_script.h"

static void the_longest_path_wins(void **state)
{
    static const struct {
        const char *path;
        const char *route; /* its name, or NULL */
    } cases[] = { { "/", "four" },          { "/rooms/", "two" },
                  { "/rooms/x", "two" },    { "/rooms/vip", "three" },
                  { "/rooms/vip/", "two" }, { "/rooms", "four" },
                  { "/chat", "one" },       { "/chat/", "four" },
                  { "/Chat", "four" },      { "relative", NULL } };

    (void)state;
    rig_route("/chat", &script_plugin);
    rig_route("/rooms/*", &script_plugin);
    rig_route("/rooms/vip", &script_plugin);
    rig_route("/*", &script_plugin);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct instance *found = core_find_route(rig.core, cases[i].path);

        if (cases[i].route == NULL) {
            assert_null(found);
        } else {
            assert_string_equal(instance_conf(found)->name, cases[i].route);
        }
    }
    script_heard();
}

static void start_fails(void **state)
{
    struct conf_route route = { 0 };
    char why[256];

    (void)state;
    route.name = (char *)(uintptr_t) "bad";
    route.path = (char *)(uintptr_t) "/bad";
    route.path_len = 4;
    script.start_result = BAY_ENOMEM;
    assert_int_equal(core_add_route(rig.core, &route, 0, &script_plugin, NULL,
                                    why, sizeof why),
                     -1);
    assert_string_equal(why, "its start hook failed: out of memory (-1)");
    assert_null(core_find_route(rig.core, "/bad"));
    assert_string_equal(script_heard(), "start ");
}

static void set_again(bay_route *route, uint64_t key)
{
    if (key < 3) {
        bay_timer_set(route, key + 1, 100);
    }
}

static void timers(void **state)
{
    struct peer peer;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    script_heard();
    script.on_timer = set_again;
    assert_int_equal(bay_timer_set(route, 1, 100), BAY_OK);
    assert_int_equal(bay_timer_set(route, 9, 50), BAY_OK);
    assert_int_equal(bay_timer_clear(route, 9), BAY_OK);
    core_turn(rig.core);
    rig_advance(99);
    assert_string_equal(script_heard(), "");
    rig_advance(1);
    assert_string_equal(script_heard(), "timer:1 ");
    rig_advance(500);
    assert_string_equal(script_heard(), "timer:2 timer:3 ");
    assert_int_equal(bay_timer_set(route, 1, UINT64_MAX), BAY_EINVAL);
    assert_int_equal(bay_now_ms(route), rig.now_ms);
    rig_leave(&peer);
    script_heard();
}

static unsigned again_left;

static void set_at_once(bay_route *route, uint64_t key)
{
    if (again_left-- > 0) {
        bay_timer_set(route, key, 0);
    }
}

/* A timer without delay, set by its own hook, lets others run in between. */
static void timers_without_delay(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    script.on_timer = set_at_once;
    again_left = 1000;
    bay_timer_set(bay_conn_route(&peer.conn->handle), 1, 0);
    core_turn(rig.core);
    rig_advance(10);
    assert_in_range(again_left, 989, 991);
    again_left = 0;
    rig_leave(&peer);
    script_heard();
}

static void publish_to_itself(bay_route *route, const bay_notice *notice)
{
    bay_publish(route, notice->topic, BAY_TEXT, "again", 5, 0);
}

/* The end comes, whatever the plugin still says to itself; and a stopped
 * instance is not called. */
static void stopped_for_good(void **state)
{
    struct peer peer;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    bay_listen(route, "t");
    bay_publish(route, "t", BAY_TEXT, "x", 1, 0);
    rig_leave(&peer);
    script_heard();
    script.on_notice = publish_to_itself;
    bay_publish(route, "t", BAY_TEXT, "x", 1, 0);
    rig_finish();
    {
        size_t len = script.heard.len;

        assert_true(len > 5);
        assert_string_equal(script.heard.data + len - 5, "stop ");
    }
    script_heard();
    rig_init();
}

static void draining(void **state)
{
    struct peer peers[10];
    struct peer late;
    int status, closed;

    (void)state;
    rig_route("/a", &script_plugin);
    for (int i = 0; i < 10; i++) {
        rig_connect(&peers[i], "/a");
    }
    core_drain(rig.core, 1001, "going away", 10000);
    assert_false(rig_ask(&late, "/a", NULL, NULL, &status));
    assert_int_equal(status, 503);
    for (int second = 0; second <= 10; second++) {
        closed = 0;
        for (int i = 0; i < 10; i++) {
            closed += peers[i].out.len > 0;
        }
        assert_in_range(closed, second, second + 2);
        rig_advance(1000);
    }
    for (int i = 0; i < 10; i++) {
        rig_expect_close(&peers[i], 1001);
        rig_leave(&peers[i]);
    }
    assert_int_equal(core_connections(rig.core), 0);
    script_heard();
}

static void drained_at_once(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    core_drain(rig.core, 1012, "restart", 0);
    rig_expect_close(&peer, 1012);
    rig_leave(&peer);
    script_heard();
}

static void kicked(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    assert_false(core_kick(rig.core, 99, 1008, "kicked"));
    assert_true(core_kick(rig.core, peer.conn->id, 1008, "kicked"));
    rig_expect_close(&peer, 1008);
    assert_false(core_kick(rig.core, peer.conn->id, 1008, "kicked"));
    rig_leave(&peer);
    script_heard();
}

static void count(void *arg, const struct conn_info *info)
{
    assert_string_equal(info->route, "one");
    assert_string_equal(info->path, "/a");
    assert_int_equal(info->facts.messages_in, 1);
    ++*(int *)arg;
}

static void each_connection(void **state)
{
    struct peer peers[3];
    int n = 0;

    (void)state;
    rig_route("/a", &script_plugin);
    for (int i = 0; i < 3; i++) {
        rig_connect(&peers[i], "/a");
        rig_say(&peers[i], "x");
    }
    core_each_connection(rig.core, count, &n);
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++) {
        rig_leave(&peers[i]);
    }
    script_heard();
}

/* What the plugin sees of its connections, closing some on the way. */
static void iterating(void **state)
{
    struct peer peers[4];
    bay_route *route;
    bay_conn *conn = NULL;
    size_t seen = 0;

    (void)state;
    rig_route("/a", &script_plugin);
    for (int i = 0; i < 4; i++) {
        rig_connect(&peers[i], "/a");
    }
    route = bay_conn_route(&peers[0].conn->handle);
    assert_int_equal(bay_route_count(route), 4);
    while ((conn = bay_route_next(route, conn)) != NULL) {
        if (seen++ % 2 == 0) {
            bay_close(conn, 4000, "");
        }
    }
    assert_int_equal(seen, 4);
    assert_int_equal(bay_route_count(route), 2);
    for (seen = 0; (conn = bay_route_next(route, conn)) != NULL;) {
        assert_ptr_equal(bay_route_find(route, bay_conn_id(conn)), conn);
        seen++;
    }
    assert_int_equal(seen, 2);
    assert_string_equal(bay_route_name(route), "one");
    assert_string_equal(bay_route_path(route), "/a");
    assert_int_equal(bay_route_worker(route), 0);
    assert_non_null(bay_route_data(route));
    for (int i = 0; i < 4; i++) {
        rig_leave(&peers[i]);
    }
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(the_longest_path_wins),
        SCRIPT_TEST(start_fails),
        SCRIPT_TEST(timers),
        SCRIPT_TEST(timers_without_delay),
        SCRIPT_TEST(stopped_for_good),
        SCRIPT_TEST(draining),
        SCRIPT_TEST(drained_at_once),
        SCRIPT_TEST(kicked),
        SCRIPT_TEST(each_connection),
        SCRIPT_TEST(iterating),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
