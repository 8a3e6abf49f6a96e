/* test_clock.c - the two clocks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void moves_on(void **state)
{
    struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };
    uint64_t ns = clock_now_ns();
    uint64_t ms = clock_now_ms();
    uint64_t coarse = clock_coarse_ms();

    (void)state;
    while (nanosleep(&nap, &nap) != 0) {
    }
    assert_true(clock_now_ns() - ns >= 20 * 1000 * 1000);
    assert_in_range(clock_now_ms() - ms, 20, 10000);
    /* A tick is 10 ms at most. */
    assert_in_range(clock_coarse_ms() - coarse, 10, 10000);
}

static void agree(void **state)
{
    uint64_t ms = clock_now_ms();
    uint64_t ns = clock_now_ns();
    uint64_t coarse = clock_coarse_ms();

    (void)state;
    assert_in_range(ns / 1000000 - ms, 0, 1000);
    assert_in_range(coarse + 20 - ms, 0, 1000);
}

static void tells_the_time(void **state)
{
    uint64_t before = (uint64_t)time(NULL) * 1000;
    uint64_t now = clock_wall_ms();

    (void)state;
    /* time() may be a tick behind. */
    assert_in_range(now, before - 20, before + 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_on),
        cmocka_unit_test(agree),
        cmocka_unit_test(tells_the_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
