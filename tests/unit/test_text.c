/* test_text.c - small things done to the text of a value */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/text.h"

static void splits(const char *text, const char *expected)
{
    struct buf item = { 0 };
    struct buf all = { 0 };

    buf_adds(&all, "");
    while (text_next(&text, &item)) {
        buf_addf(&all, "<%s>", item.data);
    }
    assert_string_equal(all.data, expected);
    assert_null(text);
    buf_free(&item);
    buf_free(&all);
}

static void lists(void **state)
{
    (void)state;
    splits("a", "<a>");
    splits("a,b", "<a><b>");
    splits("  a b \t,\tc ", "<a b><c>");
    splits("a,", "<a><>");
    splits(",", "<><>");
    splits("", "<>");
}

static void becomes(const char *folder, const char *path, const char *expected)
{
    char *absolute = text_absolute(folder, path);

    assert_non_null(absolute);
    assert_string_equal(absolute, expected);
    free(absolute);
}

static void absolute_paths(void **state)
{
    (void)state;
    becomes("/etc/x", "a", "/etc/x/a");
    becomes("/etc/x", "a/b", "/etc/x/a/b");
    becomes("/etc/x", "./a", "/etc/x/a");
    becomes("/etc/x", "../a", "/etc/a");
    becomes("/etc/x", "../../a", "/a");
    becomes("/etc/x", "../../../../a", "/a");
    becomes("/etc/x", "..", "/etc");
    becomes("/etc/x", ".", "/etc/x");
    becomes("/etc/x", "./", "/etc/x");
    becomes("/etc/x", ".././/a", "/etc/a");
    becomes("/etc/x", "..a", "/etc/x/..a");
    becomes("/etc/x", ".a", "/etc/x/.a");
    becomes("/etc/x", "a/../b", "/etc/x/a/../b"); /* a may be a link */
    becomes("/etc/x", "a/", "/etc/x/a");
    becomes("/", "a", "/a");
    becomes("/", "..", "/");
    becomes("/etc/x", "/a", "/a");
    becomes("/etc/x", "/a//", "/a");
    becomes("/etc/x", "/", "/");
    becomes("/etc/x", "/../a", "/../a");
}

static void names(void **state)
{
    char longer[65];

    (void)state;
    assert_true(text_is_name("chat"));
    assert_true(text_is_name("my-chat_2"));
    assert_true(text_is_name("2"));
    assert_false(text_is_name(""));
    assert_false(text_is_name("Chat"));
    assert_false(text_is_name("a b"));
    assert_false(text_is_name("a.b"));
    assert_false(text_is_name("../a"));
    assert_false(text_is_name("caf\xc3\xa9"));
    memset(longer, 'a', sizeof longer);
    longer[63] = 0;
    assert_true(text_is_name(longer));
    longer[63] = 'a';
    longer[64] = 0;
    assert_false(text_is_name(longer));
}

static void suggestions(void **state)
{
    struct buf why = { 0 };

    (void)state;
    buf_adds(&why, "no");
    text_suggest(&why, NULL);
    assert_string_equal(why.data, "no");
    text_suggest(&why, "yes");
    assert_string_equal(why.data, "no, did you mean \"yes\"?");
    buf_free(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(absolute_paths),
        cmocka_unit_test(names),
        cmocka_unit_test(suggestions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
