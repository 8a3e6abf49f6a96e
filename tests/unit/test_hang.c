/* test_hang.c - does a worker still get on with it? */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/hang.h"

static struct hang hang;
static struct worker_stats stats;
static struct conf_route routes[2];
static struct conf conf, next;
static struct hang_rule rule;
static char why[160];

static int make(void **state)
{
    (void)state;
    memset(&stats, 0, sizeof stats);
    hang = (struct hang){ 0 };
    routes[0] =
        (struct conf_route){ .slot = 3, .limits.hook_timeout_ms = 20000 };
    routes[1] = (struct conf_route){ .slot = 1 }; /* never */
    conf = (struct conf){ .limits.hook_timeout_ms = 10000,
                          .routes = routes,
                          .route_count = 2 };
    next = (struct conf){ .limits.hook_timeout_ms = 30000 };
    rule = (struct hang_rule){ .conf = &conf, .beats = true };
    return 0;
}

static void enter(uint32_t route, uint64_t since_ms)
{
    atomic_store(&stats.now.route, route);
    stat_set(&stats.now.since_ms, since_ms);
    atomic_store(&stats.now.hook, HOOK_TIMER);
}

static bool look(uint64_t elapsed_ms)
{
    return hang_look(&hang, &stats, &rule, getpid(), elapsed_ms, why,
                     sizeof why);
}

/* One that began after the first look, by a clock that may not get there. */
static void counts_what_it_saw(void **state)
{
    (void)state;
    enter(7, clock_coarse_ms() + 60000); /* of no route that is there */
    assert_false(look(1000));
    for (int i = 0; i < 9; i++) {
        assert_false(look(1000));
    }
    assert_true(look(1001));
    assert_string_equal(why, "the timer hook has not returned for 10001 ms "
                             "(hook_timeout is 10000 ms)");
}

/* One that began long ago by the clock, while the master stood still. */
static void does_not_count_what_nobody_saw(void **state)
{
    (void)state;
    enter(7, 1);
    assert_false(look(1000));
    assert_int_equal(hang.for_ms, 1000);
    assert_false(look(9000));
    assert_true(look(1));
}

static void begins_anew_with_each_call(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 20; i++) {
        enter(7, i);
        assert_false(look(9000));
    }
}

static void has_a_limit_for_each_route(void **state)
{
    (void)state;
    enter(3, 1);
    assert_false(look(19000));
    assert_true(look(1001));
    make(NULL);
    enter(1, 1);
    for (int i = 0; i < 100; i++) {
        assert_false(look(10000));
    }
}

/* Clients wait for a worker that serves, whatever its hooks are there for. */
static void spares_nobody_who_serves(void **state)
{
    static const enum hook hooks[] = { HOOK_START, HOOK_RELOAD, HOOK_STOP };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        enter(7, i + 1);
        atomic_store(&stats.now.hook, hooks[i]);
        assert_false(look(10000));
        assert_true(look(1));
    }
}

static void lets_workers_take_their_time_to_start(void **state)
{
    (void)state;
    rule.beats = false;
    enter(7, 1);
    atomic_store(&stats.now.hook, HOOK_START);
    assert_false(look(60000));
    assert_true(look(1));
    assert_string_equal(why, "the start hook has not returned for 60001 ms "
                             "(the limit before a worker serves is 60000 ms)");
    conf.limits.hook_timeout_ms = 70000;
    assert_false(look(9000));
    assert_true(look(1000));
    assert_non_null(strstr(why, "(hook_timeout is 70000 ms)"));
    conf.limits.hook_timeout_ms = 0;
    assert_false(look(100000));
}

/* A reload may bring a hook, and the time it needs. */
static void looks_ahead_in_a_reload(void **state)
{
    (void)state;
    rule.next = &next;
    enter(7, 1);
    atomic_store(&stats.now.hook, HOOK_START);
    assert_false(look(30000));
    assert_true(look(1));
    enter(7, 2);
    assert_false(look(10000));
    assert_true(look(1));
}

static void listens_for_heartbeats(void **state)
{
    (void)state;
    stat_set(&stats.heartbeat_ms, 1);
    assert_false(look(9000));
    stat_set(&stats.heartbeat_ms, 2);
    assert_false(look(9000));
    assert_false(look(1000));
    assert_true(look(1));
    assert_string_equal(why, "no hook runs, but it has not come back to its "
                             "loop for 10001 ms");
    rule.beats = false;
    assert_false(look(60000));
}

static void spares_who_is_stopped(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    enter(7, 1);
    assert_false(look(9000));
    assert_false(hang_look(&hang, &stats, &rule, pid, 9000, why, sizeof why));
    assert_int_equal(hang.for_ms, 0); /* as if it had begun now */
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static void looks_often_enough(void **state)
{
    (void)state;
    assert_int_equal(hang_period_ms(&conf), 1000);
    routes[1].limits.hook_timeout_ms = 400;
    assert_int_equal(hang_period_ms(&conf), 100);
    routes[1].limits.hook_timeout_ms = 0;
    conf.limits.hook_timeout_ms = 0;
    assert_int_equal(hang_period_ms(&conf), 1000);
    routes[0].limits.hook_timeout_ms = 0;
    assert_int_equal(hang_period_ms(&conf), 0);
    assert_int_equal(hang_elapsed(100, 1100, 1000), 1000);
    assert_int_equal(hang_elapsed(100, 900100, 1000), 2000);
    assert_int_equal(hang_elapsed(200, 100, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counts_what_it_saw, make),
        cmocka_unit_test_setup(does_not_count_what_nobody_saw, make),
        cmocka_unit_test_setup(begins_anew_with_each_call, make),
        cmocka_unit_test_setup(has_a_limit_for_each_route, make),
        cmocka_unit_test_setup(spares_nobody_who_serves, make),
        cmocka_unit_test_setup(lets_workers_take_their_time_to_start, make),
        cmocka_unit_test_setup(looks_ahead_in_a_reload, make),
        cmocka_unit_test_setup(listens_for_heartbeats, make),
        cmocka_unit_test_setup(spares_who_is_stopped, make),
        cmocka_unit_test_setup(looks_often_enough, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
