/* test_presence_labels.c - who has a label for itself alone */
#include "presence_rig.h"

static void test_unique(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[1], 0);
    come(&workers[1], 1);
    assert_int_equal(join(1, 1, "bob", 0), BAY_OK);
    settle();
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK); /* a race */
    heard[0] = '\0';
    settle();
    assert_int_equal(count(0), 2);
    assert_int_equal(count(1), 2);
    assert_non_null(strstr(heard, ":4:anna "));
    assert_null(strstr(strstr(heard, ":4:anna ") + 1, ":4:anna "));
    assert_int_equal(join(1, 1, "anna", BAY_UNIQUE), BAY_EEXISTS);
}

/* The only member of its worker loses its label: the hook is told while the
 * worker still knows who has it. Or it would take it again, and again. */
static void test_displaced(void **state)
{
    (void)state;
    again = BAY_OK;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_non_null(strstr(heard, ":4:anna "));
    assert_int_equal(again, BAY_EEXISTS);
    assert_int_equal(count(0) + count(1), 1); /* none where nobody is in */
}

/* One that others have as well is made its own by who has had it longest. */
static void test_claimed(void **state)
{
    (void)state;
    again = BAY_OK;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_null(strstr(heard, ":4:anna "));
    assert_int_equal(count(0), 2);
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_non_null(strstr(heard, ":4:anna "));
    assert_int_equal(again, BAY_EEXISTS);
    assert_int_equal(count(0), 1);
}

/* Not if another has it without having claimed it, nor by the later. */
static void test_not_claimed(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(1, 0, "anna", 0), BAY_OK);
    settle();
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_EEXISTS);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_EEXISTS);
    assert_int_equal(count(0), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unique, setup, teardown),
        cmocka_unit_test_setup_teardown(test_displaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_claimed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
