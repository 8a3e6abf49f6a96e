/* test_enforce.c - plugins that are banned fall silent, and begin anew */
#include "base/fnv.h"
#include "caught_log.h"
#include "core_script.h"

static struct bans bans;

static int setup(void **state)
{
    bans = (struct bans){ 0 };
    assert_int_equal(caught_log_begin(), 0);
    script_setup(state);
    rig.core->setup.bans = &bans;
    return 0;
}

static int teardown(void **state)
{
    script_teardown(state);
    caught_log_end();
    return 0;
}

static void ban(uint64_t code)
{
    stat_set(&bans.plugins[3].code, code);
    bans.plugin_count = code != 0;
}

static void poison(const char *text)
{
    stat_set(&bans.poisons[5].code, 0xab);
    stat_set(&bans.poisons[5].len, strlen(text));
    stat_set(&bans.poisons[5].hash, fnv_hash(0, text, strlen(text)));
    bans.poison_count = 1;
}

/* The code of both is 0xab. */
static void add_routes(void)
{
    static const char *const paths[] = { "/a", "/b" };
    static char names[][2] = { "a", "b" }, plugin[] = "script";
    char why[128];

    for (unsigned i = 0; i < 2; i++) {
        struct conf_route *route = &rig.routes[i];

        *route = (struct conf_route){ .name = names[i],
                                      .path = (char *)(uintptr_t)paths[i],
                                      .path_len = 2,
                                      .plugin = plugin,
                                      .slot = i };
        route->limits.max_message = 1000;
        route->limits.fragments = 1024;
        route->limits.send_queue = 10000;
        route->limits.slow_hook_ms = 10000;
        assert_int_equal(
            core_add_route(rig.core,
                           &(struct core_route){ .conf = route,
                                                 .plugin = &script_plugin,
                                                 .code = "00000000000000ab" },
                           why, sizeof why),
            0);
    }
}

static void expect_503(const char *path)
{
    struct peer peer;
    int status;

    assert_false(rig_ask(&peer, path, NULL, NULL, &status));
    assert_int_equal(status, 503);
    assert_true(instance_banned(core_find_route(rig.core, path)));
    rig_leave(&peer);
}

static int set_timer_and_listen(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);

    (void)msg;
    assert_int_equal(bay_timer_set(route, 7, 1000), 0);
    assert_int_equal(bay_listen(route, "news"), 0);
    return bay_subscribe(conn, "news");
}

static void falls_silent(void **state)
{
    struct peer peer, other;

    (void)state;
    add_routes();
    rig_connect(&peer, "/a");
    rig_connect(&other, "/b");
    script.on_message = set_timer_and_listen;
    rig_say(&peer, "x");
    script_heard();
    ban(0xab);
    expect_503("/a"); /* at once, before anybody enforces it */
    assert_int_equal(stat_get(&rig.stats->routes[0].refused), 1);
    assert_true(core_enforce_bans(rig.core));
    rig_expect_close(&peer, 1011);
    rig_expect_close(&other, 1011);
    rig_say(&peer, "y");
    rig_advance(2000);
    rig_leave(&peer);
    rig_leave(&other);
    expect_503("/b");
    assert_string_equal(script_heard(), "");
    assert_true(core_enforce_bans(rig.core));
    assert_int_equal(core_connections(rig.core), 0);
}

static void never_begins(void **state)
{
    (void)state;
    ban(0xab);
    add_routes();
    expect_503("/a");
    assert_true(core_enforce_bans(rig.core));
    assert_string_equal(script_heard(), "");
}

static void begins_anew(void **state)
{
    struct peer peer;
    void *first;

    (void)state;
    add_routes();
    rig_connect(&peer, "/a");
    first = core_find_route(rig.core, "/a");
    ban(0xab);
    core_enforce_bans(rig.core);
    script_heard();
    ban(0);
    assert_false(core_enforce_bans(rig.core)); /* /a waits for its connection */
    assert_string_equal(script_heard(), "start ");
    rig_expect_close(&peer, 1011);
    rig_leave(&peer);
    assert_true(core_enforce_bans(rig.core));
    assert_string_equal(script_heard(), "start ");
    assert_ptr_not_equal(core_find_route(rig.core, "/a"), first);
    rig_connect(&peer, "/a");
    assert_string_equal(script_heard(), "handshake open ");
    rig_leave(&peer);
}

static void stays_silent_if_it_cannot_start(void **state)
{
    (void)state;
    ban(0xab);
    add_routes();
    ban(0);
    script.start_result = BAY_ENOMEM;
    assert_true(core_enforce_bans(rig.core));
    assert_non_null(strstr(caught_log(), "cannot begin anew"));
    expect_503("/a");
    script.start_result = 0;
    assert_true(core_enforce_bans(rig.core));
    assert_false(instance_banned(core_find_route(rig.core, "/a")));
}

static void other_code_goes_on(void **state)
{
    struct peer peer;

    (void)state;
    add_routes();
    rig_connect(&peer, "/a");
    ban(0xac);
    poison("x");
    stat_set(&bans.poisons[5].code, 0xac);
    assert_true(core_enforce_bans(rig.core));
    script_heard();
    rig_say(&peer, "x");
    assert_string_equal(script_heard(), "message:x ");
    rig_leave(&peer);
}

static int work_count;

static void work(void *arg)
{
    (void)arg;
    work_count++;
}

static void done(bay_route *route, void *arg, int status)
{
    (void)route;
    (void)arg;
    (void)status;
    fail();
}

static int defer(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    return bay_defer(bay_conn_route(conn), work, done, NULL);
}

static void work_ends_unheard(void **state)
{
    struct peer peer;

    (void)state;
    add_routes();
    rig_connect(&peer, "/a");
    script.on_message = defer;
    rig_say(&peer, "x");
    ban(0xab);
    core_enforce_bans(rig.core);
    rig_run_jobs();
    assert_int_equal(work_count, 1);
    rig_leave(&peer);
}

static void refuses_poison(void **state)
{
    struct peer peer;

    (void)state;
    add_routes();
    rig_connect(&peer, "/a");
    poison("bang");
    script_heard();
    rig_say(&peer, "bing");
    rig_say(&peer, "bangs");
    assert_string_equal(script_heard(), "message:bing message:bangs ");
    rig_say(&peer, "bang");
    rig_expect_close(&peer, 1011);
    assert_string_equal(script_heard(), "");
    assert_int_equal(stat_get(&rig.stats->routes[0].poisoned), 1);
    assert_non_null(strstr(caught_log(), "a message of 4 bytes is refused"));
    rig_leave(&peer);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(falls_silent),       TEST(never_begins),
        TEST(begins_anew),        TEST(stays_silent_if_it_cannot_start),
        TEST(other_code_goes_on), TEST(work_ends_unheard),
        TEST(refuses_poison),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
