/* test_reload.c - new code and options below open connections */
#include "reload_rig.h"

/* ---- in place ---------------------------------------------------------- */

static void swapped_below_connections(void **state)
{
    const bay_plugin twin = variant(say_twin);
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    rig_say(&peer, "x");
    rig_expect_text(&peer, "old 1");
    assert_string_equal(reload_one(&rig.routes[0], &twin), "p swapped 1 0 0");
    assert_string_equal(said_since(), "reload ");
    rig_say(&peer, "x");
    rig_expect_text(&peer, "twin 2");
    assert_int_equal(rig.stats->routes[0].outdated, 0);
    rig_leave(&peer);
    assert_string_equal(said_since(), "close:1006 ");
}

static void swapped_in_the_middle_of_a_message(void **state)
{
    const bay_plugin twin = variant(say_twin);
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    conn_receive(peer.conn, BAY_TEXT, true, false, "ab", 2, 0);
    reload_one(&rig.routes[0], &twin);
    conn_receive(peer.conn, BAY_TEXT, false, true, "c", 1, 0);
    core_turn(rig.core);
    rig_expect_text(&peer, "twin 1");
    rig_leave(&peer);
}

static void what_is_queued_goes_out_first(void **state)
{
    const bay_plugin twin = variant(say_twin);
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    peer.room = 0;
    rig_say(&peer, "x");
    reload_one(&rig.routes[0], &twin);
    rig_say(&peer, "x");
    rig_give_room(&peer, SIZE_MAX);
    rig_expect_text(&peer, "old 1");
    rig_expect_text(&peer, "twin 2");
    rig_leave(&peer);
}

static void unchanged(void **state)
{
    struct conf_route later = rig.routes[0];
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    later.limits.max_message = 3;
    assert_string_equal(reload_one(&later, &old_plugin), "p unchanged 1 0 0");
    assert_string_equal(said_since(), "");
    rig_say(&peer, "long"); /* the limit holds at once */
    rig_expect_close(&peer, 1009);
    assert_string_equal(reload_one(&rig.routes[0], &old_plugin),
                        "p unchanged 0 0 0");
    rig_leave(&peer);
    assert_int_equal(release_count, 1); /* the first reload's */
}

static void stateless_code_always_swaps(void **state)
{
    bay_plugin bare = { BAY_INIT, .name = "p", .start = start_any };
    bay_plugin next = { BAY_INIT, .name = "p", .reload = reload_any };

    (void)state;
    assert_string_equal(reload_one(&rig.routes[0], &bare), "p replaced 0 0 0");
    said_since();
    assert_string_equal(reload_one(&rig.routes[0], &next), "p swapped 0 0 0");
    assert_string_equal(said_since(), "reload ");
    bare.route_size = 8; /* not compatible: version 0 */
    next.route_size = 8;
    assert_string_equal(reload_one(&rig.routes[0], &bare), "p replaced 0 0 0");
    assert_string_equal(reload_one(&rig.routes[0], &next), "p replaced 0 0 0");
}

static void timers_survive(void **state)
{
    const bay_plugin twin = variant(say_twin);

    (void)state;
    bay_timer_set(&core_find_route(rig.core, "/a")->handle, 1, 100);
    reload_one(&rig.routes[0], &twin);
    assert_int_equal(rig.core->timers.count, 1);
}

/* ---- migration --------------------------------------------------------- */

static void migrated(void **state)
{
    const bay_plugin next = new_plugin();
    struct peer a, b;

    (void)state;
    rig_connect(&a, "/a");
    rig_connect(&b, "/a");
    rig_say(&a, "x");
    rig_expect_text(&a, "old 1");
    assert_string_equal(reload_one(&rig.routes[0], &next), "p migrated 2 0 0");
    assert_string_equal(said_since(), "migrate_route:4:1 migrate_conn:4:1 "
                                      "migrate_conn:4:1 reload ");
    rig_say(&a, "x");
    rig_expect_text(&a, "new 2!");
    rig_leave(&a);
    rig_leave(&b);
}

static void one_that_cannot_migrate_is_closed(void **state)
{
    const bay_plugin next = new_plugin();
    struct peer a, b;

    (void)state;
    rig_connect(&a, "/a");
    rig_connect(&b, "/a");
    migrate_conn_result = BAY_ENOMEM; /* for even ids: the second */
    assert_string_equal(reload_one(&rig.routes[0], &next),
                        "p migrated 1 0 1: the migrate_conn hook failed for 1 "
                        "of its connections, which were closed");
    rig_expect_close(&b, 1012);
    rig_say(&a, "x");
    rig_expect_text(&a, "new 1!");
    said_since();
    rig_leave(&b);
    assert_string_equal(said_since(), "close:1012 ");
    rig_leave(&a);
}

