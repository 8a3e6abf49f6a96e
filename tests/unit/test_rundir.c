/* test_rundir.c - the directory of a running host */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "proc/reason.h"
#include "proc/rundir.h"

static char why[REASON_SIZE];

static void read_all(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(out, 1, size - 1, file);
    out[len] = 0;
    fclose(file);
}

static void makes_parents_and_cleans_up(void **state)
{
    struct rundir rundir;
    struct stat stat_of;
    char text[32], pid[32];
    mode_t mask = umask(077);

    (void)state;
    assert_int_equal(
        rundir_open(&rundir, folder_file("a/b/run"), why, sizeof why), 0);
    umask(mask);
    /* Its sockets are for others, too. */
    assert_int_equal(stat(folder_file("a/b/run"), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0755);
    assert_int_equal(stat(folder_file("a"), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0755);
    read_all(folder_file("a/b/run/patchbay.pid"), text, sizeof text);
    snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    assert_string_equal(text, pid);
    rundir_close(&rundir);
    assert_int_equal(access(folder_file("a/b/run/patchbay.pid"), F_OK), -1);
}

/* As another process: a process does not stand in its own way. */
static int open_elsewhere(const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rundir rundir;
        char text[REASON_SIZE];
        char expected[64];
        int result = rundir_open(&rundir, path, text, sizeof text);

        snprintf(expected, sizeof expected, "(pid %d)", (int)getppid());
        _exit(result == 0 ? 0 : strstr(text, expected) != NULL ? 1 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void lets_in_one_host(void **state)
{
    const char *path = folder_file("run");
    struct rundir rundir;
    pid_t pid;
    int status;

    (void)state;
    assert_int_equal(rundir_open(&rundir, path, why, sizeof why), 0);
    assert_int_equal(open_elsewhere(path), 1);
    /* A child that closes everything of its parent's does not give the lock
     * away. */
    pid = fork();
    if (pid == 0) {
        rundir_forget(&rundir);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(open_elsewhere(path), 1);
    rundir_close(&rundir);
    assert_int_equal(open_elsewhere(path), 0);
}

/* What a dead host left behind is no hindrance. */
static void takes_over_from_the_dead(void **state)
{
    struct rundir rundir;

    (void)state;
    assert_int_equal(open_elsewhere(folder_file("run")), 0);
    assert_int_equal(access(folder_file("run/patchbay.pid"), F_OK), 0);
    assert_int_equal(rundir_open(&rundir, folder_file("run"), why, sizeof why),
                     0);
    rundir_close(&rundir);
}

static void says_what_it_cannot_make(void **state)
{
    struct rundir rundir;
    int fd = open(folder_file("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    (void)state;
    close(fd);
    assert_int_equal(
        rundir_open(&rundir, folder_file("file/run"), why, sizeof why), -1);
    assert_non_null(strstr(why, "/file/run: not a directory"));
    assert_int_equal(rundir.lock_fd, -1);
    rundir_close(&rundir);
}

static void writes_whole_files(void **state)
{
    struct rundir rundir;
    char text[32];

    (void)state;
    assert_int_equal(rundir_open(&rundir, folder_file("run"), why, sizeof why),
                     0);
    assert_int_equal(
        rundir_write(&rundir, "addresses", "one\n", why, sizeof why), 0);
    assert_int_equal(
        rundir_write(&rundir, "addresses", "two\n", why, sizeof why), 0);
    read_all(folder_file("run/addresses"), text, sizeof text);
    assert_string_equal(text, "two\n");
    assert_int_equal(access(folder_file("run/addresses.new"), F_OK), -1);
    rundir_remove(&rundir, "addresses");
    assert_int_equal(access(folder_file("run/addresses"), F_OK), -1);
    rundir_close(&rundir);
}

static void touch(const char *path)
{
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void empties_folders_of_its_own(void **state)
{
    struct rundir rundir;

    (void)state;
    assert_int_equal(rundir_open(&rundir, folder_file("run"), why, sizeof why),
                     0);
    assert_int_equal(rundir_empty(&rundir, "images", why, sizeof why), 0);
    touch(folder_file("run/images/old.so"));
    assert_int_equal(rundir_empty(&rundir, "images", why, sizeof why), 0);
    assert_int_equal(access(folder_file("run/images/old.so"), F_OK), -1);
    touch(folder_file("run/images/new.so"));
    rundir_remove(&rundir, "images");
    assert_int_equal(access(folder_file("run/images"), F_OK), -1);
    rundir_close(&rundir);
}

/* Root must not be led to somebody else's files. */
static void follows_no_link(void **state)
{
    struct rundir rundir;

    (void)state;
    assert_int_equal(rundir_open(&rundir, folder_file("run"), why, sizeof why),
                     0);
    assert_int_equal(mkdir(folder_file("other"), 0700), 0);
    touch(folder_file("other/precious"));
    assert_int_equal(symlink(folder_file("other"), folder_file("run/images")),
                     0);
    assert_int_equal(rundir_empty(&rundir, "images", why, sizeof why), -1);
    assert_int_equal(access(folder_file("other/precious"), F_OK), 0);
    rundir_close(&rundir);
}

/* Somebody cleans up while it runs. */
static void restores_what_has_vanished(void **state)
{
    struct rundir rundir;
    char path[PATH_MAX];

    (void)state;
    snprintf(path, sizeof path, "%s", folder_file("run"));
    assert_int_equal(rundir_open(&rundir, path, why, sizeof why), 0);
    assert_true(rundir_is_there(&rundir));
    assert_int_equal(unlink(folder_file("run/patchbay.pid")), 0);
    assert_false(rundir_is_there(&rundir));
    assert_int_equal(rmdir(path), 0);
    assert_false(rundir_is_there(&rundir));
    assert_false(rundir.anew);
    assert_int_equal(rundir_restore(&rundir, why, sizeof why), 0);
    assert_true(rundir_is_there(&rundir));
    assert_true(rundir.anew);
    assert_int_equal(open_elsewhere(path), 1);
    /* What is there stays as it is, and locked. */
    assert_int_equal(rundir_restore(&rundir, why, sizeof why), 0);
    assert_int_equal(open_elsewhere(path), 1);
    rundir_close(&rundir);
    assert_int_equal(open_elsewhere(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_parents_and_cleans_up,
                                        folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(lets_in_one_host, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(takes_over_from_the_dead, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(says_what_it_cannot_make, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(writes_whole_files, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(empties_folders_of_its_own, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(restores_what_has_vanished, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(follows_no_link, folder_make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
