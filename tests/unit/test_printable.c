/* test_printable.c - text from elsewhere, as it may stand on a terminal */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/printable.h"

static void expect(const char *text, size_t len, const char *printed)
{
    struct buf buf = { 0 };

    printable_add(&buf, text, len, "");
    assert_false(buf.failed);
    assert_int_equal(buf.len, strlen(printed));
    assert_memory_equal(buf.data, printed, buf.len);
    buf_free(&buf);
}

static void leaves_text_alone(void **state)
{
    static const char text[] = " a~\\ caf\xc3\xa9 \xc2\xa0 \xe2\x82\xac "
                               "\xf0\x9f\x98\x80";

    (void)state;
    expect(text, sizeof text - 1, text);
    printable_add(&(struct buf){ 0 }, "", 0, "");
}

static void shows_controls(void **state)
{
    (void)state;
    for (int byte = 0; byte < 0xa0; byte++) {
        const char text[2] = { (char)0xc2, (char)byte };
        const char letter = byte == '\n'   ? 'n'
                            : byte == '\r' ? 'r'
                            : byte == '\t' ? 't'
                                           : 0;
        char shown[8];

        if (letter != 0) {
            snprintf(shown, sizeof shown, "\\%c", letter);
        } else {
            snprintf(shown, sizeof shown, "\\x%02x", byte);
        }
        if (byte < 0x20 || byte == 0x7f) {
            expect(text + 1, 1, shown);
        } else if (byte >= 0x80) {
            expect(text, 2, shown);     /* C1 */
            expect(text + 1, 1, shown); /* a byte astray */
        }
    }
    expect("a\x1b[2J\0b", 7, "a\\x1b[2J\\x00b");
}

static void shows_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    expect("\xff-\xc2", 3, "\\xff-\\xc2");
    /* Overlong, a surrogate, cut off: byte for byte. */
    expect("\xc0\x9b", 2, "\\xc0\\x9b");
    expect("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");
    expect("\xe2\x82", 2, "\\xe2\\x82");
}

static void keeps_what_it_is_told_to(void **state)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct buf buf = { 0 };

    (void)state;
    printable_put(out, "a\n\tb\r\0\xc2\x9b\xc3\xa9", 10, "\n\t");
    fclose(out);
    assert_string_equal(text, "a\n\tb\\r\\x00\\x9b\xc3\xa9");
    free(text);
    printable_add(&buf, "a\n\tb\r", 5, "\n");
    assert_string_equal(buf.data, "a\n\\tb\\r");
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_text_alone),
        cmocka_unit_test(shows_controls),
        cmocka_unit_test(shows_bytes_that_are_not_utf8),
        cmocka_unit_test(keeps_what_it_is_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
