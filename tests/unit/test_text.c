/* test_text.c - patchbay/text.h: names and messages, in characters */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <patchbay/text.h>

static void check(const char *text, enum bay_text_kind kind, long chars,
                  const char *left)
{
    size_t len = strlen(text);
    const char *at = text;
    long got = bay_text_trim(&at, &len, kind);

    if (got != chars ||
        (got >= 0 && (len != strlen(left) || memcmp(at, left, len) != 0))) {
        fail_msg("\"%s\": %ld characters, \"%.*s\"", text, got, (int)len, at);
    }
}

static void names(void **state)
{
    (void)state;
    check("", BAY_TEXT_LINE, 0, "");
    check(" \xe3\x80\x80\xc2\xa0", BAY_TEXT_LINE, 0, "");
    check("  ann  lee ", BAY_TEXT_LINE, 8, "ann  lee");
    check("caf\xc3\xa9", BAY_TEXT_LINE, 4, "caf\xc3\xa9");
    check("\xf0\x9f\x8e\x88", BAY_TEXT_LINE, 1, "\xf0\x9f\x8e\x88");
    /* joiners: inside, and at an end */
    check("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", BAY_TEXT_LINE, 3,
          "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb");
    check("ann\xe2\x80\x8d", BAY_TEXT_LINE, 3, "ann");
    check("a\nb", BAY_TEXT_LINE, -1, "");
    check("a\x7f", BAY_TEXT_LINE, -1, "");
    check("a\xc2\x85", BAY_TEXT_LINE, -1, "");     /* U+0085 */
    check("a\xe2\x80\xae", BAY_TEXT_LINE, -1, ""); /* U+202E */
    check("a\xe2\x80\x8b", BAY_TEXT_LINE, -1, ""); /* U+200B */
    check("\xef\xbb\xbf"
          "a",
          BAY_TEXT_LINE, -1, ""); /* U+FEFF */
}

static void messages(void **state)
{
    (void)state;
    check("\r\n a\tb\r\nc \n", BAY_TEXT_LINES, 6, "a\tb\r\nc");
    check("\xe2\x80\x8f"
          "a",
          BAY_TEXT_LINES, 2,
          "\xe2\x80\x8f"
          "a"); /* U+200F: whole languages need it */
    check("a\x07", BAY_TEXT_LINES, -1, "");
    check("a\xc2\x9b", BAY_TEXT_LINES, -1, "");
}

static void no_utf8(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xe2\x28\xa1",
        "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x8e",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check(bad[i], BAY_TEXT_LINE, -1, "");
        check(bad[i], BAY_TEXT_LINES, -1, "");
    }
}

static void folds(void **state)
{
    char out[8];

    (void)state;
    bay_text_fold(out, sizeof out, "AnN-\xc3\x84");
    assert_string_equal(out, "ann-\xc3\x84");
    bay_text_fold(out, 3, "ANN");
    assert_string_equal(out, "an");
    bay_text_fold(out, 1, "ANN");
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(messages),
        cmocka_unit_test(no_utf8),
        cmocka_unit_test(folds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
