/* test_postmortem.c - what a worker does, and what it died of, in words */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "proc/postmortem.h"

static struct conf_route routes[] = {
    { .name = (char[]){ "lobby" }, .plugin = (char[]){ "chat" } },
    { .name = (char[]){ "crash" }, .plugin = (char[]){ "crasher" } },
};
static const struct conf conf = { .routes = routes, .route_count = 2 };

/* As waitpid gives them (glibc's bits/waitstatus.h). */
#define KILLED_BY(signal) (signal)
#define EXITED_WITH(code) ((code) << 8)

static void names_the_culprit(void **state)
{
    struct worker_stats stats = {
        .now = { .hook = HOOK_MESSAGE, .route = 1, .conn = 281474976710657u }
    };
    char text[512];

    (void)state;
    assert_string_equal(
        postmortem_death(text, sizeof text, 1, 77, KILLED_BY(SIGSEGV), &stats,
                         &conf),
        "worker 1 (pid 77) killed by signal 11 (Segmentation fault) in the "
        "message hook of plugin crasher, [route.crash], connection "
        "281474976710657");
}

static void names_no_connection_where_there_is_none(void **state)
{
    struct worker_stats stats = { .now = { .hook = HOOK_START } };
    char text[512];

    (void)state;
    assert_string_equal(
        postmortem_death(text, sizeof text, 0, 5, EXITED_WITH(3), &stats,
                         &conf),
        "worker 0 (pid 5) exited with status 3 in the start hook of plugin "
        "chat, [route.lobby]");
}

static void names_nobody_where_no_hook_ran(void **state)
{
    struct worker_stats stats = { 0 };
    char text[512];

    (void)state;
    assert_string_equal(postmortem_death(text, sizeof text, 0, 5,
                                         KILLED_BY(SIGKILL), &stats, &conf),
                        "worker 0 (pid 5) killed by signal 9 (Killed)");
    assert_string_equal(postmortem_hook(text, sizeof text, &stats, &conf), "");
}

/* The dead may have written anything there. */
static void distrusts_the_dead(void **state)
{
    struct worker_stats stats = { .now = { .hook = 0xffffffff } };
    char text[16];

    (void)state;
    assert_string_equal(postmortem_hook(text, sizeof text, &stats, &conf), "");
    atomic_store(&stats.now.hook, HOOK_COUNT);
    assert_string_equal(postmortem_hook(text, sizeof text, &stats, &conf), "");
    atomic_store(&stats.now.hook, HOOK_OPEN);
    atomic_store(&stats.now.route, 2);
    assert_string_equal(postmortem_hook(text, sizeof text, &stats, &conf), "");
    atomic_store(&stats.now.route, 1);
    stat_set(&stats.now.conn, UINT64_MAX);
    assert_int_equal(strlen(postmortem_hook(text, sizeof text, &stats, &conf)),
                     sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_culprit),
        cmocka_unit_test(names_no_connection_where_there_is_none),
        cmocka_unit_test(names_nobody_where_no_hook_ran),
        cmocka_unit_test(distrusts_the_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
