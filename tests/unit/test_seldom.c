/* test_seldom.c - what could be said without end is said now and then */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/seldom.h"

static void says_the_first_and_counts_the_rest(void **state)
{
    struct seldom seldom = { 0 };
    uint64_t left_out = 99;

    (void)state;
    assert_true(seldom_due(&seldom, 0, &left_out));
    assert_int_equal(left_out, 0);
    for (unsigned i = 0; i < 7; i++) {
        assert_false(seldom_due(&seldom, i, &left_out));
    }
    assert_false(seldom_due(&seldom, SELDOM_MS - 1, &left_out));
    assert_true(seldom_due(&seldom, SELDOM_MS, &left_out));
    assert_int_equal(left_out, 8);
    assert_false(seldom_due(&seldom, SELDOM_MS + 1, &left_out));
    assert_true(seldom_due(&seldom, 5 * SELDOM_MS, &left_out));
    assert_int_equal(left_out, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_first_and_counts_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
