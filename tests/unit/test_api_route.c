/* test_api_route.c - the calls on an instance: options, ids, timers, the log */
#include "core_script.h"

#include <pthread.h>

#include "caught_log.h"

/* A handle that is none: what every call answers. */
static void expect_refused(bay_route *route)
{
    assert_string_equal(core_api.route_name(route), "");
    assert_string_equal(core_api.route_path(route), "");
    assert_int_equal(core_api.route_worker(route), 0);
    assert_null(core_api.route_data(route));
    assert_int_equal(core_api.route_count(route), 0);
    assert_null(core_api.route_find(route, 1));
    assert_null(core_api.route_next(route, NULL));
    assert_null(core_api.conf_str(route, "a"));
    assert_int_equal(core_api.conf_int(route, "a"), 0);
    assert_int_equal(core_api.send_to(route, 1, BAY_TEXT, "x", 1), BAY_EINVAL);
    assert_int_equal(core_api.close_id(route, 1, 1000, ""), BAY_EINVAL);
    assert_int_equal(core_api.listen(route, "t"), BAY_EINVAL);
    assert_int_equal(core_api.unlisten(route, "t"), BAY_EINVAL);
    assert_int_equal(core_api.publish(route, "t", BAY_TEXT, "x", 1, 0),
                     BAY_EINVAL);
    assert_int_equal(core_api.timer_set(route, 1, 1), BAY_EINVAL);
    assert_int_equal(core_api.timer_clear(route, 1), BAY_EINVAL);
    assert_int_equal(core_api.now_ms(route), 0);
    assert_int_equal(core_api.defer(route, free, NULL, NULL), BAY_EINVAL);
}

