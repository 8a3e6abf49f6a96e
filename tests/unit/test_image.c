/* test_image.c - opening plugins: good ones, bad ones, and one after another */
#include "plugin/image.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PLUGINS BUILD_DIR "/tests/plugins/"

struct fixture {
    char top[64];
    char images[80];
    char file[80]; /* a place for a plugin of its own */
};

static void run(const char *format, const char *a, const char *b)
{
    char command[512];

    snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    strcpy(fixture->top, "/tmp/test_image.XXXXXX");
    assert_non_null(mkdtemp(fixture->top));
    snprintf(fixture->images, sizeof fixture->images, "%s/images",
             fixture->top);
    snprintf(fixture->file, sizeof fixture->file, "%s/plugin.so", fixture->top);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    run("rm -rf %s%s", fixture->top, "");
    free(fixture);
    return 0;
}

static struct image *open_good(const struct fixture *fixture, const char *name,
                               const char *path)
{
    char why[1024] = "";
    struct image *image =
        image_open(name, path, fixture->images, why, sizeof why);

    if (image == NULL) {
        fail_msg("refused: %s", why);
    }
    return image;
}

static void refuse(const struct fixture *fixture, const char *name,
                   const char *path, const char *expected)
{
    char why[1024] = "";

    assert_null(image_open(name, path, fixture->images, why, sizeof why));
    if (strncmp(why, path, strlen(path)) != 0 ||
        strstr(why, expected) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", expected, why);
    }
}

static void test_good(void **state)
{
    const struct fixture *fixture = *state;
    struct image *image =
        open_good(fixture, "everything", PLUGINS "everything.so");

    assert_string_equal(image->name, "everything");
    assert_string_equal(image->path, PLUGINS "everything.so");
    assert_int_equal(strlen(image->hash), 16);
    assert_non_null(image->handle);
    assert_string_equal(image->plugin.version, "1.0.0");
    assert_non_null(image->plugin.http);
    image_close(image);
    image_close(NULL);
}

static void test_same_bytes_twice(void **state)
{
    const struct fixture *fixture = *state;
    struct image *first = open_good(fixture, "discard", PLUGINS "discard.so");
    struct image *second = open_good(fixture, "discard", PLUGINS "discard.so");

    assert_ptr_not_equal(first, second);
    assert_string_equal(first->hash, second->hash);
    assert_true(first->plugin.message == second->plugin.message);
    image_close(first);
    assert_int_equal(second->plugin.message(NULL, NULL), 0);
    image_close(second);
}

/* A stand-in for the host: what the twins and echo call. */
static char sent[64];

__attribute__((format(printf, 2, 0))) static int
keep_sent(bay_conn *conn, const char *format, va_list args)
{
    (void)conn;
    vsnprintf(sent, sizeof sent, format, args);
    return 0;
}

static const char *ask(const struct image *image)
{
    static const bay_api api = { .vsendf = keep_sent };
    bay_conn conn = { &api };
    bay_message msg = { "", 0, BAY_TEXT, true };

    assert_int_equal(image->plugin.message(&conn, &msg), 0);
    return sent;
}

static void test_twins(void **state)
{
    const struct fixture *fixture = *state;
    struct image *a = open_good(fixture, "twin_a", PLUGINS "twin_a.so");
    struct image *b = open_good(fixture, "twin_b", PLUGINS "twin_b.so");

    assert_string_equal(ask(a), "twin_a 1");
    assert_string_equal(ask(a), "twin_a 2");
    assert_string_equal(ask(b), "twin_b 1");
    assert_string_equal(ask(a), "twin_a 3");
    image_close(a);
    image_close(b);
}

/* The new code under the old path and name, while the old is still open; and
 * the old goes on although its file was overwritten. */
static void test_new_version(void **state)
{
    const struct fixture *fixture = *state;
    struct image *old;
    struct image *new;
    char why[1024] = "";

    run("cp %s %s", PLUGINS "returns.so", fixture->file);
    old = open_good(fixture, "returns", fixture->file);
    run("cat %s > %s", PLUGINS "discard.so", fixture->file);
    refuse(fixture, "returns", fixture->file,
           "calls itself \"discard\", but its file is that of \"returns\"");
    new =
        image_open("discard", fixture->file, fixture->images, why, sizeof why);
    assert_non_null(new);
    assert_string_not_equal(old->hash, new->hash);
    assert_true(old->plugin.message != new->plugin.message);
    assert_int_equal(truncate(fixture->file, 0), 0);
    assert_int_equal(ask(old)[0], 'r');
    assert_int_equal(new->plugin.message(NULL, NULL), 0);
    image_close(old);
    image_close(new);
}

