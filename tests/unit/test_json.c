/* test_json.c - text as it stands in a JSON string */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

static void check(const char *text, size_t len, size_t takes, const char *gives)
{
    char out[JSON_CHAR_MAX];
    size_t used = 99;

    assert_int_equal(json_char(out, text, len, &used), strlen(gives));
    assert_memory_equal(out, gives, strlen(gives));
    assert_int_equal(used, takes);
}

static void characters(void **state)
{
    (void)state;
    check("a", 1, 1, "a");
    check("/", 1, 1, "/");
    check("\"", 1, 1, "\\\"");
    check("\\", 1, 1, "\\\\");
    check("\n", 1, 1, "\\n");
    check("\0", 1, 1, "\\u0000");
    check("\x1b[0m", 4, 1, "\\u001b");
    check("\x7f", 1, 1, "\\u007f");
    check("\xc2\x80", 2, 2, "\\u0080");
    check("\xc2\x9b\x31", 3, 2, "\\u009b");
    check("\xc2\xa0", 2, 2, "\xc2\xa0");
    check("\xc3\xa9x", 3, 2, "\xc3\xa9");
    check("\xe2\x82\xac", 3, 3, "\xe2\x82\xac");
    check("\xf0\x9f\x98\x80", 4, 4, "\xf0\x9f\x98\x80");
}

/* One byte at a time, so that what follows is not swallowed. */
static void not_utf8(void **state)
{
    (void)state;
    check("\xff", 1, 1, "\xef\xbf\xbd");
    check("\x80", 1, 1, "\xef\xbf\xbd");
    check("\xe2\x82", 2, 1, "\xef\xbf\xbd");
    check("\xc3\"", 2, 1, "\xef\xbf\xbd");
    check("\xc0\x80", 2, 1, "\xef\xbf\xbd");
}

static void puts_what_others_wrote(void **state)
{
    static const char json[] = "{\"\xc3\xa9\x7f\xc2\x9b\xc2\xa0\":\"\\n\xc2";
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    json_put(out, json, sizeof json - 1);
    fclose(out);
    assert_string_equal(text, "{\"\xc3\xa9\\u007f\\u009b\xc2\xa0\":\"\\n\xc2");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters),
        cmocka_unit_test(not_utf8),
        cmocka_unit_test(puts_what_others_wrote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
