/* test_probe.c - looking at plugins that crash, hang, exit and so on */
#include "plugin/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "patience.h"

#define PLUGINS BUILD_DIR "/tests/plugins"

struct fixture {
    char top[64];
    char file[80];
    char images[80];
    struct conf *conf;
    struct problems problems;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    strcpy(fixture->top, "/tmp/test_probe.XXXXXX");
    assert_non_null(mkdtemp(fixture->top));
    snprintf(fixture->file, sizeof fixture->file, "%s/f.ini", fixture->top);
    snprintf(fixture->images, sizeof fixture->images, "%s/images",
             fixture->top);
    *state = fixture;
    return 0;
}

static void remove_files(const char *path)
{
    DIR *dir = opendir(path);

    for (const struct dirent *entry;
         dir != NULL && (entry = readdir(dir)) != NULL;) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    remove_files(fixture->images);
    rmdir(fixture->images);
    remove_files(fixture->top);
    assert_int_equal(rmdir(fixture->top), 0);
    conf_free(fixture->conf);
    problems_free(&fixture->problems);
    free(fixture);
    return 0;
}

static size_t probe(struct fixture *fixture, const char *text)
{
    FILE *out = fopen(fixture->file, "w");

    assert_non_null(out);
    fprintf(out, "[server]\n%s%s%s",
            strstr(text, "plugin_dir") == NULL ? "plugin_dir = " PLUGINS : "",
            "\n", text);
    fclose(out);
    fixture->conf = conf_load(fixture->file, &fixture->problems);
    if (fixture->conf == NULL) {
        problems_print(&fixture->problems, stderr);
        fail();
    }
    return probe_check(fixture->conf, fixture->images, &fixture->problems);
}

/* Of one plugin, named in line 6. */
static void refuse(struct fixture *fixture, const char *name,
                   const char *expected)
{
    char text[128];
    const struct problem *problem = fixture->problems.list;

    snprintf(text, sizeof text, "[route.x]\npath = /x\n\nplugin = %s\n", name);
    assert_int_equal(probe(fixture, text), 1);
    problem = fixture->problems.list;
    assert_int_equal(problem->line, 6);
    assert_string_equal(problem->file, fixture->file);
    snprintf(text, sizeof text, "[route.x] plugin: %s/%s.so ", PLUGINS, name);
    if (strncmp(problem->text, text, strlen(text)) != 0 ||
        strstr(problem->text, expected) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", expected, problem->text);
    }
    /* No zombie. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void test_good(void **state)
{
    struct fixture *fixture = *state;
    DIR *dir;
    size_t copies = 0;

    assert_int_equal(probe(fixture, "[route.x]\npath=/x\nplugin=everything\n"
                                    "everything.limit = 7\n"
                                    "[route.y]\npath=/y\nplugin=discard\n"
                                    "[route.z]\npath=/z\nplugin=everything\n"),
                     0);
    dir = opendir(fixture->images);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        copies += strstr(entry->d_name, ".so") != NULL;
    }
    closedir(dir);
    assert_int_equal(copies, 2);
}

static void test_absent(void **state)
{
    refuse(*state, "nosuch", "cannot be read: No such file or directory");
}

static void test_newer_abi(void **state)
{
    refuse(*state, "newabi", "was built for ABI 1.2, this host has 1.1");
}

static void test_crash(void **state)
{
    refuse(*state, "crash_ctor",
           "crashed while loading (SIGSEGV); to see where: gdb");
}

static void test_exit(void **state)
{
    refuse(*state, "exit_ctor", "called exit(3) while loading");
}

/* Neither the child nor what it started is left. */
static void test_hang(void **state)
{
    uint64_t before = clock_now_ms();
    char text[] = "[route.x]\npath = /x\n\nplugin = hang_ctor\n";
    char late[80];
    struct fixture *fixture = *state;
    int status;
    pid_t pid;

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    probe_timeout_ms = patience(300);
    snprintf(late, sizeof late,
             "hang_ctor.so did not finish loading within %u ms: a constructor "
             "hangs",
             (unsigned)probe_timeout_ms);
    assert_int_equal(probe(fixture, text), 1);
    assert_in_range(clock_now_ms() - before, probe_timeout_ms,
                    probe_timeout_ms + patience(3700));
    probe_timeout_ms = 5000;
    assert_non_null(strstr(fixture->problems.list[0].text, late));
    /* The grandchild comes to us, killed. */
    pid = waitpid(-1, &status, 0);
    assert_true(pid > 0 || errno == ECHILD);
    assert_true(pid < 0 || WIFSIGNALED(status));
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

/* One that hangs keeps none of the others, and all are told of in one go. */
static void test_many(void **state)
{
    static const char *const names[] = {
        "crash_ctor", "hang_ctor",  "exit_ctor", "discard",  "badoptions",
        "wrongname",  "undefsym",   "nosymbol",  "oldmajor", "newabi",
        "nosuch",     "everything", "twin_a",    "twin_b",   "single",
    };
    char text[2048] = "workers = 2\n";
    size_t at = strlen(text);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "[route.r%zu]\npath = /%zu\nplugin = %s\n", i, i,
                               names[i]);
    }
    probe_timeout_ms = patience(1500);
    /* All but discard, everything and the twins. */
    assert_int_equal(probe(*state, text), 11);
    probe_timeout_ms = 5000;
}

