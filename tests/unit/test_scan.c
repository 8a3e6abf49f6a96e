/* test_scan.c - a look at an INI file's lines, for what iniparser hides */
#include <string.h>

#include "conf/scan.h"
#include "said.h"

/* Scans text: what is said, and what iniparser gets (NULL: the same text). */
static void scans_bytes(const char *text, size_t len, const char *expected,
                        const char *for_iniparser)
{
    struct ini *ini = calloc(1, sizeof *ini);
    struct problems problems = { 0 };
    struct buf in = { 0 };
    struct buf clean = { 0 };

    assert_non_null(ini);
    buf_add(&in, text, len);
    buf_adds(&clean, "");
    assert_int_equal(scan_run(ini, "f", &in, &clean, &problems), 0);
    said(&problems, expected);
    assert_string_equal(clean.data,
                        for_iniparser == NULL ? text : for_iniparser);
    ini_free(ini);
    buf_free(&in);
    buf_free(&clean);
}

static void scans(const char *text, const char *expected,
                  const char *for_iniparser)
{
    scans_bytes(text, strlen(text), expected, for_iniparser);
}

/* The line of a value in [a] that is wrong */
static void refuses(const char *line, const char *expected)
{
    char text[2048];

    snprintf(text, sizeof text, "[a]\n%s\n", line);
    scans(text, expected, "[a]\n\n");
}

static void accepts(const char *line)
{
    char text[2048];

    snprintf(text, sizeof text, "[a]\n%s\n", line);
    scans(text, "", text);
}

static void good_lines(void **state)
{
    (void)state;
    scans("", "", "");
    scans("\n  \n\t\n", "", "\n\n\n");
    scans("; x\n # y\n", "", "\n\n");
    scans(" [a] \n  k =  v  \n", "", "[a]\nk =  v\n");
    scans("[a]\r\nk = v\r\n", "", "[a]\nk = v\n");
    scans("[a]\nk = v", "", "[a]\nk = v\n");
    accepts("k =");
    accepts("k = \"\"");
    accepts("k = \"a;b # c\"");
    accepts("k = 'a \"b\"'");
    accepts("k = \"a\" ; comment");
    accepts("k = \"a\" # comment");
    accepts("k = \"\" ; comment");
    accepts("k = a=b");
    accepts("k = it's fine");
    accepts("k = caf\xc3\xa9");
}

static void comments_behind_values(void **state)
{
    (void)state;
    accepts("k = a ; comment");
    accepts("k = a ;comment");
    accepts("k = a\t# comment");
    accepts("k = a #");
    accepts("k = a ## comment");
    accepts("k = ; comment");
    accepts("k = # comment");
    accepts("k = say \"hi\" ; comment");
}

static void cut_comments(void **state)
{
    (void)state;
    refuses("k = http://x/#frag",
            "f:2: [a] k: the # cuts the value to \"http://x/\"; write "
            "\"http://x/#frag\" with quotes, or a blank on both sides of the # "
            "if a comment starts there\n");
    refuses("k = a;b", "f:2: [a] k: the ; cuts the value to \"a\"; write "
                       "\"a;b\" with quotes, or a blank on both sides of the ; "
                       "if a comment starts there\n");
    refuses("k = room #1",
            "f:2: [a] k: the # cuts the value to \"room\"; write \"room #1\" "
            "with quotes, or a blank on both sides of the # if a comment "
            "starts there\n");
    refuses("k = #fff", "f:2: [a] k: the # cuts the value to \"\"; write "
                        "\"#fff\" with quotes, or a blank on both sides of the "
                        "# if a comment starts there\n");
    refuses("k = a \"b ; c\"",
            "f:2: [a] k: the ; cuts the value to \"a \"b\"; write 'a \"b ; c\"'"
            " with quotes, or a blank on both sides of the ; if a comment "
            "starts there\n");
}

static void quotes(void **state)
{
    (void)state;
    refuses("k = \"abc",
            "f:2: [a] k: the quote \" is not closed on this line\n");
    refuses("k = 'abc", "f:2: [a] k: the quote ' is not closed on this line\n");
    refuses("k = \"", "f:2: [a] k: the quote \" is not closed on this line\n");
    refuses("k = \"a\" b",
            "f:2: [a] k: text behind the closing quote: b; quote the value as "
            "a whole, with the other kind of quote if it holds one\n");
    refuses("k = \"a \\\" b\"",
            "f:2: [a] k: text behind the closing quote: b\"; quote the value "
            "as a whole, with the other kind of quote if it holds one\n");
    refuses("k = \"\"x",
            "f:2: [a] k: text behind the closing quote: x; quote the value as "
            "a whole, with the other kind of quote if it holds one\n");
}

