/* test_head.c - the head of a request, read strictly */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/head.h"

#define HOST  "Host: x\r\n"
#define START "GET /a HTTP/1.1\r\n" HOST

static char *tidied; /* of the last head that was read */

/* In a block of its own size, so that a sanitizer sees a step too far. */
static struct head read_bytes(const char *data, size_t len)
{
    struct head head;

    free(tidied);
    tidied = malloc(len + 1);
    memcpy(tidied, data, len);
    head_read(&head, tidied, len);
    assert_true(head.len <= len);
    tidied[head.len] = '\0';
    return head;
}

static struct head read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void refuses(int status, const char *text)
{
    struct head head = read_text(text);

    if (head.status != status) {
        print_error("%s: %d instead of %d\n", text, head.status, status);
    }
    assert_int_equal(head.status, status);
    assert_non_null(head.why);
}

static void becomes(const char *text, const char *expected)
{
    struct head head = read_text(text);

    assert_int_equal(head.status, 0);
    assert_string_equal(tidied, expected);
}

static void test_the_end_of_a_head(void **state)
{
    (void)state;
    assert_int_equal(head_end("", 0), 0);
    assert_int_equal(head_end("\r\n\r\n\r\n", 6), 0);
    assert_int_equal(head_end("a\r\n\r\nb", 6), 5);
    assert_int_equal(head_end("\r\n\r\na\r\n\r\nb", 10), 9);
    assert_int_equal(head_end("a\n\nb", 4), 3);
    assert_int_equal(head_end("a\r\n\r", 4), 0);
    assert_int_equal(head_end("a\r\nb\r\n", 6), 0);
}

