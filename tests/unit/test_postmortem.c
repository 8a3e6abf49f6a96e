/* test_postmortem.c - what a worker does, and what it died of, in words */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "base/fnv.h"
#include "proc/postmortem.h"
#include "proc/remains.h"

static struct board *board;
static struct hook_now *now; /* of worker 1 */
static char text[512];

static int make(void **state)
{
    (void)state;
    board = board_create(2, 3);
    board_name(board, 0, "lobby", "chat");
    board_name(board, 1, "crash", "crasher");
    now = &board_stats(board, 1)->now;
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    board_destroy(board);
    return 0;
}

static void set(uint32_t hook, uint32_t route, uint64_t conn)
{
    atomic_store(&now->hook, hook);
    atomic_store(&now->route, route);
    stat_set(&now->conn, conn);
}

static const char *hook(void)
{
    return postmortem_hook(text, sizeof text, board, 1);
}

/* As waitpid gives them (glibc's bits/waitstatus.h). */
#define KILLED_BY(signal) (signal)
#define EXITED_WITH(code) ((code) << 8)

static const char *death(int status)
{
    return postmortem_death(text, sizeof text, board, 1, 77, status);
}

static void names_the_culprit(void **state)
{
    (void)state;
    set(HOOK_MESSAGE, 1, 281474976710657u);
    assert_string_equal(
        death(KILLED_BY(SIGSEGV)),
        "worker 1 (pid 77) killed by signal 11 (Segmentation fault) in the "
        "message hook of plugin crasher, [route.crash], connection "
        "281474976710657");
}

static void names_no_connection_where_there_is_none(void **state)
{
    (void)state;
    set(HOOK_START, 0, 0);
    assert_string_equal(death(EXITED_WITH(3)),
                        "worker 1 (pid 77) ended: exit(3) was called in the "
                        "start hook of plugin chat, [route.lobby]");
}

static void names_deferred_work(void **state)
{
    (void)state;
    set(HOOK_WORK, 1, 0);
    assert_string_equal(hook(),
                        "deferred work of plugin crasher, [route.crash]");
}

static void names_the_version(void **state)
{
    struct remains *remains = board_remains(board, 1);

    (void)state;
    set(HOOK_OPEN, 1, 0);
    remains->has_witness = 1;
    strcpy(remains->witness.plugin, "crasher");
    strcpy(remains->witness.version, "1.2");
    assert_string_equal(hook(),
                        "the open hook of plugin crasher 1.2, [route.crash]");
    strcpy(remains->witness.version, "1\n2");
    assert_string_equal(hook(),
                        "the open hook of plugin crasher 1, [route.crash]");
    memset(&remains->witness, 'x', sizeof remains->witness);
    assert_string_equal(hook(),
                        "the open hook of plugin crasher, [route.crash]");
}

static void names_nobody_where_no_hook_ran(void **state)
{
    (void)state;
    assert_string_equal(death(KILLED_BY(SIGKILL)),
                        "worker 1 (pid 77) killed by signal 9 (Killed)");
    assert_string_equal(hook(), "");
}

/* As long as it has connections, it may have been the old one. */
static void names_both_plugins_of_a_route(void **state)
{
    struct route_stats *stats = &board_stats(board, 1)->routes[0];

    (void)state;
    board_name(board, 0, "lobby", "talk");
    set(HOOK_CLOSE, 0, 0);
    assert_string_equal(hook(), "the close hook of plugin talk, [route.lobby]");
    stat_set(&stats->outdated, 1);
    assert_string_equal(hook(), "the close hook of plugin talk (or chat, which "
                                "it replaced), [route.lobby]");
    board_name(board, 0, "hall", "talk");
    assert_string_equal(hook(), "the close hook of plugin talk, [route.hall]");
}

static void tells_whose_doing_it_was(void **state)
{
    struct last_words *words;
    struct culprit culprit;

    (void)state;
    set(HOOK_MESSAGE, 1, 7);
    stat_set(&now->code, 0xab);
    assert_true(
        postmortem_culprit(&culprit, board, 1, KILLED_BY(SIGSEGV), false));
    assert_string_equal(culprit.plugin, "crasher");
    assert_string_equal(culprit.where, "the message hook of plugin crasher, "
                                       "[route.crash], connection 7");
    assert_int_equal(culprit.route, 1);
    assert_true(culprit.code == 0xab);
    assert_true(culprit.hash == 0 && culprit.len == 0);
    words = &board_stats(board, 1)->last_words;
    stat_set(&words->message_hash, 1234);
    stat_set(&words->message_len, 5);
    atomic_store(&words->signal, SIGSEGV);
    assert_true(
        postmortem_culprit(&culprit, board, 1, KILLED_BY(SIGSEGV), false));
    assert_true(culprit.hash == 1234 && culprit.len == 5);
    assert_true(postmortem_culprit(&culprit, board, 1, EXITED_WITH(0), false));
    assert_false(
        postmortem_culprit(&culprit, board, 1, KILLED_BY(SIGKILL), false));
    assert_true(
        postmortem_culprit(&culprit, board, 1, KILLED_BY(SIGTERM), false));
    assert_true(
        postmortem_culprit(&culprit, board, 1, KILLED_BY(SIGKILL), true));
    assert_true(culprit.hung);
    set(HOOK_NONE, 1, 7);
    assert_false(
        postmortem_culprit(&culprit, board, 1, KILLED_BY(SIGSEGV), false));
}