static void lines_without_a_key(void **state)
{
    (void)state;
    refuses("listen localhost", "f:2: [a]: no \"=\" in \"listen localhost\", a "
                                "line is key = value\n");
    refuses("= v", "f:2: [a]: there is no key in front of the \"=\"\n");
    refuses("b:c = v",
            "f:2: [a]: b:c: the name of a key cannot hold a \":\"\n");
    scans("k = v\n[a]\n", "f:1: k: a key before the first [section]\n",
          "\n[a]\n");
}

static void duplicates(void **state)
{
    (void)state;
    scans("[a]\nk = 1\nk = 2\n", "f:3: [a] k: duplicate key, first on line 2\n",
          "[a]\nk = 1\n\n");
    scans("[a]\nk = 1\n[b]\nk = 1\n[a]\nk = 2\n",
          "f:5: [a]: duplicate section, first on line 1\n"
          "f:6: [a] k: duplicate key, first on line 2\n",
          "[a]\nk = 1\n[b]\nk = 1\n[a]\n\n");
}

/* iniparser folds names: two that differ in case only would be one. */
static void upper_case(void **state)
{
    (void)state;
    scans("[A]\nKey = V\n",
          "f:1: [a]: names are lower case, write [a]\n"
          "f:2: [a]: names are lower case, write key\n",
          "[a]\nKey = V\n");
    scans("[a]\nk = 1\nK = 2\n",
          "f:3: [a]: names are lower case, write k\n"
          "f:3: [a] k: duplicate key, first on line 2\n",
          "[a]\nk = 1\n\n");
}

/* The keys behind a header that has its fault are still read. */
static void headers(void **state)
{
    (void)state;
    scans("[ a ]\n", "", "[a]\n");
    scans("[a] ; comment\nk = v\n",
          "f:1: [a]: text behind \"]\"; a comment needs a line of its own "
          "here\n",
          "[a]\nk = v\n");
    scans("[a]b]\n",
          "f:1: [a]: text behind \"]\"; a comment needs a line of its own "
          "here\n",
          "[a]\n");
    scans("[a ; comment\nk = v\n", "f:1: [a]: \"]\" is missing\n",
          "[a]\nk = v\n");
    /* Nothing can be said about the keys behind these. */
    scans("[a]\n[]\nk = v\nx\n", "f:2: a section without a name\n",
          "[a]\n\n\n\n");
    scans("[route./a:b]\nk = v\n[b]\nk = v\n",
          "f:1: [route./a:b]: a name cannot hold a \":\"; a URL path is a "
          "value: path = /x\n",
          "\n\n[b]\nk = v\n");
}

static void continued_lines(void **state)
{
    (void)state;
    scans("[a]\nk = one, \\\n  two\nl = x\n", "",
          "[a]\nk = one,   two\n\nl = x\n");
    scans("[a]\nk = a \\  \n b\n", "", "[a]\nk = a  b\n\n");
    scans("[a]\nk = 1\nx = a, \\\nb\nx = 2\n",
          "f:5: [a] x: duplicate key, first on line 3\n",
          "[a]\nk = 1\nx = a, b\n\n\n");
    scans(
        "[a]\nk = one ; first \\\n two\n",
        "f:2: [a] k: the comment behind \"one\" hides the line that continues "
        "it; put the comment on a line of its own\n",
        "[a]\n\n\n");
    scans("[a]\n; see C:\\\nk = v\n",
          "f:2: [a]: the comment ends in \"\\\" and would hide the next line\n",
          "[a]\n\nk = v\n");
    scans("[a]\nk = v\nl = w \\\n",
          "f:3: [a]: the last line ends in \"\\\" and would be lost\n",
          "[a]\nk = v\n\n");
    scans("[a]\nk = v \\",
          "f:2: [a]: the last line ends in \"\\\" and would be lost\n",
          "[a]\n\n");
}

/* What iniparser takes: 1022 bytes, continued ones counted together */
static void long_lines(void **state)
{
    char line[1100];
    char text[2300];
    char expected[2300];

    (void)state;
    memset(line, 'x', sizeof line);
    memcpy(line, "k = ", 4);
    line[1022] = 0;
    accepts(line);
    line[1022] = 'x';
    line[1023] = 0;
    refuses(line, "f:2: [a]: 1023 bytes are too long for a line, the limit is "
                  "1022\n");

    line[1000] = 0;
    snprintf(text, sizeof text, "[a]\n%s\\\n1234567890123456789012\nl = 1\n",
             line);
    snprintf(expected, sizeof expected,
             "[a]\n%s1234567890123456789012\n\nl = 1\n", line);
    scans(text, "", expected);
    snprintf(text, sizeof text, "[a]\n%s\\\n12345678901234567890123\nl = 1\n",
             line);
    scans(text,
          "f:3: [a]: 1023 bytes are too long for a line, the limit is 1022, "
          "for all that are continued together\n",
          "[a]\n\n\nl = 1\n");
}