/* They wait at the same time: a folder full of them is no reason to wait for
 * minutes. */
static void test_hang_together(void **state)
{
    struct fixture *fixture = *state;
    char text[1024];
    size_t at =
        (size_t)snprintf(text, sizeof text, "plugin_dir = %s\n", fixture->top);
    uint64_t before;

    for (int i = 0; i < 4; i++) {
        char link[128];

        snprintf(link, sizeof link, "%s/hang%d.so", fixture->top, i);
        assert_int_equal(symlink(PLUGINS "/hang_ctor.so", link), 0);
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "[route.r%d]\npath = /%d\nplugin = hang%d\n", i,
                               i, i);
    }
    probe_timeout_ms = patience(600);
    before = clock_now_ms();
    assert_int_equal(probe(fixture, text), 4);
    assert_in_range(clock_now_ms() - before, probe_timeout_ms,
                    4 * probe_timeout_ms - 100);
    probe_timeout_ms = 5000;
}

/* The fault of [plugin.everything] is one, not one for each route. */
static void test_said_once(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(probe(fixture, "[route.x]\npath=/x\nplugin=everything\n"
                                    "everything.limt = 7\n"
                                    "[route.y]\npath=/y\nplugin=everything\n"
                                    "[plugin.everything]\nwait = 7\n"),
                     2);
    assert_int_equal(fixture->problems.list[0].line, 6);
    assert_string_equal(fixture->problems.list[0].text,
                        "[route.x] everything.limt: no such option of plugin "
                        "everything, did you mean \"limit\"?");
    assert_int_equal(fixture->problems.list[1].line, 11);
}

static void test_temporary_copies(void **state)
{
    struct fixture *fixture = *state;
    const char *before = getenv("TMPDIR");
    DIR *dir;
    size_t count = 0;

    assert_int_equal(probe(fixture, "[route.x]\npath=/x\nplugin=discard\n"), 0);
    assert_int_equal(setenv("TMPDIR", fixture->top, 1), 0);
    assert_int_equal(probe_check(fixture->conf, NULL, &fixture->problems), 0);
    if (before != NULL) {
        setenv("TMPDIR", before, 1);
    } else {
        unsetenv("TMPDIR");
    }
    dir = opendir(fixture->top);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += strncmp(entry->d_name, "patchbay-probe-", 15) == 0;
    }
    closedir(dir);
    assert_int_equal(count, 0);
}

/* What a plugin writes is not on our standard output, nor in any file of
 * ours. */
static void test_apart(void **state)
{
    struct fixture *fixture = *state;
    int pipe_ends[2];
    int kept = dup(STDOUT_FILENO);
    char found[16];

    assert_int_equal(pipe2(pipe_ends, O_NONBLOCK), 0);
    fflush(stdout);
    dup2(pipe_ends[1], STDOUT_FILENO);
    assert_int_equal(probe(fixture, "[route.x]\npath=/x\nplugin=noisy\n"), 0);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    assert_int_equal(read(pipe_ends[0], found, sizeof found), -1);
    assert_int_equal(errno, EAGAIN);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* As root with a user, plugins run with the user's rights: the copies are
 * the user's. */
static void test_user(void **state)
{
    struct fixture *fixture = *state;
    const struct passwd *nobody = getpwnam("nobody");
    char copy[512];
    struct stat stat_of;
    DIR *dir;

    if (geteuid() != 0 || nobody == NULL) {
        skip();
    }
    assert_int_equal(chmod(fixture->top, 0755), 0);
    if (probe(fixture, "user = nobody\n[route.x]\npath=/x\nplugin=discard\n") !=
        0) {
        const char *text = fixture->problems.list[0].text;

        /* A build tree that only root can enter. */
        if (strstr(text, "cannot be read: Permission denied") != NULL) {
            skip();
        }
        fail_msg("%s", text);
    }
    dir = opendir(fixture->images);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        snprintf(copy, sizeof copy, "%s/%s", fixture->images, entry->d_name);
        if (strcmp(entry->d_name, "..") != 0) {
            assert_int_equal(stat(copy, &stat_of), 0);
            assert_int_equal(stat_of.st_uid, nobody->pw_uid);
            assert_int_equal(stat_of.st_gid, nobody->pw_gid);
        }
    }
    closedir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),      TEST(test_absent),
        TEST(test_newer_abi), TEST(test_crash),
        TEST(test_exit),      TEST(test_hang),
        TEST(test_many),      TEST(test_hang_together),
        TEST(test_said_once), TEST(test_temporary_copies),
        TEST(test_apart),     TEST(test_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