static void handles_that_are_none(void **state)
{
    struct instance stale = { .handle.api = &core_api };
    struct peer peer;

    (void)state;
    caught_log_begin();
    expect_refused(&stale.handle);
    assert_int_equal(caught_log_count("something that is no bay_route"), 18);
    expect_refused(NULL);
    bay_log(&stale.handle, BAY_INFO, "from nobody");
    assert_int_equal(caught_log_count("from nobody"), 1);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    /* a connection is no instance */
    expect_refused((bay_route *)(void *)&peer.conn->handle);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

/* ---- options ----------------------------------------------------------- */

static const bay_option options[] = {
    { "title", BAY_OPT_STR, "none", "a text", 0, 0 },
    { "history", BAY_OPT_INT, "100", "a number", 0, 1000 },
    { "loud", BAY_OPT_BOOL, "yes", "a switch", 0, 0 },
    { "room", BAY_OPT_BYTES, "64k", "a size", 0, 0 },
    { "wait", BAY_OPT_MS, "1m", "a time", 0, 0 },
    { 0 },
};

static struct buf told;

static int tell_options(bay_route *route)
{
    buf_addf(&told, "%s %d %d %d %d", bay_conf_str(route, "title"),
             (int)bay_conf_int(route, "history"), bay_conf_bool(route, "loud"),
             (int)bay_conf_int(route, "room"),
             (int)bay_conf_int(route, "wait"));
    assert_string_equal(bay_conf_str(route, "room"), "64k"); /* as written */
    assert_int_equal(bay_conf_int(route, "title"), 0);
    assert_null(bay_conf_str(route, "other"));
    assert_int_equal(bay_conf_int(route, "other"), 0);
    assert_null(core_api.conf_str(route, NULL));
    assert_int_equal(core_api.conf_int(route, NULL), 0);
    return 0;
}

static void options_of_the_route(void **state)
{
    static const bay_plugin plugin = { BAY_INIT, .name = "chooser",
                                       .options = options,
                                       .start = tell_options };
    struct conf_option set[] = {
        { (char *)(uintptr_t) "history", (char *)(uintptr_t) "7", 1 },
        { (char *)(uintptr_t) "loud", (char *)(uintptr_t) "off", 2 },
    };
    struct conf conf = { .file = (char *)(uintptr_t) "test.ini" };
    struct conf_route route = { .name = (char *)(uintptr_t) "one",
                                .path = (char *)(uintptr_t) "/a",
                                .path_len = 2,
                                .plugin = (char *)(uintptr_t) "chooser",
                                .options = { set, 2 } };
    struct problems problems = { 0 };
    struct options *resolved =
        options_resolve(&plugin, &conf, &route, &problems);
    char why[100];

    (void)state;
    assert_non_null(resolved);
    assert_int_equal(core_add_route(rig.core,
                                    &(struct core_route){ .conf = &route,
                                                          .plugin = &plugin,
                                                          .options = resolved },
                                    why, sizeof why),
                     0);
    assert_string_equal(told.data, "none 7 0 65536 60000");
    buf_free(&told);
    problems_free(&problems);
}

/* ---- by id ------------------------------------------------------------- */

static void ids_of_others(void **state)
{
    struct peer mine, other;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_route("/b", &script_plugin);
    rig_connect(&mine, "/a");
    rig_connect(&other, "/b");
    route = bay_conn_route(&mine.conn->handle);
    assert_ptr_equal(bay_route_find(route, mine.conn->id), &mine.conn->handle);
    assert_null(bay_route_find(route, other.conn->id));
    assert_null(bay_route_find(route, 0));
    assert_ptr_equal(bay_route_next(route, NULL), &mine.conn->handle);
    assert_null(bay_route_next(route, &mine.conn->handle));
    assert_int_equal(bay_route_count(route), 1);

    assert_int_equal(bay_send_to(route, mine.conn->id, BAY_TEXT, "hi", 2),
                     BAY_OK);
    assert_int_equal(bay_send_to(route, other.conn->id, BAY_TEXT, "hi", 2),
                     BAY_ENOTFOUND);
    assert_int_equal(bay_send_to(route, 99, BAY_TEXT, "hi", 2), BAY_ENOTFOUND);
    assert_int_equal(bay_send_to(route, 0, BAY_TEXT, "hi", 2), BAY_EINVAL);
    assert_int_equal(bay_send_to(route, mine.conn->id, BAY_TEXT, NULL, 2),
                     BAY_EINVAL);
    assert_int_equal(bay_send_to(route, mine.conn->id, 9, "hi", 2), BAY_EINVAL);

    assert_int_equal(bay_close_id(route, other.conn->id, 4000, ""),
                     BAY_ENOTFOUND);
    assert_int_equal(bay_close_id(route, 0, 4000, ""), BAY_EINVAL);
    assert_int_equal(bay_close_id(route, mine.conn->id, 1005, ""), BAY_EINVAL);
    assert_int_equal(bay_close_id(route, mine.conn->id, 4000, NULL), BAY_OK);
    assert_int_equal(bay_close_id(route, mine.conn->id, 4000, ""), BAY_ECLOSED);
    core_turn(rig.core);
    rig_expect_text(&mine, "hi");
    rig_expect_close(&mine, 4000);
    rig_expect_silence(&other);
    rig_leave(&mine);
    rig_leave(&other);
    script_heard();
}

/* ---- topics and timers ------------------------------------------------- */

static void arguments(void **state)
{
    struct peer peer;
    bay_route *route;
    char name[66];

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    memset(name, 'n', sizeof name);
    name[65] = '\0';
    assert_int_equal(bay_publish(route, name, BAY_TEXT, "", 0, 0), BAY_EINVAL);
    assert_int_equal(bay_listen(route, name), BAY_EINVAL);
    assert_int_equal(bay_unlisten(route, name), BAY_EINVAL);
    assert_int_equal(bay_publish(route, "", BAY_TEXT, "", 0, 0), BAY_EINVAL);
    assert_int_equal(bay_publish(route, NULL, BAY_TEXT, "", 0, 0), BAY_EINVAL);
    assert_int_equal(bay_publish(route, "t", BAY_TEXT, NULL, 1, 0), BAY_EINVAL);
    assert_int_equal(bay_publish(route, "t", 0, "x", 1, 0), BAY_EINVAL);
    assert_int_equal(bay_publish(route, "t", BAY_TEXT, "x", SEND_MAX + 1, 0),
                     BAY_ETOOBIG);
    assert_int_equal(bay_publish(route, "t", BAY_TEXT, NULL, 0, 0), BAY_OK);
    assert_int_equal(stat_get(&rig.stats->routes[0].published), 1);

    assert_int_equal(bay_timer_clear(route, 1), BAY_ENOTFOUND);
    assert_int_equal(bay_timer_set(route, 1, (uint64_t)1 << 48), BAY_OK);
    assert_int_equal(bay_timer_set(route, 2, ((uint64_t)1 << 48) + 1),
                     BAY_EINVAL);
    assert_int_equal(stat_get(&rig.stats->timers), 1);
    assert_int_equal(bay_timer_clear(route, 1), BAY_OK);
    assert_int_equal(stat_get(&rig.stats->timers), 0);
    rig_leave(&peer);
    script_heard();
}

/* ---- the log ----------------------------------------------------------- */

static void lines_of_a_plugin(void **state)
{
    struct peer peer;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    caught_log_begin();
    bay_log(route, BAY_WARN, "about %s", "the route");
    bay_conn_log(&peer.conn->handle, BAY_ERROR, "about %d", 1);
    bay_log(route, 0, "no such level");
    bay_log(route, 5, "nor this");
    log_set_level(LOG_LEVEL_WARN);
    bay_log(route, BAY_INFO, "not wanted");
    assert_int_equal(caught_log_count("warn  [one/script]: about the route\n"),
                     1);
    assert_int_equal(
        caught_log_count("error [one/script] #1 127.0.0.1: about 1\n"), 1);
    assert_int_equal(caught_log_count("info"), 2);
    assert_int_equal(caught_log_count("not wanted"), 0);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

#define LINES 200

static void *log_much(void *arg)
{
    for (int i = 0; i < LINES; i++) {
        bay_log(arg, BAY_INFO, "line %d of a thread", i);
    }
    return NULL;
}

/* From threads, while connections come and go: every line, and whole. */
static void from_threads(void **state)
{
    pthread_t threads[3];
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    caught_log_begin();
    for (int i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, log_much,
                       bay_conn_route(&peer.conn->handle));
    }
    for (int i = 0; i < 100; i++) {
        struct peer passer_by;

        rig_connect(&passer_by, "/a");
        rig_leave(&passer_by);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(caught_log_count("[one/script]: line "), 3 * LINES);
    assert_int_equal(caught_log_count(" of a thread\n"), 3 * LINES);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(handles_that_are_none), SCRIPT_TEST(options_of_the_route),
        SCRIPT_TEST(ids_of_others),         SCRIPT_TEST(arguments),
        SCRIPT_TEST(lines_of_a_plugin),     SCRIPT_TEST(from_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
