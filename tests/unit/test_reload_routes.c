/* test_reload_routes.c - two versions at a time; routes come and go */
#include "reload_rig.h"

/* ---- two versions at a time -------------------------------------------- */

static bay_plugin incompatible(void)
{
    bay_plugin plugin = new_plugin();

    plugin.migrate_conn = NULL;
    return plugin;
}

static void old_connections_stay_with_old_code(void **state)
{
    const bay_plugin next = incompatible();
    struct peer before, after;

    (void)state;
    rig_connect(&before, "/a");
    assert_string_equal(reload_one(&rig.routes[0], &next), "p replaced 0 1 0");
    assert_string_equal(said_since(), "start ");
    rig_connect(&after, "/a");
    rig_say(&before, "x");
    rig_expect_text(&before, "old 1");
    rig_say(&after, "x");
    assert_int_equal(rig_frame(&after, NULL), OPCODE_TEXT);
    assert_int_equal(rig.stats->routes[0].connections, 2);
    assert_int_equal(rig.stats->routes[0].outdated, 1);
    rig_leave(&before);
    assert_string_equal(said_since(), "close:1006 stop ");
    assert_int_equal(rig.stats->routes[0].outdated, 0);
    assert_int_equal(rig.stats->routes[0].connections, 1);
    rig_leave(&after);
}

static void both_share_topics_and_ids(void **state)
{
    const bay_plugin next = incompatible();
    struct peer before, after;
    bay_route *handle;

    (void)state;
    rig_connect(&before, "/a");
    reload_one(&rig.routes[0], &next);
    rig_connect(&after, "/a");
    rig_say(&before, "all");
    rig_expect_text(&before, "old says");
    rig_expect_text(&after, "old says");
    said_since();
    rig_say(&after, "news"); /* both instances listen */
    assert_string_equal(said_since(), "notice:hot:other notice:hot:own ");
    handle = &core_find_route(rig.core, "/a")->handle;
    assert_int_equal(
        bay_send_to(handle, conn_id(before.conn), BAY_TEXT, "hi", 2), BAY_OK);
    core_turn(rig.core);
    rig_expect_text(&before, "hi");
    assert_null(bay_route_find(handle, conn_id(before.conn)));
    core_bus_send(rig.core, "one", conn_id(before.conn), BAY_TEXT, "ho", 2);
    core_turn(rig.core);
    rig_expect_text(&before, "ho");
    rig_leave(&before);
    rig_leave(&after);
}

static void old_code_ends_after_its_work(void **state)
{
    const bay_plugin next = incompatible();
    bay_route *handle = &core_find_route(rig.core, "/a")->handle;
    int runs = 0;

    (void)state;
    bay_defer(handle, work, done, &runs);
    reload_one(&rig.routes[0], &next);
    assert_string_equal(said_since(), "start ");
    rig_run_jobs();
    assert_string_equal(said_since(), "done stop ");
}

static void on_reload_says_drain_or_close(void **state)
{
    const bay_plugin twin = variant(say_twin);
    static struct conf_route drain, close; /* used until the end */
    struct peer peer;

    (void)state;
    drain = close = rig.routes[0];
    drain.on_reload = CONF_RELOAD_DRAIN;
    close.on_reload = CONF_RELOAD_CLOSE;
    rig_connect(&peer, "/a");
    assert_string_equal(reload_one(&drain, &twin), "p replaced 0 1 0");
    rig_expect_silence(&peer);
    rig_leave(&peer);
    rig_connect(&peer, "/a");
    assert_string_equal(reload_one(&close, &old_plugin), "p replaced 0 0 1");
    rig_expect_close(&peer, 1012);
    rig_leave(&peer);
}

static void pieces_are_never_swapped(void **state)
{
    bay_plugin pieces = variant(say_twin);

    (void)state;
    pieces.flags = BAY_PIECES;
    assert_string_equal(reload_one(&rig.routes[0], &pieces),
                        "p replaced 0 0 0");
}

static void another_plugin(void **state)
{
    bay_plugin other = variant(say_twin);
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    other.name = "q";
    assert_string_equal(reload_one(&rig.routes[0], &other), "q replaced 0 1 0");
    rig_say(&peer, "x");
    rig_expect_text(&peer, "old 1");
    rig_leave(&peer);
}

/* ---- routes come and go ------------------------------------------------ */

