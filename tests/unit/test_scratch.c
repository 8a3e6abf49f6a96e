/* test_scratch.c - the folder for copies of plugins */
#include "plugin/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void comes_and_goes(void **state)
{
    struct buf path = { 0 };
    struct stat stat_of;
    char file[256];
    FILE *out;

    (void)state;
    assert_int_equal(scratch_make(&path, NULL), 0);
    assert_int_equal(stat(path.data, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0700);
    snprintf(file, sizeof file, "%s/dice.0123.so", path.data);
    out = fopen(file, "w");
    assert_non_null(out);
    fclose(out);
    snprintf(file, sizeof file, "%s", path.data);
    scratch_remove(&path);
    assert_int_equal(stat(file, &stat_of), -1);
    assert_int_equal(errno, ENOENT);
    assert_null(path.data);
    scratch_remove(&path);
}

static void needs_its_parent(void **state)
{
    const char *before = getenv("TMPDIR");
    struct buf path = { 0 };

    (void)state;
    assert_int_equal(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
    assert_int_equal(scratch_make(&path, NULL), -1);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(path.data, "/nowhere/at/all");
    buf_free(&path);
    if (before != NULL) {
        setenv("TMPDIR", before, 1);
    } else {
        unsetenv("TMPDIR");
    }
}

/* One that cannot be handed over is not left behind. */
static void needs_its_user(void **state)
{
    struct buf path = { 0 };

    (void)state;
    assert_int_equal(scratch_make(&path, "nobodyatall"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(access(path.data, F_OK), -1);
    scratch_remove(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(needs_its_parent),
        cmocka_unit_test(needs_its_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
