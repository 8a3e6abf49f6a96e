/* test_greeter.c - the answer, and the three lines of the log */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_host.h"

static void test_session(void **state)
{
    struct fake *fake = fake_create(&BAY_PLUGIN_SYMBOL, "/");
    struct fake_peer *peer;
    const bay_message *answer;

    (void)state;
    assert_int_equal(fake_start(fake, 0), BAY_OK);
    peer = fake_connect(fake, 0, "/");
    assert_string_equal(fake_log(fake), "server: handshake success with fd1");
    assert_null(fake_next(peer));

    fake_text(peer, "client：hello，服务端");
    assert_string_equal(fake_log(fake), "receive from 1:client：hello，服务端,"
                                        "opcode:1,fin:1");
    answer = fake_next(peer);
    assert_non_null(answer);
    assert_int_equal(answer->kind, BAY_TEXT);
    assert_int_equal(answer->len, 14);
    assert_string_equal(answer->data, "this is server");
    assert_null(fake_next(peer));

    fake_leave(peer);
    assert_string_equal(fake_log(fake), "client 1 closed");
    fake_destroy(fake);
}

static void test_binary(void **state)
{
    struct fake *fake = fake_create(&BAY_PLUGIN_SYMBOL, "/");
    struct fake_peer *peer;

    (void)state;
    assert_int_equal(fake_start(fake, 0), BAY_OK);
    fake_connect(fake, 0, "/");
    peer = fake_connect(fake, 0, "/");
    fake_message(peer, BAY_BINARY, "abc", 3);
    assert_string_equal(fake_log(fake), "receive from 2:abc,opcode:2,fin:1");
    assert_string_equal(fake_next(peer)->data, "this is server");
    fake_destroy(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_binary),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
