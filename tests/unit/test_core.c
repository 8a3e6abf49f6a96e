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
    assert_int_equal(
        core_add_route(
            rig.core,
            &(struct core_route){ .conf = &route, .plugin = &script_plugin },
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

static int start_and_fail(bay_route *route)
{
    assert_int_equal(bay_timer_set(route, 1, 10), BAY_OK);
    assert_int_equal(bay_timer_set(route, 2, 20), BAY_OK);
    assert_int_equal(bay_listen(route, "t"), BAY_OK);
    return BAY_EINVAL;
}

/* Nothing of an instance that did not start is left behind. */
static void start_fails_half_way(void **state)
{
    static const bay_plugin plugin = { .name = "half",
                                       .route_size = 8,
                                       .start = start_and_fail };
    struct conf_route route = { .name = (char *)(uintptr_t) "half",
                                .path = (char *)(uintptr_t) "/half",
                                .path_len = 5 };
    char why[256];

    (void)state;
    rig_route("/a", &script_plugin);
    assert_int_equal(core_add_route(rig.core,
                                    &(struct core_route){ .conf = &route,
                                                          .plugin = &plugin },
                                    why, sizeof why),
                     -1);
    assert_int_equal(rig.core->timers.count, 0);
    assert_int_equal(rig.core->topics.count, 0);
    core_turn(rig.core);
    rig_advance(100);
    script_heard();
}

/* It shook hands before the end began, and opened after. */
static void opened_while_draining(void **state)
{
    struct peer peer;
    int status;

    (void)state;
    rig_route("/a", &script_plugin);
    assert_true(rig_ask(&peer, "/a", NULL, NULL, &status));
    core_drain(rig.core, 1012, "restart", 10000);
    conn_open(peer.conn);
    core_turn(rig.core);
    rig_expect_close(&peer, 1012);
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open close:1012:restart ");
}

static int turn_within(bay_conn *conn, const bay_message *msg)
{
    bay_publish(bay_conn_route(conn), "t", msg->kind, msg->data, msg->len, 0);
    bay_send_text(conn, "answer", 6);
    core_turn(rig.core); /* as a transport that does not know better */
    buf_adds(&script.heard, "returns ");
    return 0;
}

/* No hook is entered within another, and nothing is sent before it returns. */
static void no_turn_within_a_hook(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_listen(bay_conn_route(&peer.conn->handle), "t");
    script_heard();
    script.on_message = turn_within;
    rig_say(&peer, "x");
    assert_string_equal(script_heard(), "message:x returns notice:t:x:local ");
    rig_expect_text(&peer, "answer");
    rig_leave(&peer);
    script_heard();
}

/* The alarm costs a call when it changes, and is set anew when it rang. */
static void the_alarm(void **state)
{
    struct peer peer;
    int before;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_timer_set(bay_conn_route(&peer.conn->handle), 1, 1000);
    core_turn(rig.core);
    assert_int_equal(rig.alarm_ms, rig.now_ms + 1000);
    before = rig.alarms;
    core_turn(rig.core);
    core_turn(rig.core);
    assert_int_equal(rig.alarms, before);
    rig.alarm_ms = UINT64_MAX; /* it rang too early */
    core_tick(rig.core);
    assert_int_equal(rig.alarm_ms, rig.now_ms + 1000);
    rig_leave(&peer);
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
        SCRIPT_TEST(start_fails_half_way),
        SCRIPT_TEST(opened_while_draining),
        SCRIPT_TEST(no_turn_within_a_hook),
        SCRIPT_TEST(the_alarm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
