/* test_problems.c - what is wrong with a configuration, all of it at once */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/problems.h"

static void prints(struct problems *problems, const char *expected)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    problems_print(problems, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void forms(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    problems_add(&problems, "a.ini", 0, NULL, NULL, "cannot be read");
    problems_add(&problems, "a.ini", 1, NULL, NULL, "a NUL byte");
    problems_add(&problems, "a.ini", 2, "server", NULL, "unknown section");
    problems_add(&problems, "a.ini", 3, "server", "listen", "%d bad", 2);
    problems_add(&problems, "a.ini", 4, NULL, "stray", "before a section");
    assert_int_equal(problems.count, 5);
    assert_string_equal(problems.list[3].file, "a.ini");
    assert_int_equal(problems.list[3].line, 3);
    assert_string_equal(problems.list[3].text, "[server] listen: 2 bad");
    prints(&problems, "a.ini: cannot be read\n"
                      "a.ini:1: a NUL byte\n"
                      "a.ini:2: [server]: unknown section\n"
                      "a.ini:3: [server] listen: 2 bad\n"
                      "a.ini:4: stray: before a section\n");
    problems_free(&problems);
    assert_int_equal(problems.count, 0);
    prints(&problems, "");
}

static void sorts_by_line(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    problems_add(&problems, "f", 30, NULL, NULL, "c");
    problems_add(&problems, "f", 10, NULL, NULL, "a1");
    problems_add(&problems, "f", 20, NULL, NULL, "b");
    problems_add(&problems, "f", 10, NULL, NULL, "a2");
    problems_sort(&problems);
    assert_string_equal(problems.list[0].text, "a1");
    assert_string_equal(problems.list[3].text, "c");
    problems_add(&problems, "f", 5, NULL, NULL, "0");
    prints(&problems, "f:5: 0\nf:10: a1\nf:10: a2\nf:20: b\nf:30: c\n");
    problems_free(&problems);
}

static void many_and_long(void **state)
{
    struct problems problems = { 0 };
    char text[3000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (int i = 0; i < 1000; i++) {
        problems_add(&problems, "f", i, "s", "k", "%s", text);
    }
    assert_int_equal(problems.count, 1000);
    assert_int_equal(strlen(problems.list[999].text), 2999 + strlen("[s] k: "));
    problems_free(&problems);
}

static void tells_what_is_lost(void **state)
{
    struct problems problems = { .lost = 2 };

    (void)state;
    prints(&problems, "out of memory: 2 more problems could not be kept\n");
    problems_free(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(sorts_by_line),
        cmocka_unit_test(many_and_long),
        cmocka_unit_test(tells_what_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
