/* test_echo.c - same opcode, same bytes */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_host.h"

static void expect_back(bay_kind kind, const void *data, size_t len)
{
    struct fake *fake = fake_create(&BAY_PLUGIN_SYMBOL, "/echo");
    struct fake_peer *peer;
    const bay_message *back;

    assert_int_equal(fake_start(fake, 0), BAY_OK);
    peer = fake_connect(fake, 0, "/echo");
    assert_int_equal(fake_status(peer), 101);
    fake_message(peer, kind, data, len);
    back = fake_next(peer);
    assert_non_null(back);
    assert_int_equal(back->kind, kind);
    assert_int_equal(back->len, len);
    assert_memory_equal(back->data, data, len);
    assert_null(fake_next(peer));
    assert_int_equal(fake_closed(peer), 0);
    fake_destroy(fake);
}

static void test_text(void **state)
{
    (void)state;
    expect_back(BAY_TEXT, "hello", 5);
}

static void test_binary_with_zeros(void **state)
{
    (void)state;
    expect_back(BAY_BINARY, "\0\xff\0", 3);
}

static void test_empty(void **state)
{
    (void)state;
    expect_back(BAY_TEXT, "", 0);
    expect_back(BAY_BINARY, "", 0);
}

static void test_16_mib(void **state)
{
    size_t len = 16u << 20;
    char *data = malloc(len);

    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < len; i++) {
        data[i] = (char)(i * 7);
    }
    expect_back(BAY_BINARY, data, len);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_binary_with_zeros),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_16_mib),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
