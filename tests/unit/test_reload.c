/* test_reload.c - new code, options and routes below open connections */
#include "core_rig.h"

#include "core/hooks.h"
#include "core/reload.h"

/* Versions of a plugin: what each says tells which code ran. */
static struct buf heard;

static void hear(const char *what)
{
    buf_addf(&heard, "%s ", what);
}

static const char *said_since(void)
{
    static char text[1024];

    snprintf(text, sizeof text, "%s", heard.data != NULL ? heard.data : "");
    buf_clear(&heard);
    return text;
}

struct old_block {
    int count;
};

struct new_block {
    long count;
    char mark;
};

static int release_count;
static int start_result, migrate_route_result, migrate_conn_result;

static void released(void *arg)
{
    (void)arg;
    release_count++;
}

static int start_any(bay_route *route)
{
    hear("start");
    bay_listen(route, "news");
    return start_result;
}

static void stop_any(bay_route *route)
{
    (void)route;
    hear("stop");
}

static void reload_any(bay_route *route)
{
    hear("reload");
    (void)bay_conf_str(route, "word");
}

static int open_any(bay_conn *conn)
{
    return bay_subscribe(conn, "all");
}

static void close_any(bay_conn *conn, int code, const char *reason)
{
    (void)conn;
    (void)reason;
    buf_addf(&heard, "close:%d ", code);
}

static void notice_any(bay_route *route, const bay_notice *notice)
{
    (void)route;
    buf_addf(&heard, "notice:%s:%s ", notice->data,
             notice->local ? "own" : "other");
}

static int say_old(bay_conn *conn, const bay_message *msg)
{
    struct old_block *block = bay_conn_data(conn);

    if (strcmp(msg->data, "all") == 0) {
        return bay_publish(bay_conn_route(conn), "all", BAY_TEXT, "old says", 8,
                           0);
    }
    return bay_sendf(conn, "old %d", ++block->count);
}

static int say_twin(bay_conn *conn, const bay_message *msg)
{
    struct old_block *block = bay_conn_data(conn);

    (void)msg;
    return bay_sendf(conn, "twin %d", ++block->count);
}

static int say_new(bay_conn *conn, const bay_message *msg)
{
    struct new_block *block = bay_conn_data(conn);

    if (strcmp(msg->data, "news") == 0) {
        return bay_publish(bay_conn_route(conn), "news", BAY_TEXT, "hot", 3, 0);
    }
    return bay_sendf(conn, "new %ld%c", ++block->count, block->mark);
}

static int migrate_route(bay_route *route, const void *old, size_t size,
                         uint32_t version)
{
    struct new_block *block = bay_route_data(route);

    buf_addf(&heard, "migrate_route:%zu:%u ", size, version);
    block->count = ((const struct old_block *)old)->count;
    return migrate_route_result;
}

static int migrate_conn(bay_conn *conn, const void *old, size_t size,
                        uint32_t version)
{
    struct new_block *block = bay_conn_data(conn);

    buf_addf(&heard, "migrate_conn:%zu:%u ", size, version);
    block->count = ((const struct old_block *)old)->count;
    block->mark = '!';
    return bay_conn_id(conn) % 2 == 0 ? migrate_conn_result : 0;
}

static const bay_plugin old_plugin = { BAY_INIT,
                                       .name = "p",
                                       .route_size = sizeof(struct old_block),
                                       .conn_size = sizeof(struct old_block),
                                       .state_version = 1,
                                       .start = start_any,
                                       .stop = stop_any,
                                       .reload = reload_any,
                                       .open = open_any,
                                       .message = say_old,
                                       .close = close_any,
                                       .notice = notice_any };

static bay_plugin variant(int (*message)(bay_conn *, const bay_message *))
{
    bay_plugin plugin = old_plugin;

    plugin.message = message;
    return plugin;
}

static bay_plugin new_plugin(void)
{
    bay_plugin plugin = variant(say_new);

    plugin.route_size = sizeof(struct new_block);
    plugin.conn_size = sizeof(struct new_block);
    plugin.state_version = 2;
    plugin.migrate_route = migrate_route;
    plugin.migrate_conn = migrate_conn;
    return plugin;
}

static struct core_route to(const struct conf_route *conf,
                            const bay_plugin *plugin)
{
    return (struct core_route){ .conf = conf,
                                .plugin = plugin,
                                .release = released };
}

/* The first route gets this; the outcome in words: "p swapped 2 0 0". */
static const char *reload_one(const struct conf_route *conf,
                              const bay_plugin *plugin)
{
    static char text[512];
    struct core_route route = to(conf, plugin);
    const struct reload_result *result;
    struct reload *reload;
    char why[256];

    reload = reload_create(rig.core, &route, 1, why, sizeof why);
    if (reload == NULL) {
        snprintf(text, sizeof text, "refused: %s", why);
        return text;
    }
    assert_true(reload_settled(reload, why, sizeof why));
    assert_true(reload_commit(reload, false, 1000));
    result = reload_result(reload, 0);
    snprintf(text, sizeof text, "%s %s %zu %zu %zu%s%s", result->plugin,
             reload_way_name(result->way), result->kept, result->outdated,
             result->closed, result->why[0] != '\0' ? ": " : "", result->why);
    reload_free(reload);
    return text;
}

static int begin(void **state)
{
    (void)state;
    rig_init();
    release_count = 0;
    start_result = migrate_route_result = migrate_conn_result = 0;
    rig_route("/a", &old_plugin);
    said_since();
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_finish();
    buf_free(&heard);
    return 0;
}

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

/* ---- deferred work ----------------------------------------------------- */

static void work(void *arg)
{
    ++*(int *)arg;
}

static void done(bay_route *route, void *arg, int status)
{
    (void)arg;
    (void)status;
    bay_conf_str(route, "word");
    hear("done");
}

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
    struct conf_route drain = rig.routes[0], close = rig.routes[0];
    struct peer peer;

    (void)state;
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
    struct conf_route other = rig.routes[0];
    struct core_route route = to(&other, &old_plugin);
    const struct reload_result *result;
    struct reload *reload;
    struct peer peer;
    char why[256];

    (void)state;
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

#define RELOAD_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

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
        RELOAD_TEST(busy_until_its_work_is_done),
        RELOAD_TEST(a_migration_waits_for_work),
        RELOAD_TEST(a_migration_does_not_wait_for_ever),
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
