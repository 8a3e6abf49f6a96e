/* test_reason.c - one sentence that says why something failed */
#include "proc/reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void is_cut_to_its_place(void **state)
{
    char why[8];

    (void)state;
    assert_int_equal(reason_set(why, sizeof why, "%d%s", 7, "x"), -1);
    assert_string_equal(why, "7x");
    assert_int_equal(reason_set(why, sizeof why, "no %s", "permission"), -1);
    assert_string_equal(why, "no perm");
}

/* In the middle of a sentence. */
static void begins_in_lower_case_unless_it_is_a_name(void **state)
{
    (void)state;
    assert_string_equal(reason_errno(ENOENT), "no such file or directory");
    assert_string_equal(reason_errno(EDOTDOT), "RFS specific error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_cut_to_its_place),
        cmocka_unit_test(begins_in_lower_case_unless_it_is_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
