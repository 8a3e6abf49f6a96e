/* test_wheel.c - entries come when they are due, not before, and only once */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/wheel.h"

#define START 123456789u

static void due(void **state)
{
    struct wheel wheel;
    struct wheel_entry a = { 0 }, b = { 0 };

    (void)state;
    wheel_init(&wheel, START);
    assert_int_equal(wheel_next_ms(&wheel), UINT64_MAX);
    wheel_set(&wheel, &a, START + 5000);
    wheel_set(&wheel, &b, START + 1000);
    assert_true(wheel_next_ms(&wheel) <= START + 1000 + WHEEL_STEP_MS);
    assert_null(wheel_take(&wheel, START + 999));
    assert_ptr_equal(wheel_take(&wheel, START + 1000 + WHEEL_STEP_MS), &b);
    assert_null(wheel_take(&wheel, START + 4999));
    assert_ptr_equal(wheel_take(&wheel, START + 5000 + WHEEL_STEP_MS), &a);
    assert_null(wheel_take(&wheel, START + 60000));
    assert_int_equal(wheel.count, 0);
}

static void never_early(void **state)
{
    (void)state;
    for (uint64_t after = 0; after < 40000; after += 137) {
        struct wheel wheel;
        struct wheel_entry entry = { 0 };
        uint64_t reach = (WHEEL_SLOTS - 1) * (uint64_t)WHEEL_STEP_MS;
        uint64_t now = START;

        wheel_init(&wheel, START);
        wheel_set(&wheel, &entry, START + after);
        while (wheel_take(&wheel, now) == NULL) {
            assert_true(now < START + 100000);
            now++;
        }
        assert_true(now > START + after || now >= START + reach - 500);
        assert_true(now <= START + after + 2 * WHEEL_STEP_MS);
    }
}

static void moved_and_cleared(void **state)
{
    struct wheel wheel;
    struct wheel_entry a = { 0 }, b = { 0 }, c = { 0 };

    (void)state;
    wheel_init(&wheel, START);
    wheel_set(&wheel, &a, START + 1000);
    wheel_set(&wheel, &b, START + 1000);
    wheel_set(&wheel, &c, START + 1000);
    wheel_set(&wheel, &a, START + 9000);
    wheel_clear(&wheel, &b);
    wheel_clear(&wheel, &b);
    assert_int_equal(wheel.count, 2);
    assert_ptr_equal(wheel_take(&wheel, START + 2000), &c);
    assert_null(wheel_take(&wheel, START + 2000));
    assert_ptr_equal(wheel_take(&wheel, START + 10000), &a);
}

/* The process was stopped for an hour: everything is due, nothing is lost. */
static void after_a_long_sleep(void **state)
{
    struct wheel wheel;
    struct wheel_entry entries[100] = { { 0 } };
    int taken = 0;

    (void)state;
    wheel_init(&wheel, START);
    for (unsigned i = 0; i < 100; i++) {
        wheel_set(&wheel, &entries[i], START + i * 300);
    }
    while (wheel_take(&wheel, START + 3600000) != NULL) {
        taken++;
    }
    assert_int_equal(taken, 100);
    wheel_set(&wheel, &entries[0], START + 3600000 + 1000);
    assert_null(wheel_take(&wheel, START + 3600500));
    assert_ptr_equal(wheel_take(&wheel, START + 3600000 + 1500), &entries[0]);
}

/* Who sets itself again for a time that has passed is not called for ever. */
static void set_again_for_the_past(void **state)
{
    struct wheel wheel;
    struct wheel_entry entry = { 0 };
    unsigned taken = 0;

    (void)state;
    wheel_init(&wheel, START);
    wheel_set(&wheel, &entry, START);
    while (wheel_take(&wheel, START + 5000) != NULL) {
        assert_in_range(++taken, 1, 11);
        wheel_set(&wheel, &entry, START);
    }
    assert_true(taken > 0);
    assert_ptr_equal(wheel_take(&wheel, START + 6000), &entry);
}

/* Nothing was on it for an hour: what is set then is not due before its time,
 * and the wheel does not catch up step by step. */
static void empty_for_long(void **state)
{
    struct wheel wheel;
    struct wheel_entry entry = { 0 };
    uint64_t now = START + 3600000;

    (void)state;
    wheel_init(&wheel, START);
    assert_null(wheel_take(&wheel, now));
    wheel_set(&wheel, &entry, now + 5000);
    assert_true(wheel_next_ms(&wheel) + WHEEL_STEP_MS > now);
    assert_null(wheel_take(&wheel, now + 4999));
    assert_ptr_equal(wheel_take(&wheel, now + 5000 + WHEEL_STEP_MS), &entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due),
        cmocka_unit_test(never_early),
        cmocka_unit_test(moved_and_cleared),
        cmocka_unit_test(after_a_long_sleep),
        cmocka_unit_test(set_again_for_the_past),
        cmocka_unit_test(empty_for_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
