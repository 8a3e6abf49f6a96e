/* test_tree.c - a folder is removed with what is in it, and nothing else */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/tree.h"
#include "folder.h"

static void put(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fclose(file);
}

static void removed(void **state)
{
    char inner[300], deep[320];

    (void)state;
    snprintf(inner, sizeof inner, "%s/b", folder_file("a"));
    snprintf(deep, sizeof deep, "%s/file", inner);
    assert_int_equal(mkdir(folder_file("a"), 0700) | mkdir(inner, 0700), 0);
    put(deep);
    assert_int_equal(mkdir(folder_file("kept"), 0700), 0);
    snprintf(deep, sizeof deep, "%s/link", inner);
    assert_int_equal(symlink(folder_file("kept"), deep), 0);
    put(folder_file("file"));
    tree_remove(folder_file("a"));
    assert_int_equal(access(folder_file("a"), F_OK), -1);
    assert_int_equal(access(folder_file("kept"), F_OK), 0);
    tree_remove(folder_file("file"));
    assert_int_equal(access(folder_file("file"), F_OK), -1);
    tree_remove(folder_file("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removed),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
