/* test_optvalue.c - options' values: types, ranges, what is said of them */
#include "plugin/optvalue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct example {
    bay_option_type type;
    int64_t min, max;
    const char *text;
    int64_t number;
    const char *why; /* NULL: accepted */
};

static const struct example examples[] = {
    { BAY_OPT_STR, 0, 0, "", 0, NULL },
    { BAY_OPT_STR, 0, 0, "12", 0, NULL },
    { BAY_OPT_INT, 0, 0, "-12", -12, NULL },
    { BAY_OPT_INT, 0, 10000, "10000", 10000, NULL },
    { BAY_OPT_INT, -5, 5, "-5", -5, NULL },
    { BAY_OPT_INT, 0, 10000, "many", 0,
      "\"many\" is not a number (0 to 10000)" },
    { BAY_OPT_INT, 0, 0, "12x", 0, "\"12x\" is not a number" },
    { BAY_OPT_INT, 0, 0, "", 0, "\"\" is not a number" },
    { BAY_OPT_INT, 0, 10000, "10001", 0, "10001 is out of range: 0 to 10000" },
    { BAY_OPT_INT, -5, 5, "-6", 0, "-6 is out of range: -5 to 5" },
    { BAY_OPT_INT, 0, 9, "99999999999999999999", 0,
      "99999999999999999999 is out of range: 0 to 9" },
    { BAY_OPT_INT, 0, 0, "99999999999999999999", 0,
      "99999999999999999999 is too large a number" },
    { BAY_OPT_BOOL, 0, 0, "yes", 1, NULL },
    { BAY_OPT_BOOL, 0, 0, "off", 0, NULL },
    { BAY_OPT_BOOL, 0, 0, "2", 0,
      "\"2\" is none of yes, no, on, off, true, false, 1, 0" },
    { BAY_OPT_BYTES, 1024, 1 << 24, "64k", 65536, NULL },
    { BAY_OPT_BYTES, 1024, 1 << 24, "64q", 0,
      "\"64q\" is not a size such as 512, 64k or 16m (1k to 16m)" },
    { BAY_OPT_BYTES, 1024, 1 << 24, "512", 0,
      "512 is out of range: 1k to 16m" },
    { BAY_OPT_MS, 0, 60000, "30s", 30000, NULL },
    { BAY_OPT_MS, 0, 60000, "30", 0,
      "\"30\" is not a time such as 250ms, 30s, 5m or 1h (0 to 1m)" },
    { BAY_OPT_MS, 250, 60000, "2m", 0, "2m is out of range: 250ms to 1m" },
};

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *example = &examples[i];
        bay_option option = { .name = "x",
                              .type = example->type,
                              .min = example->min,
                              .max = example->max };
        char why[256] = "";
        int64_t number = -1;
        int status =
            optvalue_parse(&option, example->text, &number, why, sizeof why);

        if (example->why == NULL) {
            assert_int_equal(status, 0);
            assert_int_equal(number, example->number);
        } else {
            assert_int_equal(status, -1);
            assert_string_equal(why, example->why);
        }
    }
}

/* A limit that the host's own units could not write is still readable. */
static void test_range(void **state)
{
    bay_option option = { .name = "x", .type = BAY_OPT_BYTES, .min = -1 };
    char range[64];

    (void)state;
    assert_string_equal(optvalue_range(&option, range, sizeof range),
                        "-1 to 0");
    option.min = 0;
    assert_string_equal(optvalue_range(&option, range, sizeof range), "");
    option.type = BAY_OPT_STR;
    option.max = 7;
    assert_string_equal(optvalue_range(&option, range, sizeof range), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