static void a_route_that_cannot_migrate_stays(void **state)
{
    const bay_plugin next = new_plugin();
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    migrate_route_result = BAY_EINVAL;
    assert_string_equal(reload_one(&rig.routes[0], &next),
                        "p failed 1 0 0: its migrate_route hook failed, so it "
                        "keeps its old code: the log has more");
    assert_int_equal(release_count, 1); /* what was not taken */
    rig_say(&peer, "x");
    rig_expect_text(&peer, "old 1");
    rig_leave(&peer);
}

static int begin_work(bay_route *route, const void *old, size_t size,
                      uint32_t version)
{
    static int runs;

    migrate_route(route, old, size, version);
    assert_int_equal(bay_defer(route, work, done, &runs), BAY_ESTATE);
    return BAY_EINVAL;
}

/* Its code would be gone before it ran, and the block be another's. */
static void a_migration_begins_no_work(void **state)
{
    bay_plugin next = new_plugin();
    int runs = 0;

    (void)state;
    next.migrate_route = begin_work;
    reload_one(&rig.routes[0], &next);
    assert_int_equal(release_count, 1);
    assert_int_equal(rig.core->job_count, 0);
    assert_int_equal(
        bay_defer(&core_find_route(rig.core, "/a")->handle, work, done, &runs),
        BAY_OK);
    rig_run_jobs();
    assert_int_equal(runs, 1);
}

/* ---- deferred work ----------------------------------------------------- */

static void busy_until_its_work_is_done(void **state)
{
    const bay_plugin twin = variant(say_twin);
    struct core_route route = to(&rig.routes[0], &twin);
    bay_route *handle = &core_find_route(rig.core, "/a")->handle;
    struct reload *reload;
    char why[256];
    int runs = 0;

    (void)state;
    assert_int_equal(bay_defer(handle, work, done, &runs), BAY_OK);
    reload = reload_create(rig.core, &route, 1, why, sizeof why);
    assert_false(reload_settled(reload, why, sizeof why));
    assert_string_equal(why, "[route.one] plugin p is busy: work it gave to "
                             "bay_defer has not ended");
    rig_run_jobs();
    /* Work that began later does not hold it up. */
    assert_int_equal(bay_defer(handle, work, done, &runs), BAY_OK);
    assert_true(reload_settled(reload, why, sizeof why));
    assert_true(reload_commit(reload, false, 0));
    reload_free(reload);
    assert_string_equal(said_since(), "done reload ");
    rig_run_jobs();
    assert_string_equal(said_since(), "done ");
    assert_int_equal(runs, 2);
}

static void a_migration_waits_for_work(void **state)
{
    const bay_plugin next = new_plugin();
    struct core_route route = to(&rig.routes[0], &next);
    bay_route *handle = &core_find_route(rig.core, "/a")->handle;
    struct reload *reload;
    struct peer peer;
    char why[256];
    int runs = 0;

    (void)state;
    rig_connect(&peer, "/a");
    reload = reload_create(rig.core, &route, 1, why, sizeof why);
    bay_defer(handle, work, done, &runs);
    assert_false(reload_commit(reload, false, 0));
    assert_false(peer.reading);
    rig_run_jobs();
    assert_true(reload_commit(reload, false, 0));
    assert_true(peer.reading);
    assert_int_equal(reload_result(reload, 0)->way, RELOAD_MIGRATED);
    reload_free(reload);
    rig_leave(&peer);
}

static void a_migration_does_not_wait_for_ever(void **state)
{
    const bay_plugin next = new_plugin();
    struct core_route route = to(&rig.routes[0], &next);
    bay_route *handle = &core_find_route(rig.core, "/a")->handle;
    struct reload *reload;
    struct peer peer;
    char why[256];
    int runs = 0;

    (void)state;
    rig_connect(&peer, "/a");
    reload = reload_create(rig.core, &route, 1, why, sizeof why);
    bay_defer(handle, work, done, &runs);
    assert_false(reload_commit(reload, false, 0));
    assert_true(reload_commit(reload, true, 0));
    assert_true(peer.reading);
    assert_int_equal(reload_result(reload, 0)->way, RELOAD_FAILED);
    reload_free(reload);
    rig_say(&peer, "x");
    rig_expect_text(&peer, "old 1");
    rig_run_jobs();
    rig_leave(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELOAD_TEST(swapped_below_connections),
        RELOAD_TEST(swapped_in_the_middle_of_a_message),
        RELOAD_TEST(what_is_queued_goes_out_first),
        RELOAD_TEST(unchanged),
        RELOAD_TEST(stateless_code_always_swaps),
        RELOAD_TEST(timers_survive),
        RELOAD_TEST(migrated),
        RELOAD_TEST(one_that_cannot_migrate_is_closed),
        RELOAD_TEST(a_route_that_cannot_migrate_stays),
        RELOAD_TEST(a_migration_begins_no_work),
        RELOAD_TEST(busy_until_its_work_is_done),
        RELOAD_TEST(a_migration_waits_for_work),
        RELOAD_TEST(a_migration_does_not_wait_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
