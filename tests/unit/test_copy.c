/* test_copy.c - private copies: reused, replaced, and without a noexec mount */
#include "base/buf.h"
#include "plugin/copy.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/resource.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char top[64];
    char dir[80]; /* of the copies; not made yet */
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    strcpy(fixture->top, "/tmp/test_copy.XXXXXX");
    assert_non_null(mkdtemp(fixture->top));
    snprintf(fixture->dir, sizeof fixture->dir, "%s/images", fixture->top);
    *state = fixture;
    return 0;
}

static size_t count_files(const char *path)
{
    DIR *dir = opendir(path);
    size_t count = 0;

    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    DIR *dir = opendir(fixture->dir);

    for (const struct dirent *entry;
         dir != NULL && (entry = readdir(dir)) != NULL;) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(fixture->dir);
    assert_int_equal(rmdir(fixture->top), 0);
    free(fixture);
    return 0;
}

static struct copy make(const struct fixture *fixture, const char *bytes)
{
    struct copy copy;
    char why[256] = "";

    if (copy_make(&copy, "chat", bytes, strlen(bytes), fixture->dir, why,
                  sizeof why) != 0) {
        fail_msg("%s", why);
    }
    return copy;
}

static ino_t inode(const char *path)
{
    struct stat stat_of;

    assert_int_equal(stat(path, &stat_of), 0);
    return stat_of.st_ino;
}

static void check_content(const char *path, const char *bytes)
{
    char found[64] = "";
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(read(fd, found, sizeof found - 1), strlen(bytes));
    close(fd);
    assert_string_equal(found, bytes);
}

static void test_made(void **state)
{
    const struct fixture *fixture = *state;
    struct copy copy = make(fixture, "one");
    char expected[160];
    struct stat stat_of;

    /* FNV-1a of "one", from its definition. */
    assert_string_equal(copy.hash, "1a08aa1921ca5caf");
    snprintf(expected, sizeof expected, "%s/chat.%s.so", fixture->dir,
             copy.hash);
    assert_string_equal(copy.path, expected);
    check_content(copy.path, "one");
    assert_int_equal(stat(copy.path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0500);
    assert_int_equal(stat(fixture->dir, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0700);
    copy_finish(&copy);
}

static void test_equal_bytes_equal_file(void **state)
{
    const struct fixture *fixture = *state;
    struct copy first = make(fixture, "one");
    ino_t before = inode(first.path);
    struct copy again = make(fixture, "one");
    struct copy other = make(fixture, "two");

    assert_string_equal(first.path, again.path);
    assert_int_equal(inode(again.path), before);
    assert_string_not_equal(first.path, other.path);
    assert_int_equal(count_files(fixture->dir), 2);
    copy_finish(&first);
    copy_finish(&again);
    copy_finish(&other);
}

/* What stands under the name is not trusted; who has it mapped keeps it. */
static void test_damaged_copy_is_replaced(void **state)
{
    const struct fixture *fixture = *state;
    struct copy copy = make(fixture, "one");
    ino_t before = inode(copy.path);

    assert_int_equal(truncate(copy.path, 2), 0);
    copy_finish(&copy);
    copy = make(fixture, "one");
    check_content(copy.path, "one");
    assert_int_not_equal(inode(copy.path), before);

    copy_finish(&copy);
}

/* A link's target may change after it was compared. */
static void test_link_is_replaced(void **state)
{
    const struct fixture *fixture = *state;
    struct copy copy = make(fixture, "one");
    char target[160];
    struct stat stat_of;

    snprintf(target, sizeof target, "%s/target", fixture->dir);
    assert_int_equal(rename(copy.path, target), 0);
    assert_int_equal(symlink(target, copy.path), 0);
    copy_finish(&copy);
    copy = make(fixture, "one");
    check_content(copy.path, "one");
    assert_int_equal(lstat(copy.path, &stat_of), 0);
    assert_true(S_ISREG(stat_of.st_mode));
    assert_int_equal(count_files(fixture->dir), 2);
    copy_finish(&copy);
}

static void test_folder(void **state)
{
    const struct fixture *fixture = *state;
    struct copy copy;
    char why[256] = "";

    assert_int_equal(
        copy_make(&copy, "chat", "x", 1, "/nosuch/images", why, sizeof why),
        -1);
    assert_string_equal(why, "cannot be copied: cannot make /nosuch/images: No "
                             "such file or directory");
    copy_finish(&copy);

    assert_int_equal(mkdir(fixture->dir, 0700), 0);
    assert_int_equal(chmod(fixture->dir, 0777), 0);
    assert_int_equal(
        copy_make(&copy, "chat", "x", 1, fixture->dir, why, sizeof why), -1);
    assert_non_null(strstr(why, "other users can write there: chmod 700"));
    copy_finish(&copy);
}

static bool mount_noexec(const char *dir)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
           mkdir(dir, 0700) == 0 &&
           mount("tmpfs", dir, "tmpfs", MS_NOEXEC, "mode=0700") == 0;
}

/* The child's verdict: 0 good, 77 no right to mount, else the line. */
#define EXPECT(condition)             \
    do {                              \
        if (!(condition)) {           \
            _exit(__LINE__ % 70 + 1); \
        }                             \
    } while (0)

static size_t count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* Opens what these bytes are, as image.c does. */
static void *open_copy(const struct fixture *fixture, const struct buf *bytes,
                       char path[128])
{
    struct copy copy;
    void *handle;
    char why[256];

    EXPECT(copy_make(&copy, "echo", bytes->data, bytes->len, fixture->dir, why,
                     sizeof why) == 0);
    EXPECT(strncmp(copy.path, "/proc/self/fd/", 14) == 0);
    snprintf(path, 128, "%s", copy.path);
    handle = dlopen(copy.path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    copy_finish(&copy);
    return handle;
}

/* The same bytes are the same code, other bytes are other code, and however
 * many versions there were, none holds a descriptor. */
static void run_noexec(const struct fixture *fixture)
{
    struct rlimit few = { 64, 64 };
    struct buf bytes = { 0 };
    char first_path[128], path[128];
    FILE *file = fopen(BUILD_DIR "/plugins/echo.so", "r");
    void *first, *last = NULL;
    size_t before;

    EXPECT(file != NULL && buf_reserve(&bytes, 1 << 20) != NULL);
    bytes.len = fread(bytes.data, 1, 1 << 20, file);
    fclose(file);
    if (!mount_noexec(fixture->dir)) {
        _exit(77);
    }
    EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
    before = count_descriptors();
    first = open_copy(fixture, &bytes, first_path);
    EXPECT(first != NULL);
    for (int i = 0; i < 2000; i++) {
        void *handle;

        buf_addf(&bytes, "%d", i); /* behind all that is loaded */
        handle = open_copy(fixture, &bytes, path);
        EXPECT(handle != NULL && handle != first && handle != last);
        EXPECT(strcmp(path, first_path) != 0);
        last = handle;
    }
    EXPECT(open_copy(fixture, &bytes, path) == last);
    bytes.len -= 1;
    EXPECT(open_copy(fixture, &bytes, path) != last);
    EXPECT(count_descriptors() == before);
    EXPECT(count_files(fixture->dir) == 0);

    /* What could not be opened is no copy for the next. */
    bytes.len = 64;
    EXPECT(open_copy(fixture, &bytes, path) == NULL);
    EXPECT(open_copy(fixture, &bytes, first_path) == NULL);
    EXPECT(strcmp(path, first_path) != 0);
    _exit(0);
}

static void test_noexec(void **state)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        run_noexec(*state);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_bytes_equal_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_copy_is_replaced, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_link_is_replaced, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_noexec, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
