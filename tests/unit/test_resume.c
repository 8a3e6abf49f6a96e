/* test_resume.c - what clients that come back say, and what they are told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/resume.h"

static void reads_positions(void **state)
{
    const char *why = NULL;
    struct resume *resume =
        resume_parse("17,a.ff.3,b.1.18446744073709551615", &why);
    struct position at;

    (void)state;
    assert_non_null(resume);
    assert_true(resume->former == 17);
    assert_true(resume_find(resume, 10, &at));
    assert_true(at.epoch == 255 && at.offset == 3);
    assert_true(resume_find(resume, 11, &at));
    assert_true(at.epoch == 1 && at.offset == UINT64_MAX);
    assert_false(resume_find(resume, 12, &at));
    free(resume);
}

static void is_new_without_any(void **state)
{
    const char *why = NULL;
    struct resume *resume = resume_parse(NULL, &why);

    (void)state;
    assert_non_null(resume);
    assert_true(resume->former == 0 && resume->count == 0);
    free(resume);
}

static void refuses_what_is_none(void **state)
{
    static const char *const wrong[] = {
        "",
        "x",
        ",",
        "1,",
        "1,a",
        "1,a.b",
        "1,a.b.",
        "1,a.b.c",
        "1,a..1",
        "1,.b.1",
        "1,a.b.1,",
        "1 ",
        "1,A.1.1",
        "1,a.1.1x",
        "-1",
        "18446744073709551616",
        "1,10000000000000000.1.1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *why = NULL;

        assert_null(resume_parse(wrong[i], &why));
        assert_non_null(strstr(why, "resume"));
    }
}

static void takes_so_many_and_no_more(void **state)
{
    const char *why = NULL;
    char text[8 * (RESUME_POINTS + 2)] = "1";
    struct resume *resume;

    (void)state;
    for (unsigned i = 0; i < RESUME_POINTS; i++) {
        strcat(text, ",a.1.1");
    }
    resume = resume_parse(text, &why);
    assert_non_null(resume);
    assert_int_equal(resume->count, RESUME_POINTS);
    free(resume);
    strcat(text, ",a.1.1");
    assert_null(resume_parse(text, &why));
}

static void writes_lines(void **state)
{
    char line[RESUME_LINE];
    struct position at = { 0x1f, 17 };
    size_t len;

    (void)state;
    len = resume_line(line, 'r', 10, at, 3);
    assert_int_equal(len, strlen(line));
    assert_string_equal(line, "r 000000000000000a 1f.17 3\n");
    resume_message_line(line, 10, at);
    assert_string_equal(line, "m 000000000000000a 1f.17\n");
    assert_int_equal(resume_message_line(line, 10, (struct position){ 0 }), 2);
    assert_string_equal(line, "m\n");
    at = (struct position){ UINT64_MAX, UINT64_MAX };
    assert_true(resume_line(line, 'r', UINT64_MAX, at, 2147483647) <
                RESUME_LINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_positions),
        cmocka_unit_test(is_new_without_any),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(takes_so_many_and_no_more),
        cmocka_unit_test(writes_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
