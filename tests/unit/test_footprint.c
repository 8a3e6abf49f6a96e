/* test_footprint.c - how much memory this process has */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "proc/footprint.h"

#define MORE ((size_t)32 << 20)

static void grows_with_what_is_used(void **state)
{
    stat_value resident = 0;
    uint64_t before;
    char *more;

    (void)state;
    footprint_keep(&resident);
    before = stat_get(&resident);
    assert_in_range(before, 100 << 10, (size_t)4 << 30);
    more = malloc(MORE);
    assert_non_null(more);
    memset(more, 1, MORE);
    footprint_keep(&resident);
    assert_true(more[MORE / 2] == 1);
    assert_in_range(stat_get(&resident), before + MORE - (1 << 20),
                    before + 4 * MORE);
    free(more);
}

static void keeps_what_it_was_if_it_cannot_look(void **state)
{
    struct rlimit limit, none = { .rlim_cur = 0 };
    stat_value resident = 77;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none.rlim_max = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    footprint_keep(&resident);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(stat_get(&resident), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_with_what_is_used),
        cmocka_unit_test(keeps_what_it_was_if_it_cannot_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
