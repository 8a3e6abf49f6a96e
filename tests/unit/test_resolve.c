/* test_resolve.c - who gives a plugin the names and libraries it wants */
#include "plugin/resolve.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void finds_the_giver(void **state)
{
    const char *needed[] = { "libm.so.6" };
    const struct dynamic dynamic = { .needed = needed, .needed_count = 1 };
    struct resolve *resolve = resolve_create(&dynamic);

    (void)state;
    assert_non_null(resolve);
    assert_null(resolve_missing(resolve, 0));
    assert_int_equal(resolve_find(resolve, "tgamma"), RESOLVE_NEEDED);
    assert_int_equal(resolve_find(resolve, "malloc"), RESOLVE_LIBC);
    assert_int_equal(resolve_find(resolve, "no_such_function_at_all"),
                     RESOLVE_NOBODY);
    resolve_free(resolve);
}

/* What the plugin is not linked with, but the program is. */
static void finds_what_the_host_has(void **state)
{
    const struct dynamic dynamic = { 0 };
    struct resolve *resolve = resolve_create(&dynamic);

    (void)state;
    assert_non_null(dlopen("libjansson.so.4", RTLD_NOW | RTLD_GLOBAL));
    assert_int_equal(resolve_find(resolve, "json_object"), RESOLVE_HOST);
    assert_true(resolve_is_taken("json_object"));
    assert_false(resolve_is_taken("no_such_function_at_all"));
    resolve_free(resolve);
}

static void says_what_is_missing(void **state)
{
    const char *needed[] = { "libc.so.6", "libnowhere.so.1" };
    const struct dynamic dynamic = { .needed = needed,
                                     .needed_count = 2,
                                     .search_path = "$ORIGIN:/nowhere:" };
    struct resolve *resolve = resolve_create(&dynamic);

    (void)state;
    assert_null(resolve_missing(resolve, 0));
    assert_string_equal(resolve_missing(resolve, 1),
                        "cannot open shared object file: No such file or "
                        "directory");
    resolve_free(resolve);
    resolve_free(NULL);
}

static void looks_in_the_search_path(void **state)
{
    const char *needed[] = { "twin_a.so" };
    const struct dynamic dynamic = {
        .needed = needed,
        .needed_count = 1,
        .search_path = "/nowhere:" BUILD_DIR "/tests/plugins",
    };
    struct resolve *resolve = resolve_create(&dynamic);

    (void)state;
    assert_null(resolve_missing(resolve, 0));
    assert_int_equal(resolve_find(resolve, "twin_name"), RESOLVE_NEEDED);
    resolve_free(resolve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_giver),
        cmocka_unit_test(finds_what_the_host_has),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(looks_in_the_search_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
