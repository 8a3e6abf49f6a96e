/* test_summary.c - the last line of a test, and what main returns */
#include "puppet.h"

#include <sys/wait.h>
#include <unistd.h>

static void all_hold(void)
{
    BAY_EXPECT(true);
    BAY_EXPECT_EQUAL(1, 1);
}

static void nothing(void)
{
}

static void one_fails(void)
{
    BAY_EXPECT(true);
    BAY_EXPECT(1 > 2);
}

static int sets_timer(bay_conn *conn)
{
    return bay_timer_set(bay_conn_route(conn), bay_conn_id(conn), 60000);
}

static void complaint(void)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);

    puppet.open = sets_timer;
    BAY_EXPECT_STATUS(puppet_connect(test), 101);
    bay_test_free(test);
}

static void not_freed(void)
{
    BAY_EXPECT_STATUS(puppet_connect(bay_test_new(&puppet_plugin, NULL)), 101);
}

static void does_not_start(void)
{
    BAY_EXPECT_SILENT(puppet_connect(bay_test_new(NULL, NULL)));
}

/* Runs body and the summary in a child, which writes to a pipe. */
static int run(void (*body)(void), int stream, char *out, size_t size)
{
    int ends[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], stream);
        bay_expect_report(NULL);
        body();
        _exit(bay_test_summary("dice"));
    }
    close(ends[1]);
    while ((n = read(ends[0], out + len, size - 1 - len)) > 0) {
        len += (size_t)n;
    }
    out[len] = '\0';
    close(ends[0]);
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(void (*body)(void), int code, const char *line)
{
    char out[4096];

    assert_int_equal(run(body, STDOUT_FILENO, out, sizeof out), code);
    assert_string_equal(out, line);
}

static void says_what_came_of_it(void **state)
{
    (void)state;
    expect(all_hold, 0, "dice: 2 expectations, all held\n");
    expect(nothing, 1, "dice: 0 expectations: nothing was tested\n");
    expect(one_fails, 1, "dice: 2 expectations; 1 failures, 0 complaints\n");
    expect(complaint, 1, "dice: 1 expectations; 0 failures, 1 complaints\n");
    expect(not_freed, 1, "dice: 1 expectations; 1 failures, 0 complaints\n");
    expect(does_not_start, 1,
           "dice: 1 expectations; 2 failures, 0 complaints\n");
}

static void failures_go_to_standard_error(void **state)
{
    char out[4096];

    (void)state;
    run(one_fails, STDERR_FILENO, out, sizeof out);
    assert_non_null(strstr(out, "test_summary.c:"));
    assert_non_null(strstr(out, "1 > 2\n    got:    false\n"));
    run(complaint, STDERR_FILENO, out, sizeof out);
    assert_non_null(strstr(out, "puppet: complaint: the timer of"));
}

static int warns(bay_conn *conn)
{
    bay_conn_log(conn, BAY_INFO, "in the dark");
    bay_conn_log(conn, BAY_WARN, "in the light");
    return 0;
}

static void logs(void)
{
    bay_test *test;

    bay_test_print_log(BAY_WARN);
    puppet.open = warns;
    test = bay_test_new(&puppet_plugin, NULL);
    puppet_connect(test);
    bay_test_free(test);
}

static void warnings_go_to_standard_error(void **state)
{
    char out[4096];

    (void)state;
    run(logs, STDERR_FILENO, out, sizeof out);
    assert_non_null(strstr(out, "puppet: warn #"));
    assert_non_null(strstr(out, ": in the light\n"));
    assert_null(strstr(out, "in the dark"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(says_what_came_of_it),
        PUPPET_TEST(failures_go_to_standard_error),
        PUPPET_TEST(warnings_go_to_standard_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
