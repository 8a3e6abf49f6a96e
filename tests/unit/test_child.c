/* test_child.c - work in forked children that crash, hang, exit and talk */
#include "plugin/child.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define MANY ((size_t)300000) /* bytes: more than a pipe holds */

/* One child: what it does, and what came of it. */
struct job {
    void (*work)(int fd);
    struct child_end end;
    unsigned ends;
    char said[64]; /* "tag:text " for each record */
    size_t bytes;
};

static void run(void *arg, int fd)
{
    const struct job *job = arg;

    job->work(fd);
}

static void ended(void *arg, const struct child_end *end,
                  const struct buf *said)
{
    struct job *job = arg;
    struct child_record record;
    size_t at = 0;

    job->end = *end;
    job->ends++;
    while (child_next(said, &at, &record)) {
        size_t len = strlen(job->said);

        job->bytes += record.len;
        snprintf(job->said + len, sizeof job->said - len, "%d:%.*s ",
                 record.tag, record.len > 9 ? 9 : (int)record.len, record.data);
    }
}

static void start(struct child_set *set, struct job *job)
{
    child_start(set, &(struct child_work){ run, ended, job });
}

static struct job do_one(void (*work)(int fd), uint64_t timeout_ms)
{
    struct child_set set = { .timeout_ms = timeout_ms };
    struct job job = { .work = work };

    start(&set, &job);
    child_wait(&set);
    assert_int_equal(job.ends, 1);
    assert_int_equal(set.count, 0);
    /* No zombie. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return job;
}

static void talk(int fd)
{
    child_say(fd, 7, "seven", 5);
    child_say(fd, 0, NULL, 0);
    child_say(fd, 8, "eight", 5);
}

static void test_says_records(void **state)
{
    struct job job = do_one(talk, 5000);

    (void)state;
    assert_int_equal(job.end.how, CHILD_DONE);
    assert_string_equal(job.said, "7:seven 0: 8:eight ");
}

static void say_much(int fd)
{
    static char text[MANY];

    memset(text, 'x', sizeof text);
    child_say(fd, 1, text, sizeof text);
    child_say(fd, 2, text, sizeof text);
}

static void test_says_much(void **state)
{
    struct job job = do_one(say_much, 5000);

    (void)state;
    assert_int_equal(job.end.how, CHILD_DONE);
    assert_int_equal(job.bytes, 2 * MANY);
}

static void talk_and_exit(int fd)
{
    struct {
        int tag;
        uint32_t len;
    } half = { 9, 100 };

    child_say(fd, 7, "seven", 5);
    /* A record that lacks its end is none. */
    assert_int_equal(write(fd, &half, sizeof half), sizeof half);
    exit(3);
}

static void test_exits(void **state)
{
    struct job job = do_one(talk_and_exit, 5000);

    (void)state;
    assert_int_equal(job.end.how, CHILD_EXITED);
    assert_int_equal(job.end.number, 3);
    assert_string_equal(job.said, "7:seven ");
}

static void crash(int fd)
{
    child_say(fd, 1, "one", 3);
    raise(SIGABRT);
}

static void test_crashes(void **state)
{
    struct job job = do_one(crash, 5000);

    (void)state;
    assert_int_equal(job.end.how, CHILD_CRASHED);
    assert_int_equal(job.end.number, SIGABRT);
    assert_string_equal(job.said, "1:one ");
}

/* What it starts holds on to the pipe, and would for ever. */
static void start_and_hang(int fd)
{
    child_say(fd, 1, "one", 3);
    if (fork() >= 0) {
        for (;;) {
            pause();
        }
    }
}

static void test_hangs(void **state)
{
    struct child_set set = { .timeout_ms = 200 };
    struct job job = { .work = start_and_hang };
    uint64_t before = clock_now_ms();
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    start(&set, &job);
    child_wait(&set);
    assert_true(clock_now_ms() - before >= 200);
    assert_int_equal(job.end.how, CHILD_LATE);
    assert_string_equal(job.said, "1:one ");
    /* The grandchild comes to us, killed. */
    pid = waitpid(-1, &status, 0);
    assert_true(pid > 0 || errno == ECHILD);
    assert_true(pid < 0 || WIFSIGNALED(status));
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void leave_one_behind(int fd)
{
    if (fork() == 0) {
        for (;;) {
            pause();
        }
    }
    child_say(fd, 1, "done", 4);
}

/* It has said all: nobody waits for what it left, which is killed. */
static void test_leaves_nothing(void **state)
{
    struct child_set set = { .timeout_ms = 60000 };
    struct job job = { .work = leave_one_behind };

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    start(&set, &job);
    child_wait(&set);
    assert_int_equal(job.end.how, CHILD_DONE);
    while (waitpid(-1, NULL, 0) > 0) {
    }
    assert_int_equal(errno, ECHILD);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void test_many(void **state)
{
    enum { COUNT = 3 * CHILD_MOST };
    struct child_set set = { .timeout_ms = 60000 };
    struct job jobs[COUNT] = { 0 };

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        jobs[i].work = i % 3 == 0 ? talk : i % 3 == 1 ? crash : talk_and_exit;
        start(&set, &jobs[i]);
        assert_true(set.count <= CHILD_MOST);
    }
    child_wait(&set);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(jobs[i].ends, 1);
        assert_int_equal(jobs[i].end.how, i % 3 == 0   ? CHILD_DONE
                                          : i % 3 == 1 ? CHILD_CRASHED
                                                       : CHILD_EXITED);
    }
}

/* Tells which descriptors it has, and what its standard input gives. */
static void tell_descriptors(int fd)
{
    char open_ones[64] = "";
    char byte;

    for (int i = 0; i < 64; i++) {
        if (fcntl(i, F_GETFD) >= 0) {
            size_t len = strlen(open_ones);

            snprintf(open_ones + len, sizeof open_ones - len, "%d", i);
        }
    }
    child_say(fd, (int)read(STDIN_FILENO, &byte, 1), open_ones,
              strlen(open_ones));
}

static void test_has_nothing_of_ours(void **state)
{
    int ends[2];
    struct job job;

    (void)state;
    assert_int_equal(pipe(ends), 0); /* not close-on-exec */
    job = do_one(tell_descriptors, 5000);
    close(ends[0]);
    close(ends[1]);
    assert_string_equal(job.said, "0:0123 ");
}

static void test_no_such_user(void **state)
{
    struct child_set set = { .user = "nobodyatall", .timeout_ms = 5000 };
    struct job job = { .work = talk };

    (void)state;
    start(&set, &job);
    child_wait(&set);
    assert_int_equal(job.end.how, CHILD_FAILED);
    assert_string_equal(job.end.failed, "user");
    assert_int_equal(job.end.number, ENOENT);
    assert_string_equal(job.said, "");
}

static void tell_user(int fd)
{
    child_say(fd, (int)geteuid(), NULL, 0);
}

static void test_becomes_a_user(void **state)
{
    const struct passwd *nobody = getpwnam("nobody");
    struct child_set set = { .user = "nobody", .timeout_ms = 5000 };
    struct job job = { .work = tell_user };
    char expected[32];

    (void)state;
    if (geteuid() != 0 || nobody == NULL) {
        skip();
    }
    start(&set, &job);
    child_wait(&set);
    snprintf(expected, sizeof expected, "%d: ", (int)nobody->pw_uid);
    assert_string_equal(job.said, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_records),
        cmocka_unit_test(test_says_much),
        cmocka_unit_test(test_exits),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_leaves_nothing),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_has_nothing_of_ours),
        cmocka_unit_test(test_no_such_user),
        cmocka_unit_test(test_becomes_a_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
