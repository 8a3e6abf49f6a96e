/* test_address.c - socket addresses as people write them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "proc/address.h"

static void formats(void **state)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons(9501),
                              .sin_addr.s_addr = htonl(0x7f000001) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                .sin6_port = htons(80),
                                .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char out[ADDRESS_SIZE];

    (void)state;
    assert_string_equal(
        address_format((const void *)&in, sizeof in, out, sizeof out),
        "127.0.0.1:9501");
    assert_string_equal(
        address_format((const void *)&in6, sizeof in6, out, sizeof out),
        "[::1]:80");
    strcpy(un.sun_path, "/run/x.sock");
    assert_string_equal(
        address_format((const void *)&un, sizeof un, out, sizeof out),
        "unix:/run/x.sock");
    memcpy(un.sun_path, "\0name", 5);
    assert_string_equal(
        address_format((const void *)&un,
                       offsetof(struct sockaddr_un, sun_path) + 5, out,
                       sizeof out),
        "unix:@name");
}

static void formats_the_longest_path(void **state)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char out[ADDRESS_SIZE];

    (void)state;
    memset(un.sun_path, 'x', sizeof un.sun_path); /* no 0 byte */
    address_format((const void *)&un, sizeof un, out, sizeof out);
    assert_int_equal(strlen(out), 5 + sizeof un.sun_path);
}

static void makes_urls_that_open(void **state)
{
    static const struct {
        const char *text;
        const char *url;
    } table[] = {
        { "localhost:0", "http://localhost:77" },
        { "127.0.0.1:77", "http://127.0.0.1:77" },
        { "[::1]:77", "http://[::1]:77" },
        { "0.0.0.0:77", "http://localhost:77" },
        { "[::]:77", "http://localhost:77" },
        { "*:77", "http://localhost:77" },
        { "77", "http://localhost:77" },
        { "chat.example.org:77", "http://chat.example.org:77" },
    };
    char out[ADDRESS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_string_equal(
            address_url(table[i].text, 77, false, out, sizeof out),
            table[i].url);
    }
    assert_string_equal(address_url("a:1", 1, true, out, sizeof out),
                        "https://a:1");
}

static void sets_ports(void **state)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    (void)state;
    address_set_port((void *)&in, 1234);
    address_set_port((void *)&in6, 4321);
    address_set_port((void *)&un, 5);
    assert_int_equal(address_port((const void *)&in), 1234);
    assert_int_equal(address_port((const void *)&in6), 4321);
    assert_int_equal(address_port((const void *)&un), 0);
    assert_int_equal(un.sun_path[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(formats_the_longest_path),
        cmocka_unit_test(makes_urls_that_open),
        cmocka_unit_test(sets_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
