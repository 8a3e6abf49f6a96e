/* test_table.c - text in aligned columns */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/table.h"

static char *text;
static size_t size;

static void expect(struct table *table, const char *expected)
{
    FILE *out = open_memstream(&text, &size);

    table_print(table, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void aligns(void **state)
{
    struct table table = { .heads = { "NAME", "N", "LAST" } };

    (void)state;
    table_text(&table, "a");
    table_number(&table, 5);
    table_text(&table, "x");
    table_text(&table, "gr\xc3\xbc\xc3\x9f"
                       "e");
    table_number(&table, 12345);
    table_text(&table, "");
    expect(&table, "NAME       N  LAST\n"
                   "a          5  x\n"
                   "gr\xc3\xbc\xc3\x9f"
                   "e  12345  \n");
}

static void prints_an_empty_one(void **state)
{
    struct table table = { .heads = { "A", "BC" } };

    (void)state;
    expect(&table, "A  BC\n");
}

/* A client's path must not move the operator's cursor. */
static void disarms_control_characters(void **state)
{
    struct table table = { .heads = { "PATH" } };

    (void)state;
    table_text(&table, "/a\x1b[2Jb\n\x7f"
                       "c\xc2\x9b"
                       "d\xc2\xa0");
    expect(&table, "PATH\n/a\\x1b[2Jb\\n\\x7f"
                   "c\\x9b"
                   "d\xc2\xa0\n");
}

static void tells_durations(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } table[] = {
        { -1, "" },
        { 0, "0ms" },
        { 999, "999ms" },
        { 1000, "1s" },
        { 59999, "59s" },
        { 310000, "5m 10s" },
        { 3600000, "1h 0m" },
        { 3 * 3600000 + 12 * 60000, "3h 12m" },
        { INT64_C(2) * 86400000 + 4 * 3600000, "2d 4h" },
    };
    char out[48];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_string_equal(table_format_duration(table[i].ms, out, sizeof out),
                            table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligns),
        cmocka_unit_test(prints_an_empty_one),
        cmocka_unit_test(disarms_control_characters),
        cmocka_unit_test(tells_durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
