/* test_utf8.c - is it UTF-8? asked piece by piece */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

/* The length of the character at the start, from the table of RFC 3629 4, byte
 * for byte; 0 if there is none. */
static size_t by_the_table(const unsigned char *s, size_t len)
{
#define IN(i, low, high) (len > (i) && s[i] >= (low) && s[i] <= (high))
    if (IN(0, 0x00, 0x7f)) {
        return 1;
    }
    if (IN(0, 0xc2, 0xdf) && IN(1, 0x80, 0xbf)) {
        return 2;
    }
    if ((IN(0, 0xe0, 0xe0) && IN(1, 0xa0, 0xbf) && IN(2, 0x80, 0xbf)) ||
        (IN(0, 0xe1, 0xec) && IN(1, 0x80, 0xbf) && IN(2, 0x80, 0xbf)) ||
        (IN(0, 0xed, 0xed) && IN(1, 0x80, 0x9f) && IN(2, 0x80, 0xbf)) ||
        (IN(0, 0xee, 0xef) && IN(1, 0x80, 0xbf) && IN(2, 0x80, 0xbf))) {
        return 3;
    }
    if (((IN(0, 0xf0, 0xf0) && IN(1, 0x90, 0xbf)) ||
         (IN(0, 0xf1, 0xf3) && IN(1, 0x80, 0xbf)) ||
         (IN(0, 0xf4, 0xf4) && IN(1, 0x80, 0x8f))) &&
        IN(2, 0x80, 0xbf) && IN(3, 0x80, 0xbf)) {
        return 4;
    }
    return 0;
#undef IN
}

static bool valid_by_the_table(const unsigned char *s, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t size = by_the_table(s + at, len - at);

        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

/* Each first two bytes, with good tails, alone and inside of a long text */
static void every_start(void **state)
{
    char text[64];

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            unsigned char s[4] = { (unsigned char)first, (unsigned char)second,
                                   0x80, 0xbf };

            for (size_t len = 1; len <= 4; len++) {
                bool good = valid_by_the_table(s, len);

                assert_int_equal(utf8_valid(s, len), good);
                assert_int_equal(utf8_char(s, len), by_the_table(s, len));
                memset(text, 'x', sizeof text);
                memcpy(text + 21, s, len);
                assert_int_equal(utf8_valid(text, sizeof text), good);
                memcpy(text + sizeof text - len, s, len);
                assert_int_equal(utf8_valid(text, sizeof text), good);
            }
        }
    }
}

/* Every code point, one behind the other: whole, and cut in two anywhere */
static void every_character(void **state)
{
    char *text = malloc(4500000);
    size_t len = 0;

    (void)state;
    assert_non_null(text);
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c < 0x80) {
            text[len++] = (char)c;
        } else if (c < 0x800) {
            text[len++] = (char)(0xc0 | c >> 6);
            text[len++] = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            if (c >= 0xd800 && c < 0xe000) {
                continue;
            }
            text[len++] = (char)(0xe0 | c >> 12);
            text[len++] = (char)(0x80 | (c >> 6 & 0x3f));
            text[len++] = (char)(0x80 | (c & 0x3f));
        } else {
            text[len++] = (char)(0xf0 | c >> 18);
            text[len++] = (char)(0x80 | (c >> 12 & 0x3f));
            text[len++] = (char)(0x80 | (c >> 6 & 0x3f));
            text[len++] = (char)(0x80 | (c & 0x3f));
        }
    }
    assert_true(utf8_valid(text, len));
    for (size_t piece = 1; piece < 40; piece += 3) {
        uint32_t now = UTF8_START;

        for (size_t at = 0; at < len; at += piece) {
            size_t size = len - at < piece ? len - at : piece;

            assert_true(utf8_check(&now, text + at, size));
        }
        assert_int_equal(now, UTF8_START);
    }
    free(text);
}

/* Random bytes that are often nearly right, in random pieces */
static void random_pieces(void **state)
{
    static const unsigned char bytes[] = { 'a',  'b',  0x7f, 0x80, 0x8f, 0x90,
                                           0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf,
                                           0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1,
                                           0xf4, 0xf5, 0x80, 0x80, 0xa0, 0x90 };
    int good = 0;

    (void)state;
    srand(1);
    for (int round = 0; round < 200000; round++) {
        unsigned char s[24];
        size_t len = (size_t)rand() % sizeof s;
        uint32_t now = UTF8_START;
        bool valid = true;

        for (size_t i = 0; i < len; i++) {
            s[i] = bytes[(size_t)rand() % (rand() % 3 == 0 ? sizeof bytes : 2)];
        }
        for (size_t at = 0; at < len && valid;) {
            size_t size = (size_t)rand() % (len - at + 1);

            valid = utf8_check(&now, s + at, size);
            at += size;
        }
        valid = valid && now == UTF8_START;
        assert_int_equal(valid, valid_by_the_table(s, len));
        assert_int_equal(utf8_valid(s, len), valid);
        good += valid;
    }
    assert_in_range(good, 1000, 199000);
}

/* RFC 6455 leaves it open, but a fault must be known with its first byte, even
 * inside of a character, and not only when the message ends. */
static void fails_fast(void **state)
{
    static const struct {
        const char *good; /* may be continued */
        const char *bad;  /* may not, from its last byte on */
    } cases[] = {
        { "\xce\xba\xe1\xbd\xb9", "\xce\xba\xe1\xbd\xb9\xed\xa0" },
        { "\xf4", "\xf4\x90" },
        { "\xf0", "\xf0\x8f" },
        { "\xe0", "\xe0\x9f" },
        { "\xe2\x82", "\xe2\x82\x41" },
        { "\xf0\x9f\x98", "\xf0\x9f\x98\xc0" },
        { "abc", "abc\xc1" },
        { "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz\xf5" },
        { "", "\x80" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t now = UTF8_START;
        size_t len = strlen(cases[i].bad);

        assert_true(utf8_check(&now, cases[i].good, strlen(cases[i].good)));
        now = UTF8_START;
        for (size_t at = 0; at < len; at++) {
            assert_int_equal(utf8_check(&now, cases[i].bad + at, 1),
                             at + 1 < len);
        }
        now = UTF8_START;
        assert_false(utf8_check(&now, cases[i].bad, len));
    }
}

static void knows_the_end(void **state)
{
    uint32_t now = UTF8_START;

    (void)state;
    assert_true(utf8_check(&now, NULL, 0));
    assert_int_equal(now, UTF8_START);
    assert_true(utf8_check(&now, "ab\xf0\x9f", 4));
    assert_int_not_equal(now, UTF8_START);
    assert_true(utf8_check(&now, "", 0));
    assert_int_not_equal(now, UTF8_START);
    assert_true(utf8_check(&now, "\x98\x80", 2));
    assert_int_equal(now, UTF8_START);
    assert_true(utf8_valid("", 0));
    assert_false(utf8_valid("\xe2\x82", 2));
    assert_int_equal(utf8_char("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_start),   cmocka_unit_test(every_character),
        cmocka_unit_test(random_pieces), cmocka_unit_test(fails_fast),
        cmocka_unit_test(knows_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
