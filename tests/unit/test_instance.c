/* test_instance.c - one plugin on several routes: each has its own */
#include "core_script.h"

static struct instance *at(const char *path)
{
    struct instance *instance = core_find_route(rig.core, path);

    assert_non_null(instance);
    return instance;
}

static void each_has_its_own(void **state)
{
    const struct conf_route *one, *two;
    char *data;

    (void)state;
    one = rig_route("/a", &script_plugin);
    two = rig_route("/b", &script_plugin);
    assert_ptr_equal(instance_conf(at("/a")), one);
    assert_ptr_equal(instance_conf(at("/b")), two);
    assert_string_equal(instance_plugin(at("/a"))->name, "script");
    assert_ptr_equal(instance_core(at("/b")), rig.core);
    assert_ptr_equal(instance_stats(at("/a")), &rig.stats->routes[0]);
    assert_ptr_equal(instance_stats(at("/b")), &rig.stats->routes[1]);
    data = bay_route_data(&at("/a")->handle);
    assert_ptr_not_equal(data, bay_route_data(&at("/b")->handle));
    for (size_t i = 0; i < script_plugin.route_size; i++) {
        assert_int_equal(data[i], 0);
    }
    assert_string_equal(script_heard(), "start start ");
    rig_finish();
    assert_string_equal(script_heard(), "stop stop ");
    rig_init();
}

static void without_a_block(void **state)
{
    static const bay_plugin bare = { .name = "bare" };
    struct peer peer;

    (void)state;
    rig_route("/a", &bare);
    rig_connect(&peer, "/a");
    assert_null(bay_route_data(&at("/a")->handle));
    assert_null(bay_conn_data(&peer.conn->handle));
    rig_leave(&peer);
}

/* Each connection's block is its own, and empty, whoever had one before. */
static void blocks_of_connections(void **state)
{
    struct peer peers[3];

    (void)state;
    rig_route("/a", &script_plugin);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) {
            unsigned char *data;

            rig_connect(&peers[i], "/a");
            data = bay_conn_data(&peers[i].conn->handle);
            for (size_t k = 0; k < script_plugin.conn_size; k++) {
                assert_int_equal(data[k], 0);
            }
            memset(data, 'a' + i, script_plugin.conn_size);
        }
        for (int i = 0; i < 3; i++) {
            const unsigned char *data = bay_conn_data(&peers[i].conn->handle);

            assert_int_equal(data[0], 'a' + i);
            assert_int_equal(data[script_plugin.conn_size - 1], 'a' + i);
            rig_leave(&peers[i]);
        }
    }
    script_heard();
}

/* The order in the file does not matter. */
static void routes_in_any_order(void **state)
{
    static const char *const orders[][4] = {
        { "/*", "/x/*", "/x/y", "/x/y*" },
        { "/x/y*", "/x/y", "/x/*", "/*" },
        { "/x/y", "/*", "/x/y*", "/x/*" },
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (int k = 0; k < 4; k++) {
            rig_route(orders[i][k], &script_plugin);
        }
        assert_string_equal(instance_conf(at("/x/y"))->path, "/x/y");
        assert_string_equal(instance_conf(at("/x/yz"))->path, "/x/y*");
        assert_string_equal(instance_conf(at("/x/z"))->path, "/x/*");
        assert_string_equal(instance_conf(at("/z"))->path, "/*");
        rig_finish();
        rig_init();
    }
    script_heard();
}

static void more_routes_than_there_can_be(void **state)
{
    static struct conf_route routes[CONF_MAX_ROUTES + 1];
    static char paths[CONF_MAX_ROUTES + 1][8];
    static const bay_plugin bare = { .name = "bare" };
    char why[100] = "";

    (void)state;
    rig.stats =
        realloc(rig.stats, sizeof *rig.stats + sizeof(struct route_stats) *
                                                   (CONF_MAX_ROUTES + 1));
    rig.core->setup.stats = rig.stats;
    for (unsigned i = 0; i <= CONF_MAX_ROUTES; i++) {
        snprintf(paths[i], sizeof paths[i], "/%u", i);
        routes[i].name = routes[i].path = paths[i];
        routes[i].path_len = strlen(paths[i]);
        assert_int_equal(
            core_add_route(
                rig.core,
                &(struct core_route){ .conf = &routes[i], .plugin = &bare },
                why, sizeof why),
            i < CONF_MAX_ROUTES ? 0 : -1);
    }
    assert_string_equal(why, "more than 256 routes");
    assert_string_equal(instance_conf(at("/255"))->path, "/255");
    assert_null(core_find_route(rig.core, "/256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(each_has_its_own),
        SCRIPT_TEST(without_a_block),
        SCRIPT_TEST(blocks_of_connections),
        SCRIPT_TEST(routes_in_any_order),
        SCRIPT_TEST(more_routes_than_there_can_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