static void test_what_may_become_one(void **state)
{
    static const char *const good[] = {
        "", "\r\n", "\r", "G", "GET", "GET /x"
    };
    static const char *const bad[] = { " ",        "\x16\x03",
                                       "\x81\x85", "GE(",
                                       "\r\n\xff", "A123456789B123456789C123" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(head_may_come(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(head_may_come(bad[i], strlen(bad[i])));
    }
    assert_false(head_may_come("\0", 1));
}

static void test_a_plain_request(void **state)
{
    struct head head = read_text(START "X: y z\r\n\r\n");

    (void)state;
    assert_int_equal(head.status, 0);
    assert_false(head.websocket);
    assert_false(head.opaque);
    assert_int_equal(head.body, 0);
    assert_string_equal(tidied, START "X: y z\r\n\r\n");
}

static void test_a_handshake(void **state)
{
    (void)state;
    assert_true(read_text(START "upgrade: WebSocket\r\n\r\n").websocket);
    assert_string_equal(tidied, START "upgrade: websocket\r\n\r\n");
    assert_true(
        read_text(START "Upgrade: h2c , websocket\t\r\n\r\n").websocket);
    assert_string_equal(tidied, START "Upgrade: websocket\r\n\r\n");
    assert_false(read_text(START "Upgrade: websockets\r\n\r\n").websocket);
    assert_string_equal(tidied, START "\r\n");
    assert_false(read_text(START "Upgrade: h2c\r\n\r\n").websocket);
    assert_true(read_text(START "Upgrade: websocket\r\nUpgrade: websocket\r\n"
                                "\r\n")
                    .websocket);
    assert_string_equal(tidied, START "Upgrade: websocket\r\n\r\n");
}

static void test_values_are_tidied(void **state)
{
    (void)state;
    becomes("\r\n" START "Sec-WebSocket-Key: \t abc== \t\r\n\r\n",
            START "Sec-WebSocket-Key: abc==\r\n\r\n");
    becomes("GET / HTTP/1.0\nX:\n\n", "GET / HTTP/1.0\nX:\n\n");
    becomes(START "X: a  b\tc \r\n\r\n", START "X: a  b\tc\r\n\r\n");
    becomes(START "Connection: , keep-alive,, Upgrade ,\r\n\r\n",
            START "Connection: keep-alive,Upgrade\r\n\r\n");
    becomes(START "Connection: , ,\r\n\r\n", START "\r\n");
    becomes(START "Sec-WebSocket-Extensions: a; b=\"c, \\\" d\" ,, e\r\n\r\n",
            START "Sec-WebSocket-Extensions: a; b=\"c, \\\" d\",e\r\n\r\n");
    becomes(START "Sec-WebSocket-Protocol: a \"b\r\n\r\n",
            START "Sec-WebSocket-Protocol: a \"b\r\n\r\n");
    becomes(START "X:y\r\n\r\n", START "X:y\r\n\r\n");
    becomes(START "X: a,,b\r\n\r\n", START "X: a,,b\r\n\r\n");
}

static void test_bodies(void **state)
{
    struct head head = read_text(START "Content-Length: 12\r\n\r\n");

    (void)state;
    assert_int_equal(head.body, 12);
    assert_false(head.opaque);
    assert_true(read_text(START "Content-Length: 1x\r\n\r\n").opaque);
    assert_true(read_text(START "Content-Length:\r\n\r\n").opaque);
    assert_true(
        read_text(START "Content-Length: 9999999999999999999\r\n\r\n").opaque);
    assert_true(read_text(START "Content-Length: 1\r\nContent-Length: 1\r\n"
                                "\r\n")
                    .opaque);
    assert_true(read_text(START "Transfer-Encoding: chunked\r\n\r\n").opaque);
    refuses(400, START "Upgrade: websocket\r\nContent-Length: 1\r\n\r\n");
    refuses(400, START "Transfer-Encoding: x\r\nUpgrade: websocket\r\n\r\n");
    assert_int_equal(
        read_text(START "Upgrade: websocket\r\nContent-Length: 0\r\n\r\n")
            .status,
        0);
}

static void test_request_lines(void **state)
{
    static const char *const good[] = {
        "GET / HTTP/1.1",
        "HEAD /%41%fF?x HTTP/1.0",
        "OPTIONS * HTTP/1.1",
        "POST http://x/ HTTP/1.1",
        "DELETE /\xc3\xa9 HTTP/1.1",
        "PUT / HTTP/1.1",
        "PATCH / HTTP/1.1",
    };
    static const struct {
        int status;
        const char *line;
    } bad[] = {
        { 400, "GET" },
        { 400, "GET " },
        { 400, "GET /" },
        { 400, "GET / " },
        { 400, "GET  / HTTP/1.1" },
        { 400, "GET / HTTP/1.1 " },
        { 400, "GET / HTTP/1.1x" },
        { 400, "GET / http/1.1" },
        { 400, "GET / x HTTP/1.1" },
        { 400, "GET /\x7f HTTP/1.1" },
        { 400, "GET /\x01 HTTP/1.1" },
        { 400, "GET /a\tb HTTP/1.1" },
        { 400, "GET /a\rb HTTP/1.1" },
        { 400, "GET /%4 HTTP/1.1" },
        { 400, "GET /%zz HTTP/1.1" },
        { 400, "GET /%00 HTTP/1.1" },
        { 400, " GET / HTTP/1.1" },
        { 400, "G(T / HTTP/1.1" },
        { 405, "CONNECT x:1 HTTP/1.1" },
        { 501, "get / HTTP/1.1" },
        { 501, "FETCH / HTTP/1.1" },
        { 505, "GET / HTTP/2.0" },
        { 505, "PRI * HTTP/2.0" },
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, "%s\r\n" HOST "\r\n", good[i]);
        assert_int_equal(read_text(text).status, 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "%s\r\n" HOST "\r\n", bad[i].line);
        refuses(bad[i].status, text);
    }
}

static void test_headers_that_are_none(void **state)
{
    static const char nul[] = START "X: a\0b\r\n\r\n";

    (void)state;
    refuses(400, START "X: a\r\n b\r\n\r\n");
    refuses(400, START "\tX: a\r\n\r\n");
    refuses(400, START "X : a\r\n\r\n");
    refuses(400, START ": a\r\n\r\n");
    refuses(400, START "X\r\n\r\n");
    refuses(400, START "X(: a\r\n\r\n");
    refuses(400, START "X: a\rb\r\n\r\n");
    refuses(400, START "X: \x7f\r\n\r\n");
    refuses(400, START HOST "\r\n");
    refuses(400, "GET /a HTTP/1.1\r\n\r\n");
    refuses(400, "GET /a HTTP/1.1\r\nX: y\r\n\r\n");
    assert_int_equal(read_bytes(nul, sizeof nul - 1).status, 400);
}

static struct head read_many(unsigned parameters, unsigned headers)
{
    static char text[8000];
    char *at = text;

    at += sprintf(at, "GET /a");
    for (unsigned i = 0; i < parameters; i++) {
        at += sprintf(at, "%cp=%u", i == 0 ? '?' : '&', i);
    }
    at += sprintf(at, " HTTP/1.0\r\n");
    for (unsigned i = 0; i < headers; i++) {
        at += sprintf(at, "X-%u: %u\r\n", i, i);
    }
    sprintf(at, "\r\n");
    return read_text(text);
}

static void test_so_many_fields(void **state)
{
    (void)state;
    assert_int_equal(read_many(0, HEAD_FIELDS_MAX).status, 0);
    assert_int_equal(read_many(HEAD_FIELDS_MAX, 0).status, 0);
    assert_int_equal(read_many(HEAD_FIELDS_MAX - 9, 9).status, 0);
    assert_int_equal(read_many(0, HEAD_FIELDS_MAX + 1).status, 431);
    assert_int_equal(read_many(HEAD_FIELDS_MAX + 1, 0).status, 431);
    assert_int_equal(read_many(HEAD_FIELDS_MAX - 9, 10).status, 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_end_of_a_head),
        cmocka_unit_test(test_what_may_become_one),
        cmocka_unit_test(test_a_plain_request),
        cmocka_unit_test(test_a_handshake),
        cmocka_unit_test(test_values_are_tidied),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_request_lines),
        cmocka_unit_test(test_headers_that_are_none),
        cmocka_unit_test(test_so_many_fields),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(tidied);
    return failed;
}
