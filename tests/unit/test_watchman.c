/* test_watchman.c - workers that hang are ended, first politely */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "caught_log.h"
#include "proc/remains.h"
#include "proc/watchman.h"

static struct poller poller;
static struct board *board;
static struct conf conf;
static const struct conf *conf_now = &conf;
static const struct conf *conf_next;
static struct watchman *watchman;

static int make(void **state)
{
    (void)state;
    caught_log_begin();
    conf.limits.hook_timeout_ms = 100;
    board = board_create(2, 1);
    board_name(board, 0, "lobby", "chat");
    watchman = watchman_create(&poller, board, &conf_now, &conf_next);
    return watchman == NULL;
}

static int unmake(void **state)
{
    (void)state;
    watchman_destroy(watchman);
    watchman_destroy(NULL);
    poller_finish(&poller);
    board_destroy(board);
    caught_log_end();
    return 0;
}

/* A worker in a hook that does not return. */
static pid_t begin(bool deaf)
{
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGABRT, deaf ? SIG_IGN : SIG_DFL);
        for (;;) {
            pause();
        }
    }
    board_begin(board, 1, (int)pid);
    stat_set(&board_stats(board, 1)->now.since_ms, clock_coarse_ms());
    atomic_store(&board_stats(board, 1)->now.hook, HOOK_OPEN);
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, WNOHANG) != pid) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    return status;
}

static void is_aborted(void **state)
{
    pid_t pid = begin(false);
    int status;

    (void)state;
    assert_null(watchman_why(watchman, 1));
    status = wait_for(pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(watchman_why(watchman, 1),
                           "the open hook has not returned for "));
    assert_null(watchman_why(watchman, 0));
    assert_null(watchman_why(NULL, 1));
    assert_int_equal(caught_log_count("hangs in the open hook of plugin chat, "
                                      "[route.lobby]: the open hook has"),
                     1);
    board_bury(board, 1);
    assert_null(watchman_why(watchman, 1));
}

static void is_killed(void **state)
{
    int status = wait_for(begin(true));

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_int_equal(caught_log_count("does not even abort, since SIGABRT is "
                                      "ignored by it: killed"),
                     1);
    /* From outside, where that is allowed. */
    assert_non_null(
        strstr(watchman_why(watchman, 1), "SIGABRT is ignored by it"));
    assert_int_equal(
        board_remains(board, 1)->wall_ms != 0,
        strstr(watchman_why(watchman, 1), "was read from outside") != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_aborted, make, unmake),
        cmocka_unit_test_setup_teardown(is_killed, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
