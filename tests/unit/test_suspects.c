/* test_suspects.c - which plugins ran since somebody last asked */
#include "core_script.h"

static struct core_ran ran;
static struct peer peers[2];

static void begin(void)
{
    rig_route("/a", &script_plugin);
    rig_route("/b", &script_plugin);
    rig_connect(&peers[0], "/a");
    rig_connect(&peers[1], "/b");
    peers[1].conn->instance->code = 7;
    core_forget_ran(rig.core);
}

static void end(void)
{
    rig_leave(&peers[0]);
    rig_leave(&peers[1]);
    script_heard();
}

static unsigned count(void)
{
    core_tell_ran(rig.core, &ran);
    return ran.plugins;
}

static void tells_of_one(void **state)
{
    (void)state;
    begin();
    assert_int_equal(count(), 0);
    assert_string_equal(ran.names, "");
    rig_say(&peers[1], "x");
    assert_int_equal(count(), 1);
    assert_int_equal(ran.code, 7);
    assert_int_equal(ran.route, 1);
    assert_int_equal(ran.hook, HOOK_MESSAGE);
    assert_string_equal(ran.names, script_plugin.name);
    core_forget_ran(rig.core);
    assert_int_equal(count(), 0);
    end();
}

static void tells_of_several(void **state)
{
    char both[64];

    (void)state;
    begin();
    rig_say(&peers[0], "x");
    rig_say(&peers[1], "x");
    snprintf(both, sizeof both, "%s, %s", script_plugin.name,
             script_plugin.name);
    assert_int_equal(count(), 2);
    assert_string_equal(ran.names, both);
    core_forget_ran(rig.core);
    assert_int_equal(count(), 0);
    end();
}

/* One plugin on two routes is one plugin. */
static void counts_by_code(void **state)
{
    (void)state;
    begin();
    peers[1].conn->instance->code = peers[0].conn->instance->code;
    rig_say(&peers[0], "x");
    rig_say(&peers[1], "x");
    assert_int_equal(count(), 1);
    end();
}

static void work(void *arg)
{
    (void)arg;
}

/* As long as it has not ended it may be what did it. */
static void counts_deferred_work(void **state)
{
    (void)state;
    begin();
    assert_int_equal(
        bay_defer(bay_conn_route(&peers[1].conn->handle), work, NULL, NULL),
        BAY_OK);
    core_forget_ran(rig.core);
    assert_int_equal(count(), 1);
    assert_int_equal(ran.hook, HOOK_WORK);
    rig_run_jobs();
    assert_int_equal(count(), 1);
    assert_int_equal(ran.hook, HOOK_WORK);
    core_forget_ran(rig.core);
    assert_int_equal(count(), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(tells_of_one),
        SCRIPT_TEST(tells_of_several),
        SCRIPT_TEST(counts_by_code),
        SCRIPT_TEST(counts_deferred_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
