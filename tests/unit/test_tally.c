/* test_tally.c - crashes and hangs are counted by plugin */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/tally.h"

static struct tally *tally;

static int make(void **state)
{
    (void)state;
    tally = tally_create();
    return tally != NULL ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    tally_destroy(tally);
    return 0;
}

static void expect(const char *plugin, uint64_t crashes, uint64_t hangs)
{
    const struct tally_plugin *place = tally_find(tally, plugin);

    assert_non_null(place);
    assert_int_equal(stat_get(&place->crashes), crashes);
    assert_int_equal(stat_get(&place->hangs), hangs);
}

static void counts_by_plugin(void **state)
{
    size_t at = 0;

    (void)state;
    assert_null(tally_next(tally, &at));
    tally_crash(tally, "chat", false);
    tally_crash(tally, "echo", true);
    tally_crash(tally, "chat", true);
    expect("chat", 2, 1);
    expect("echo", 1, 1);
    assert_null(tally_find(tally, "other"));
    at = 0;
    assert_string_equal(tally_next(tally, &at)->name, "chat");
    assert_string_equal(tally_next(tally, &at)->name, "echo");
    assert_null(tally_next(tally, &at));
}

static void has_a_place_for_all_others(void **state)
{
    char name[32];
    size_t at = 0, count = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "plugin%d", i);
        tally_crash(tally, name, false);
    }
    while (tally_next(tally, &at) != NULL) {
        count++;
    }
    assert_int_equal(count, TALLY_PLUGINS);
    expect("plugin62", 1, 0);
    expect(TALLY_OTHERS, 37, 0);
}

static void counts_reports_and_hangs(void **state)
{
    (void)state;
    tally_hang(tally);
    tally_report(tally, true);
    tally_report(tally, true);
    tally_report(tally, false);
    assert_int_equal(stat_get(&tally->hangs), 1);
    assert_int_equal(stat_get(&tally->reports_written), 2);
    assert_int_equal(stat_get(&tally->reports_suppressed), 1);
}

static void counts_those_that_are_recycled(void **state)
{
    (void)state;
    tally_recycle(tally, RECYCLE_REQUESTS);
    tally_recycle(tally, RECYCLE_REQUESTS);
    tally_recycle(NULL, RECYCLE_MEMORY);
    assert_int_equal(stat_get(&tally->recycled[RECYCLE_REQUESTS]), 2);
    assert_int_equal(stat_get(&tally->recycled[RECYCLE_MEMORY]), 0);
    assert_string_equal(tally_recycle_key(RECYCLE_MEMORY), "max_memory");
    assert_string_equal(tally_recycle_key(RECYCLE_REQUESTS), "max_requests");
}

/* What the master counts later is seen; what the child counts is its end. */
static void is_read_by_children(void **state)
{
    int ends[2];
    char byte = 0;
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        tally_forget(tally);
        if (read(ends[0], &byte, 1) != 1 || stat_get(&tally->hangs) != 1) {
            _exit(1);
        }
        _exit(0);
    }
    tally_hang(tally);
    assert_int_equal(write(ends[1], &byte, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
}

static void may_be_missing(void **state)
{
    size_t at = 0;

    (void)state;
    tally_crash(NULL, "chat", true);
    tally_hang(NULL);
    tally_report(NULL, true);
    tally_forget(NULL);
    tally_destroy(NULL);
    assert_null(tally_find(NULL, "chat"));
    assert_null(tally_next(NULL, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_by_plugin, make, unmake),
        cmocka_unit_test_setup_teardown(has_a_place_for_all_others, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(counts_reports_and_hangs, make, unmake),
        cmocka_unit_test_setup_teardown(counts_those_that_are_recycled, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(is_read_by_children, make, unmake),
        cmocka_unit_test(may_be_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
