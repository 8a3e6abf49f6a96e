/* test_jobs.c - deferred work runs, finishes as a hook, and can be canceled */
#include "core_script.h"

#include "base/clock.h"
#include "caught_log.h"

static int worked, finished, last_status;

static void work(void *arg)
{
    (void)arg;
    worked++;
}

static void done(bay_route *route, void *arg, int status)
{
    assert_string_equal(bay_route_name(route), "one");
    assert_ptr_equal(arg, &worked);
    finished++;
    last_status = status;
}

static void runs_and_finishes(void **state)
{
    struct peer peer;
    bay_route *route;

    (void)state;
    worked = finished = 0;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    assert_int_equal(bay_defer(route, work, done, &worked), BAY_OK);
    assert_int_equal(bay_defer(route, work, NULL, NULL), BAY_OK);
    assert_int_equal(bay_defer(route, NULL, done, NULL), BAY_EINVAL);
    assert_int_equal(core_jobs(rig.core), 2);
    assert_int_equal(stat_get(&rig.stats->jobs_queued), 2);
    core_turn(rig.core);
    assert_int_equal(finished, 0);
    rig_run_jobs();
    assert_int_equal(worked, 2);
    assert_int_equal(finished, 1);
    assert_int_equal(last_status, BAY_OK);
    assert_int_equal(core_jobs(rig.core), 0);
    rig_leave(&peer);
    script_heard();
}

static uint64_t long_ones[2];

static void takes_long(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        core_check_jobs(rig.core, clock_coarse_ms() + JOB_LONG_MS - 1000 +
                                      2000u * (unsigned)i);
        long_ones[i] = stat_get(&rig.stats->jobs_long);
    }
}

/* As the worker's timer looks, while one runs and the other waits. */
static void that_does_not_end_is_seen(void **state)
{
    struct peer peer;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    caught_log_begin();
    assert_int_equal(bay_defer(route, takes_long, NULL, NULL), BAY_OK);
    assert_int_equal(bay_defer(route, work, NULL, NULL), BAY_OK);
    rig_run_jobs();
    assert_int_equal(long_ones[0], 0);
    assert_int_equal(long_ones[1], 1);
    assert_int_equal(
        caught_log_count("[one/script]: deferred work runs for over 60"), 1);
    caught_log_end();
    core_check_jobs(rig.core, clock_coarse_ms() + JOB_LONG_MS);
    assert_int_equal(stat_get(&rig.stats->jobs_long), 0);
    rig_leave(&peer);
    script_heard();
}

static struct hook_now blamed;

static void blame(void *arg)
{
    (void)arg;
    core_blame_thread(rig.core, &blamed);
    worked++;
}

/* As a signal handler asks for it, in the thread. */
static void is_blamed(void **state)
{
    struct peer peer;

    (void)state;
    worked = 0;
    rig_route("/other", &script_plugin);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    assert_int_equal(
        bay_defer(bay_conn_route(&peer.conn->handle), blame, NULL, NULL),
        BAY_OK);
    rig_run_jobs();
    assert_int_equal(worked, 1);
    assert_int_equal(atomic_load(&blamed.hook), HOOK_WORK);
    assert_int_equal(atomic_load(&blamed.route), 1);
    assert_int_equal(stat_get(&blamed.conn), 0);
    memset(&blamed, 0, sizeof blamed);
    core_blame_thread(rig.core, &blamed);
    assert_int_equal(atomic_load(&blamed.hook), HOOK_NONE);
    rig_leave(&peer);
    script_heard();
}

static void canceled(void **state)
{
    struct peer peer;

    (void)state;
    worked = finished = 0;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    assert_int_equal(
        bay_defer(bay_conn_route(&peer.conn->handle), work, done, &worked),
        BAY_OK);
    core_cancel_jobs(rig.core);
    core_turn(rig.core);
    assert_int_equal(worked, 0);
    assert_int_equal(finished, 1);
    assert_int_equal(last_status, BAY_ECANCELED);
    assert_int_equal(
        bay_defer(bay_conn_route(&peer.conn->handle), work, done, &worked),
        BAY_ESTATE); /* the worker ends */
    rig_leave(&peer);
    script_heard();
}

/* The pool takes no more: the plugin hears of it, and done is not called. */
static void refused(void **state)
{
    struct peer peer;
    bay_route *route;
    int status, taken = 0;

    (void)state;
    worked = finished = 0;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    while ((status = bay_defer(route, work, done, &worked)) == BAY_OK) {
        taken++;
    }
    assert_int_equal(status, BAY_ENOMEM);
    rig_run_jobs();
    assert_int_equal(finished, taken);
    rig.core->job_count = JOBS_MAX;
    assert_int_equal(bay_defer(route, work, done, &worked), BAY_EFULL);
    rig.core->job_count = 0;
    rig_leave(&peer);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(runs_and_finishes), SCRIPT_TEST(that_does_not_end_is_seen),
        SCRIPT_TEST(is_blamed),         SCRIPT_TEST(canceled),
        SCRIPT_TEST(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
