/* test_dev_build.c - what compiles replaces the plugin, what does not leaves it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/dev_build.h"
#include "folder.h"

static void put(const char *name, const char *text)
{
    FILE *file = fopen(folder_file(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void kinds(void **state)
{
    (void)state;
    assert_true(dev_is_source("a/dice.c"));
    assert_true(dev_is_source("dice.cpp"));
    assert_true(dev_is_source("dice.cc"));
    assert_false(dev_is_source("dice.so"));
    assert_false(dev_is_source("dice.h"));
    assert_false(dev_is_source(".c"));
}

static int build(const char *out, struct buf *said, const char *first,
                 const char *second)
{
    const char *sources[] = { folder_file(first),
                              second != NULL ? folder_file(second) : NULL,
                              NULL };

    buf_clear(said);
    return dev_build(sources, out, said);
}

static void compiling(void **state)
{
    char out[300];
    struct buf said = { 0 };

    (void)state;
    snprintf(out, sizeof out, "%s", folder_file("dice.so"));
    put("a.c", "int b(void); int a(void); int a(void) { return b(); }\n");
    put("b.c", "int b(void); int b(void) { return 1; }\n");
    assert_int_equal(build(out, &said, "a.c", "b.c"), 0);
    assert_int_equal(access(out, R_OK), 0);
    assert_int_not_equal(build(out, &said, "a.c", NULL), 0);
    assert_non_null(strstr(said.data, "undefined reference to `b'"));
    assert_int_equal(access(out, R_OK), 0); /* the one before */
    put("b.c", "int b(void) { return }\n");
    assert_int_not_equal(build(out, &said, "a.c", "b.c"), 0);
    assert_non_null(strstr(said.data, "b.c:1:"));
    assert_int_equal(access(folder_file("dice.so.new"), F_OK), -1);
    buf_free(&said);
}

static void words_of_the_environment(void **state)
{
    struct buf said = { 0 };

    (void)state;
    put("c.c", "#ifdef WANTED\nint c(void); int c(void) { return 1; }\n#else\n"
               "#error not wanted\n#endif\n");
    setenv("CFLAGS", " -DWANTED  -O0 ", 1);
    assert_int_equal(build(folder_file("c.so"), &said, "c.c", NULL), 0);
    unsetenv("CFLAGS");
    assert_int_not_equal(build(folder_file("c.so"), &said, "c.c", NULL), 0);
    setenv("CC", "no-such-compiler", 1);
    assert_int_not_equal(build(folder_file("c.so"), &said, "c.c", NULL), 0);
    assert_non_null(strstr(said.data, "cannot run no-such-compiler"));
    unsetenv("CC");
    buf_free(&said);
}

static void count(void *arg, const char *path)
{
    (void)path;
    ++*(int *)arg;
}

static void neighbours(void **state)
{
    int found = 0;

    (void)state;
    put("x.h", "");
    put("x.txt", "");
    dev_each_neighbour(folder_file("a.c"), count, &found);
    assert_int_equal(found, 4); /* a.c b.c c.c x.h */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(compiling),
        cmocka_unit_test(words_of_the_environment),
        cmocka_unit_test(neighbours),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
