/* test_timers.c - the heap of timers: order, moving, limits of keys */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <patchbay.h>

#include "core/timers.h"

static struct instance *const one = (struct instance *)(uintptr_t)0x1000;
static struct instance *const two = (struct instance *)(uintptr_t)0x2000;

static void order(void **state)
{
    struct timers timers = { 0 };
    uint64_t key;

    (void)state;
    assert_int_equal(timers_next_ms(&timers), UINT64_MAX);
    assert_int_equal(timers_set(&timers, one, 3, 300), BAY_OK);
    assert_int_equal(timers_set(&timers, one, 1, 100), BAY_OK);
    assert_int_equal(timers_set(&timers, two, 1, 200), BAY_OK);
    assert_int_equal(timers_set(&timers, two, 9, 100), BAY_OK);
    assert_int_equal(timers_next_ms(&timers), 100);
    assert_null(timers_take(&timers, 99, &key));
    assert_ptr_equal(timers_take(&timers, 250, &key), one);
    assert_int_equal(key, 1);
    assert_ptr_equal(timers_take(&timers, 250, &key), two);
    assert_int_equal(key, 9);
    assert_ptr_equal(timers_take(&timers, 250, &key), two);
    assert_int_equal(key, 1);
    assert_null(timers_take(&timers, 250, &key));
    timers_finish(&timers);
}

static void setting_again_moves(void **state)
{
    struct timers timers = { 0 };
    uint64_t key;

    (void)state;
    timers_set(&timers, one, 7, 100);
    timers_set(&timers, one, 7, 500);
    timers_set(&timers, one, 8, 200);
    assert_int_equal(timers.count, 2);
    assert_ptr_equal(timers_take(&timers, 1000, &key), one);
    assert_int_equal(key, 8);
    assert_ptr_equal(timers_take(&timers, 1000, &key), one);
    assert_int_equal(key, 7);
    assert_null(timers_take(&timers, 1000, &key));
    timers_finish(&timers);
}

static void clearing(void **state)
{
    struct timers timers = { 0 };
    uint64_t key;

    (void)state;
    timers_set(&timers, one, 1, 100);
    timers_set(&timers, two, 1, 100);
    timers_set(&timers, two, 2, 100);
    assert_int_equal(timers_clear(&timers, one, 1), BAY_OK);
    assert_int_equal(timers_clear(&timers, one, 1), BAY_ENOTFOUND);
    timers_clear_all(&timers, two);
    assert_null(timers_take(&timers, 1000, &key));
    timers_finish(&timers);
}

/* Random sets, moves and clears against the plainest model there is. */
static void random_walk(void **state)
{
    struct timers timers = { 0 };
    uint64_t model[64] = { 0 }, last = 0, key;
    unsigned seed = 4711;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        unsigned k;

        seed = seed * 1103515245u + 12345u;
        k = (seed >> 16) % 64;
        if ((seed >> 8) % 4 == 0) {
            assert_int_equal(timers_clear(&timers, one, k),
                             model[k] ? BAY_OK : BAY_ENOTFOUND);
            model[k] = 0;
        } else {
            model[k] = 1 + seed % 100000;
            assert_int_equal(timers_set(&timers, one, k, model[k]), BAY_OK);
        }
    }
    while (timers_take(&timers, UINT64_MAX - 1, &key) != NULL) {
        assert_true(model[key] >= last && model[key] > 0);
        last = model[key];
        model[key] = 0;
    }
    for (int i = 0; i < 64; i++) {
        assert_int_equal(model[i], 0);
    }
    timers_finish(&timers);
}

static void limit(void **state)
{
    struct timers timers = { 0 };

    (void)state;
    for (uint64_t i = 0; i < TIMERS_MAX; i++) {
        assert_int_equal(timers_set(&timers, one, i, i), BAY_OK);
    }
    assert_int_equal(timers_set(&timers, one, TIMERS_MAX, 1), BAY_EFULL);
    assert_int_equal(timers_set(&timers, one, 5, 1), BAY_OK); /* a move */
    timers_finish(&timers);
}

/* Of those for one time the one that was set first is the first. */
static void in_turn(void **state)
{
    struct timers timers = { 0 };
    uint64_t key;

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        timers_set(&timers, one, i, 100);
    }
    timers_set(&timers, one, 10, 100); /* set again: the last now */
    for (uint64_t i = 0; i < 49; i++) {
        assert_ptr_equal(timers_take(&timers, 100, &key), one);
        assert_int_equal(key, i < 10 ? i : i + 1);
    }
    assert_ptr_equal(timers_take(&timers, 100, &key), one);
    assert_int_equal(key, 10);
    timers_finish(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),    cmocka_unit_test(setting_again_moves),
        cmocka_unit_test(clearing), cmocka_unit_test(random_walk),
        cmocka_unit_test(limit),    cmocka_unit_test(in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
