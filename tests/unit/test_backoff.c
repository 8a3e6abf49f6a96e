/* test_backoff.c - how long to wait before something is tried again */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/backoff.h"

static uint64_t next(struct backoff *backoff, uint64_t lived_ms)
{
    backoff_next(backoff, lived_ms);
    return backoff->delay_ms;
}

static void waits_longer_and_longer(void **state)
{
    static const uint64_t delays[] = { 0,    100,  200,  400,   800,
                                       1600, 3200, 6400, 10000, 10000 };
    struct backoff backoff = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        assert_int_equal(next(&backoff, 5), delays[i]);
    }
}

static void forgives_a_long_life(void **state)
{
    struct backoff backoff = { 0 };

    (void)state;
    next(&backoff, 0);
    next(&backoff, 0);
    assert_int_equal(next(&backoff, BACKOFF_GOOD_MS - 1), 200);
    assert_int_equal(next(&backoff, BACKOFF_GOOD_MS), 0);
    assert_int_equal(next(&backoff, 1), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_longer_and_longer),
        cmocka_unit_test(forgives_a_long_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