static void removed_and_added(void **state)
{
    static struct conf_route other; /* used until the end */
    struct core_route route = to(&other, &old_plugin);
    const struct reload_result *result;
    struct reload *reload;
    struct peer peer;
    char why[256];

    (void)state;
    other = rig.routes[0];
    other.name = (char *)(uintptr_t) "other";
    other.path = (char *)(uintptr_t) "/b";
    other.slot = 1;
    rig_connect(&peer, "/a");
    reload = reload_create(rig.core, &route, 1, why, sizeof why);
    assert_null(core_find_route(rig.core, "/b")); /* not yet */
    assert_true(reload_commit(reload, false, 1000));
    assert_int_equal(reload_count(reload), 2);
    assert_int_equal(reload_result(reload, 0)->way, RELOAD_ADDED);
    result = reload_result(reload, 1);
    assert_string_equal(result->route, "one");
    assert_int_equal(result->way, RELOAD_REMOVED);
    assert_int_equal(result->closed, 1);
    reload_free(reload);
    assert_non_null(core_find_route(rig.core, "/b"));
    assert_null(core_find_route(rig.core, "/a"));
    rig_expect_close(&peer, 1012);
    said_since();
    rig_leave(&peer);
    assert_string_equal(said_since(), "close:1012 stop ");
}

static void many_leave_over_time(void **state)
{
    static struct peer peers[400];
    struct reload *reload;
    size_t left = 0;
    char why[256];

    (void)state;
    for (size_t i = 0; i < 400; i++) {
        rig_connect(&peers[i], "/a");
    }
    reload = reload_create(rig.core, NULL, 0, why, sizeof why);
    assert_true(reload_commit(reload, false, 30000));
    reload_free(reload);
    for (size_t i = 0; i < 400; i++) {
        left += peers[i].out.len == 0;
    }
    assert_true(left > 300);
    rig_advance(1500);
    for (size_t i = 0; i < 400; i++) {
        rig_expect_close(&peers[i], 1012);
        rig_leave(&peers[i]);
    }
}

static void a_refused_start_changes_nothing(void **state)
{
    const bay_plugin next = incompatible();
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    start_result = BAY_EINVAL;
    assert_string_equal(reload_one(&rig.routes[0], &next),
                        "refused: [route.one] plugin p: its start hook failed: "
                        "invalid argument (-2)");
    assert_string_equal(said_since(), "start ");
    assert_int_equal(release_count, 1);
    rig_say(&peer, "x");
    rig_expect_text(&peer, "old 1");
    rig_leave(&peer);
}

static void aborted(void **state)
{
    const bay_plugin next = incompatible();
    struct core_route route;
    struct reload *reload;
    struct peer peer;
    char why[256];

    (void)state;
    rig.routes[0].plugin = (char *)(uintptr_t) "p";
    route = to(&rig.routes[0], &next);
    rig_connect(&peer, "/a");
    reload = reload_create(rig.core, &route, 1, why, sizeof why);
    reload_abort(reload);
    assert_string_equal(said_since(), "start stop ");
    assert_int_equal(release_count, 1);
    rig_say(&peer, "x");
    rig_expect_text(&peer, "old 1");
    rig_leave(&peer);
}

static void not_while_the_worker_ends(void **state)
{
    (void)state;
    core_drain(rig.core, 1001, "", 0);
    assert_string_equal(reload_one(&rig.routes[0], &old_plugin),
                        "refused: the worker is about to end");
}

static void old_code_is_left_at_the_end(void **state)
{
    const bay_plugin next = incompatible();
    static struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    reload_one(&rig.routes[0], &next);
    conn_lost(peer.conn); /* core_destroy comes before the turn */
    buf_free(&peer.out);
    said_since();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELOAD_TEST(old_connections_stay_with_old_code),
        RELOAD_TEST(both_share_topics_and_ids),
        RELOAD_TEST(old_code_ends_after_its_work),
        RELOAD_TEST(on_reload_says_drain_or_close),
        RELOAD_TEST(pieces_are_never_swapped),
        RELOAD_TEST(another_plugin),
        RELOAD_TEST(removed_and_added),
        RELOAD_TEST(many_leave_over_time),
        RELOAD_TEST(a_refused_start_changes_nothing),
        RELOAD_TEST(aborted),
        RELOAD_TEST(not_while_the_worker_ends),
        RELOAD_TEST(old_code_is_left_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