static void long_names(void **state)
{
    char name[202];
    char text[300];
    char expected[300];

    (void)state;
    memset(name, 'n', 201);
    name[200] = 0;
    snprintf(text, sizeof text, "%s = 1", name);
    accepts(text);
    name[200] = 'n';
    name[201] = 0;
    snprintf(text, sizeof text, "%s = 1", name);
    refuses(text,
            "f:2: [a]: the name of a key has 201 bytes, the limit is 200\n");
    snprintf(text, sizeof text, "[%s]\nk = 1\n", name);
    snprintf(expected, sizeof expected, "\n\n");
    scans(text, "f:1: the name of a section has 201 bytes, the limit is 200\n",
          expected);
}

static void bad_bytes(void **state)
{
    static const char zero[] = "[a]\nk = a\0b\nl = 1\n";

    (void)state;
    scans_bytes(zero, sizeof zero - 1,
                "f:2: [a]: a NUL byte: is this a text file?\n",
                "[a]\n\nl = 1\n");
    scans_bytes("; \0\n", 4, "f:1: a NUL byte: is this a text file?\n", "\n");
    refuses("k = \x1b[2J", "f:2: [a]: a control character, 0x1b, at byte 5\n");
    refuses("k = a\rl = b", "f:2: [a]: a control character, 0x0d, at byte 6\n");
    refuses("k = \x7f", "f:2: [a]: a control character, 0x7f, at byte 5\n");
    refuses("k = caf\xe9",
            "f:2: [a]: not UTF-8: save the file in this encoding\n");
    scans("; caf\xe9\n", "", "\n");
}

static void byte_order_marks(void **state)
{
    static const char utf16[] = "\xff\xfe[\0a\0]\0";

    (void)state;
    scans("\xef\xbb\xbf[a]\nk = v\n",
          "f:1: the file starts with a byte order mark; save it as UTF-8 "
          "without one\n",
          "[a]\nk = v\n");
    scans_bytes(utf16, sizeof utf16 - 1,
                "f:1: the file is UTF-16; save it as UTF-8\n", "");
    scans("\xfe\xff", "f:1: the file is UTF-16; save it as UTF-8\n", "");
}

static void too_many_keys(void **state)
{
    struct buf text = { 0 };

    (void)state;
    buf_adds(&text, "[a]\n");
    for (int i = 0; i < 20000; i++) {
        buf_addf(&text, "k%d = 1\n", i);
    }
    {
        struct ini *ini = calloc(1, sizeof *ini);
        struct problems problems = { 0 };
        struct buf clean = { 0 };

        assert_non_null(ini);
        assert_int_equal(scan_run(ini, "f", &text, &clean, &problems), 0);
        said(&problems, "f:10001: [a]: more than 10000 keys\n");
        ini_free(ini);
        buf_free(&clean);
    }
    buf_free(&text);
}

/* Everything in one file, in the order of its lines */
static void all_at_once(void **state)
{
    (void)state;
    scans("stray = 1\n[a]\nx\nk = \"1\n[b\nk = 1#2\n[a]\nk = 2\n",
          "f:1: stray: a key before the first [section]\n"
          "f:3: [a]: no \"=\" in \"x\", a line is key = value\n"
          "f:4: [a] k: the quote \" is not closed on this line\n"
          "f:5: [b]: \"]\" is missing\n"
          "f:6: [b] k: the # cuts the value to \"1\"; write \"1#2\" with "
          "quotes, or a blank on both sides of the # if a comment starts "
          "there\n"
          "f:7: [a]: duplicate section, first on line 2\n"
          "f:8: [a] k: duplicate key, first on line 4\n",
          "\n[a]\n\n\n[b]\n\n[a]\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(comments_behind_values),
        cmocka_unit_test(cut_comments),
        cmocka_unit_test(quotes),
        cmocka_unit_test(lines_without_a_key),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(upper_case),
        cmocka_unit_test(headers),
        cmocka_unit_test(continued_lines),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(long_names),
        cmocka_unit_test(bad_bytes),
        cmocka_unit_test(byte_order_marks),
        cmocka_unit_test(too_many_keys),
        cmocka_unit_test(all_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