/* One that could not say so: its message is hashed as it would have. */
static void knows_a_message_by_the_copy(void **state)
{
    struct recent *recent = &board_remains(board, 1)->recent;
    const bay_message message = { .data = "boom", .len = 4, .fin = true };
    struct culprit culprit;

    (void)state;
    recent_add(recent, 1, 7, &message);
    set(HOOK_MESSAGE, 1, 7);
    stat_set(&now->message_len, 4);
    assert_true(postmortem_culprit(&culprit, board, 1, EXITED_WITH(0), false));
    assert_true(culprit.hash == fnv_hash(board->seed, "boom", 4));
    assert_int_equal(culprit.len, 4);
    set(HOOK_MESSAGE, 1, 8); /* it is another's */
    assert_true(postmortem_culprit(&culprit, board, 1, EXITED_WITH(0), false));
    assert_true(culprit.hash == 0);
    set(HOOK_TIMER, 1, 7);
    assert_true(postmortem_culprit(&culprit, board, 1, EXITED_WITH(0), false));
    assert_true(culprit.hash == 0);
    recent->list[0].len = UINT64_MAX;
    stat_set(&now->message_len, UINT64_MAX);
    set(HOOK_MESSAGE, 1, 7);
    assert_true(postmortem_culprit(&culprit, board, 1, EXITED_WITH(0), false));
    assert_true(culprit.hash == 0);
}

/* It left for want of descriptors; what was found before is on the board. */
static void tells_of_descriptors_that_were_closed(void **state)
{
    struct misdeed *misdeed = &board_stats(board, 1)->misdeed;
    struct culprit culprit;

    (void)state;
    atomic_store(&misdeed->found, 1);
    board_settle(board, 1);
    assert_string_equal(death(EXITED_WITH(0)),
                        "worker 1 (pid 77) exited with status 0, since "
                        "descriptors of the host were closed");
    assert_false(postmortem_culprit(&culprit, board, 1, EXITED_WITH(0), false));
    atomic_store(&misdeed->culprit.hook, HOOK_OPEN);
    atomic_store(&misdeed->culprit.route, 1);
    stat_set(&misdeed->culprit.code, 0xab);
    board_settle(board, 1);
    assert_string_equal(death(EXITED_WITH(0)),
                        "worker 1 (pid 77) exited with status 0, since "
                        "descriptors of the host were closed, as it seems in "
                        "the open hook of plugin crasher, [route.crash]");
    assert_true(postmortem_culprit(&culprit, board, 1, EXITED_WITH(0), false));
    assert_true(culprit.code == 0xab);
    set(HOOK_MESSAGE, 0, 0); /* it ran into something else before it left */
    board_settle(board, 1);
    assert_string_equal(death(EXITED_WITH(3)),
                        "worker 1 (pid 77) ended: exit(3) was called in the "
                        "message hook of plugin chat, [route.lobby]");
    board_bury(board, 1);
    assert_int_equal(atomic_load(&misdeed->culprit.hook), HOOK_NONE);
}

/* The dead may have written anything there. */
static void distrusts_the_dead(void **state)
{
    (void)state;
    set(0xffffffff, 0, 0);
    assert_string_equal(hook(), "");
    set(HOOK_COUNT, 0, 0);
    assert_string_equal(hook(), "");
    set(HOOK_OPEN, 3, 0);
    assert_string_equal(hook(), "");
    set(HOOK_OPEN, 1, UINT64_MAX);
    assert_int_equal(strlen(postmortem_hook(text, 16, board, 1)), 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_the_culprit, make, unmake),
        cmocka_unit_test_setup_teardown(names_no_connection_where_there_is_none,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(names_deferred_work, make, unmake),
        cmocka_unit_test_setup_teardown(names_the_version, make, unmake),
        cmocka_unit_test_setup_teardown(names_nobody_where_no_hook_ran, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(names_both_plugins_of_a_route, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(tells_whose_doing_it_was, make, unmake),
        cmocka_unit_test_setup_teardown(knows_a_message_by_the_copy, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(tells_of_descriptors_that_were_closed,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(distrusts_the_dead, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
