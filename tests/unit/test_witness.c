/* test_witness.c - whom a hook ran for when it crashed */
#include "core/witness.h"
#include "core_script.h"

static struct witness witness;
static struct recent recent;
static bool told;

static int tell(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    told = witness_tell(&witness, rig.core, true);
    return 0;
}

static void of_a_connection(void **state)
{
    struct peer peer;

    (void)state;
    core_set_recent(rig.core, &recent);
    rig_route("/other", &script_plugin);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    script.on_message = tell;
    rig_say(&peer, "hello");
    assert_true(told);
    assert_string_equal(witness.plugin, script_plugin.name);
    assert_string_equal(witness.version, script_plugin.version != NULL
                                             ? script_plugin.version
                                             : "");
    assert_string_equal(witness.route, "two");
    assert_string_equal(witness.path, "/a");
    assert_int_equal(witness.conn, peer.conn->id);
    assert_string_equal(witness.remote, peer.conn->remote);
    assert_int_equal(witness.messages_in, 1);
    assert_int_equal(witness.bytes_in, 5);
    assert_int_equal(recent.count, 1);
    assert_memory_equal(recent.list[0].data, "hello", 5);
    assert_int_equal(recent.list[0].conn, peer.conn->id);
    core_set_recent(rig.core, NULL);
    rig_say(&peer, "more");
    assert_int_equal(recent.count, 1);
    rig_leave(&peer);
    script_heard();
}

static void of_nobody(void **state)
{
    struct peer peer;

    (void)state;
    witness = (struct witness){ .conn = 0 };
    rig_route("/a", &script_plugin);
    assert_false(witness_tell(&witness, rig.core, false));
    rig_connect(&peer, "/a");
    assert_false(witness_tell(&witness, rig.core, true));
    assert_string_equal(witness.plugin, "");
    rig_leave(&peer);
    script_heard();
}

static void tell_of_work(void *arg)
{
    (void)arg;
    told = witness_tell(&witness, rig.core, false);
}

static void of_deferred_work(void **state)
{
    struct peer peer;

    (void)state;
    witness = (struct witness){ .conn = 0 };
    told = false;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    assert_int_equal(
        bay_defer(bay_conn_route(&peer.conn->handle), tell_of_work, NULL, NULL),
        BAY_OK);
    rig_run_jobs();
    assert_true(told);
    assert_string_equal(witness.plugin, script_plugin.name);
    assert_int_equal(witness.conn, 0);
    rig_leave(&peer);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(of_a_connection),
        SCRIPT_TEST(of_nobody),
        SCRIPT_TEST(of_deferred_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
