/* test_hooks.c - the board names the hook that runs; slow ones are logged */
#include <unistd.h>

#include "caught_log.h"
#include "core_script.h"

static int look_at_the_board(bay_conn *conn, const bay_message *msg)
{
    const struct hook_now *now = &rig.stats->now;

    assert_int_equal(atomic_load(&now->hook), HOOK_MESSAGE);
    assert_int_equal(stat_get(&now->message), (uintptr_t)msg->data);
    assert_int_equal(stat_get(&now->message_len), 1);
    assert_int_equal(atomic_load(&now->route), 1);
    assert_int_equal(stat_get(&now->conn), bay_conn_id(conn));
    assert_true(stat_get(&now->since_ms) > 0);
    return 0;
}

static void the_board(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/other", &script_plugin);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    script.on_message = look_at_the_board;
    rig_say(&peer, "x");
    assert_int_equal(atomic_load(&rig.stats->now.hook), HOOK_NONE);
    rig_leave(&peer);
    script_heard();
}

static int take_long(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    usleep(60000); /* the hook under test is what takes the time */
    return 0;
}

static void slow(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin)->limits.slow_hook_ms = 20;
    rig_connect(&peer, "/a");
    rig_say(&peer, "quick");
    assert_int_equal(stat_get(&rig.stats->routes[0].slow_hooks), 0);
    script.on_message = take_long;
    rig_say(&peer, "slow");
    assert_int_equal(stat_get(&rig.stats->routes[0].slow_hooks), 1);
    rig_leave(&peer);
    script_heard();
}

/* Each hook has its line, once a trace is asked for. */
static void traced(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    core_set_logging(rig.core, false, true);
    assert_int_equal(caught_log_begin(), 0);
    rig_connect(&peer, "/a");
    rig_say(&peer, "x");
    assert_int_equal(caught_log_count("message took "), 1);
    core_set_logging(rig.core, false, false);
    rig_say(&peer, "x");
    assert_int_equal(caught_log_count("message took "), 1);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

static void names(void **state)
{
    (void)state;
    assert_null(hook_name(HOOK_NONE));
    assert_null(hook_name(HOOK_COUNT));
    for (int hook = HOOK_START; hook < HOOK_COUNT; hook++) {
        assert_non_null(hook_name((enum hook)hook));
    }
    assert_string_equal(hook_name(HOOK_MESSAGE), "message");
}

/* A plugin with no hooks but message is called for nothing else. */
static void missing_hooks(void **state)
{
    static const bay_plugin bare = { .name = "bare",
                                     .message = script_message };
    struct peer peer;

    (void)state;
    rig_route("/a", &bare);
    rig_connect(&peer, "/a");
    rig_say(&peer, "x");
    bay_timer_set(bay_conn_route(&peer.conn->handle), 1, 1);
    bay_listen(bay_conn_route(&peer.conn->handle), "t");
    bay_publish(bay_conn_route(&peer.conn->handle), "t", BAY_TEXT, "", 0, 0);
    core_turn(rig.core);
    rig_advance(10);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "message:x ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(the_board), SCRIPT_TEST(slow),          SCRIPT_TEST(traced),
        SCRIPT_TEST(names),     SCRIPT_TEST(missing_hooks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