static void test_not_a_plugin_file(void **state)
{
    const struct fixture *fixture = *state;
    FILE *out;

    refuse(fixture, "plugin", fixture->file,
           "cannot be read: No such file or directory");
    refuse(fixture, "plugin", fixture->top, "is a directory");
    assert_int_equal(mkfifo(fixture->file, 0600), 0);
    refuse(fixture, "plugin", fixture->file, "is not a regular file");
    unlink(fixture->file);
    out = fopen(fixture->file, "w");
    assert_non_null(out);
    refuse(fixture, "plugin", fixture->file, "is empty");
    fputs("module.exports = {}", out);
    fclose(out);
    refuse(fixture, "plugin", fixture->file,
           "is not a shared object: it starts with \"module.exports =\"");
    if (geteuid() != 0) { /* root may read all */
        chmod(fixture->file, 0);
        refuse(fixture, "plugin", fixture->file,
               "cannot be read: Permission denied");
    }
    run("head -c 5000 %s > %s", PLUGINS "discard.so", fixture->file);
    refuse(fixture, "discard", fixture->file, "is truncated:");
    refuse(fixture, "true", "/bin/true",
           "cannot be loaded: cannot dynamically load position-independent "
           "executable");
}

static void test_bad_plugins(void **state)
{
    const struct fixture *fixture = *state;

    refuse(fixture, "nosymbol", PLUGINS "nosymbol.so",
           "nosymbol.so has no bay_plugin_descriptor symbol: does it have a "
           "BAY_PLUGIN = {...}, and was it built with -fvisibility=hidden "
           "without BAY_EXPORT?");
    refuse(fixture, "newabi", PLUGINS "newabi.so",
           "newabi.so was built for ABI 1.2, this host has 1.1: install a "
           "newer patchbay or rebuild the plugin");
    refuse(fixture, "oldmajor", PLUGINS "oldmajor.so",
           "oldmajor.so was built for ABI 0.7, this host has 1.1: rebuild");
    refuse(fixture, "badoptions", PLUGINS "badoptions.so",
           "badoptions.so has for option history a wrong fallback: 100 is out "
           "of range: 0 to 10");
    refuse(fixture, "wrongname", PLUGINS "wrongname.so",
           "wrongname.so calls itself \"another\"");
    refuse(fixture, "undefsym", PLUGINS "undefsym.so",
           "undefsym.so cannot be loaded: undefined symbol: "
           "undefsym_missing_function (link the plugin with -Wl,-z,defs");
    image_close(open_good(fixture, "discard", PLUGINS "discard.so"));
}

static void test_no_place_for_copies(void **state)
{
    struct fixture nowhere = { .images = "/nosuch/images" };

    (void)state;
    refuse(&nowhere, "discard", PLUGINS "discard.so",
           "cannot be copied: cannot make /nosuch/images");
}

/* Debian mounts /run so. */
static void run_noexec(const struct fixture *fixture)
{
    char why[1024];
    struct image *a;
    struct image *b;

    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mkdir(fixture->images, 0700) != 0 ||
        mount("tmpfs", fixture->images, "tmpfs", MS_NOEXEC, "mode=0700") != 0) {
        _exit(77);
    }
    a = image_open("returns", PLUGINS "returns.so", fixture->images, why,
                   sizeof why);
    b = image_open("discard", PLUGINS "discard.so", fixture->images, why,
                   sizeof why);
    if (a == NULL || b == NULL) {
        fputs(why, stderr);
        _exit(1);
    }
    _exit(strcmp(ask(a), "returning 0") == 0 &&
                  b->plugin.message(NULL, NULL) == 0
              ? 0
              : 2);
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
        skip(); /* no right to mount here */
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_same_bytes_twice),
        TEST(test_twins),
        TEST(test_new_version),
        TEST(test_not_a_plugin_file),
        TEST(test_bad_plugins),
        TEST(test_no_place_for_copies),
        TEST(test_noexec),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
