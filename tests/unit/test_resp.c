/* test_resp.c - commands as Redis reads them */
#include "bus/resp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct resp_arg *args, size_t count, const char *text,
                   size_t len)
{
    size_t size = resp_size(args, count);
    char *out = malloc(size);

    assert_non_null(out);
    assert_int_equal(size, len);
    memset(out, '?', size);
    resp_write(out, args, count);
    assert_memory_equal(out, text, len);
    free(out);
}

static void writes_a_command(void **state)
{
    const struct resp_arg ping[] = { RESP_TEXT("PING") };
    const struct resp_arg set[] = { RESP_TEXT("SET"),
                                    RESP_TEXT("a\r\n"),
                                    { "x\0y", 3 } };
    const struct resp_arg empty[] = { RESP_TEXT("X"), RESP_TEXT("") };

    (void)state;
    expect(ping, 1, "*1\r\n$4\r\nPING\r\n", 14);
    expect(set, 3, "*3\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$3\r\nx\0y\r\n", 31);
    expect(empty, 2, "*2\r\n$1\r\nX\r\n$0\r\n\r\n", 17);
}

static void leaves_room(void **state)
{
    const struct resp_arg args[] = { RESP_TEXT("P"), { NULL, 12 } };
    size_t size = resp_size(args, 2);
    char *out = malloc(size);
    char *at;

    (void)state;
    assert_non_null(out);
    at = resp_write(out, args, 2);
    memcpy(at, "twelve bytes", 12);
    assert_memory_equal(out, "*2\r\n$1\r\nP\r\n$12\r\ntwelve bytes\r\n", size);
    free(out);
}

static void counts_digits(void **state)
{
    struct resp_arg args[1] = { { NULL, 9 } };

    (void)state;
    assert_int_equal(resp_size(args, 1), 4 + 4 + 9 + 2);
    args[0].len = 10;
    assert_int_equal(resp_size(args, 1), 4 + 5 + 10 + 2);
    args[0].len = 1000000;
    assert_int_equal(resp_size(args, 1), 4 + 10 + 1000000 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_command),
        cmocka_unit_test(leaves_room),
        cmocka_unit_test(counts_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
