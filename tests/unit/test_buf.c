/* test_buf.c - a byte buffer that grows */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void empty(void **state)
{
    struct buf buf = { 0 };

    (void)state;
    buf_clear(&buf);
    buf_consume(&buf, 0);
    buf_consume(&buf, 5);
    assert_null(buf.data);
    buf_add(&buf, "", 0);
    assert_false(buf.failed);
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf.data, "");
    buf_free(&buf);
    assert_null(buf.data);
}

static void grows(void **state)
{
    struct buf buf = { 0 };

    (void)state;
    for (int i = 0; i < 10000; i++) {
        char c = (char)('a' + i % 26);

        buf_add(&buf, &c, 1);
        assert_int_equal(buf.data[buf.len], 0);
    }
    assert_int_equal(buf.len, 10000);
    for (size_t i = 0; i < buf.len; i++) {
        assert_int_equal(buf.data[i], 'a' + (int)(i % 26));
    }
    buf_free(&buf);
}

/* The 0 behind the end needs room of its own when the buffer is just full. */
static void ends_in_zero(void **state)
{
    (void)state;
    for (size_t len = 250; len < 260; len++) {
        char text[260];
        struct buf buf = { 0 };

        memset(text, 'x', sizeof text);
        buf_add(&buf, text, len);
        assert_int_equal(strlen(buf.data), len);
        buf_free(&buf);
    }
}

static void formats(void **state)
{
    struct buf buf = { 0 };
    char longer[1000];

    (void)state;
    memset(longer, 'y', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    buf_addf(&buf, "%d-%s", 7, "x");
    assert_string_equal(buf.data, "7-x");
    buf_addf(&buf, "<%s>", longer);
    assert_int_equal(buf.len, 3 + 2 + 999);
    assert_memory_equal(buf.data, "7-x<yyy", 7);
    assert_string_equal(buf.data + buf.len - 3, "yy>");
    buf_free(&buf);
}

/* Formatted text that is just as long as the room that is left */
static void formats_at_the_edge(void **state)
{
    (void)state;
    for (size_t len = 250; len < 260; len++) {
        char text[260];
        struct buf buf = { 0 };

        memset(text, 'x', len);
        text[len] = 0;
        buf_addf(&buf, "%s", text);
        assert_int_equal(buf.len, len);
        assert_string_equal(buf.data, text);
        buf_free(&buf);
    }
}

static void consumes(void **state)
{
    struct buf buf = { 0 };

    (void)state;
    buf_adds(&buf, "one two");
    buf_consume(&buf, 4);
    assert_string_equal(buf.data, "two");
    assert_int_equal(buf.len, 3);
    buf_consume(&buf, 3);
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf.data, "");
    buf_free(&buf);
}

static void clears(void **state)
{
    struct buf buf = { 0 };
    char *data;

    (void)state;
    buf_adds(&buf, "text");
    data = buf.data;
    buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_ptr_equal(buf.data, data);
    assert_string_equal(buf.data, "");
    buf_free(&buf);
}

static void reserves(void **state)
{
    struct buf buf = { 0 };
    char *to;

    (void)state;
    buf_adds(&buf, "ab");
    to = buf_reserve(&buf, 5000);
    assert_ptr_equal(to, buf.data + 2);
    memset(to, 'c', 5000);
    buf.len += 5000;
    buf_adds(&buf, "d");
    assert_int_equal(buf.len, 5003);
    assert_memory_equal(buf.data, "abccc", 5);
    assert_string_equal(buf.data + 5001, "cd");
    buf_free(&buf);
}

static void fails_for_good(void **state)
{
    struct buf buf = { 0 };

    (void)state;
    buf_adds(&buf, "kept");
    assert_null(buf_reserve(&buf, SIZE_MAX - 2));
    assert_true(buf.failed);
    buf_adds(&buf, "more");
    buf_addf(&buf, "%d", 1);
    buf_add_json(&buf, "x", 1);
    assert_null(buf_reserve(&buf, 1));
    assert_string_equal(buf.data, "kept");
    assert_int_equal(buf.len, 4);
    buf_free(&buf);
    assert_false(buf.failed);
}

static void adds_json(void **state)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        { "", "\"\"" },
        { "plain text", "\"plain text\"" },
        { "a \"b\" \\c", "\"a \\\"b\\\" \\\\c\"" },
        { "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
        { "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
        { "caf\xc3\xa9 \xf0\x9f\x98\x80", "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"" },
        { "a\xff"
          "b\xc3",
          "\"a\xef\xbf\xbd"
          "b\xef\xbf\xbd\"" },
        { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf buf = { 0 };

        buf_add_json(&buf, cases[i].text, strlen(cases[i].text));
        assert_string_equal(buf.data, cases[i].json);
        buf_free(&buf);
    }
}

static void adds_json_with_zero(void **state)
{
    struct buf buf = { 0 };

    (void)state;
    buf_add_json(&buf, "a\0b", 3);
    assert_string_equal(buf.data, "\"a\\u0000b\"");
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(grows),
        cmocka_unit_test(ends_in_zero),
        cmocka_unit_test(formats),
        cmocka_unit_test(formats_at_the_edge),
        cmocka_unit_test(consumes),
        cmocka_unit_test(clears),
        cmocka_unit_test(reserves),
        cmocka_unit_test(fails_for_good),
        cmocka_unit_test(adds_json),
        cmocka_unit_test(adds_json_with_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
