/* test_images.c - the copies of plugins in run_dir */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <unistd.h>

#include "base/log.h"
#include "folder.h"
#include "proc/images.h"

static void put(const char *name)
{
    FILE *file = fopen(folder_file(name), "w");

    assert_non_null(file);
    fclose(file);
}

static bool is_used(void *arg, const char *name)
{
    return strcmp(name, arg) == 0;
}

static void are_removed_when_nobody_uses_them(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    put("a.1.so");
    put("a.2.so");
    images_sweep(folder, is_used, (char[]){ "a.2.so" });
    assert_int_equal(access(folder_file("a.1.so"), F_OK), -1);
    assert_int_equal(access(folder_file("a.2.so"), F_OK), 0);
    images_sweep("/nonexistent", is_used, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(are_removed_when_nobody_uses_them,
                                        folder_make, folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
