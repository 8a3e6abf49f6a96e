/* test_talk_url.c - the URLs a person types */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/talk_url.h"

static void good(void **state)
{
    static const struct {
        const char *text;
        bool tls;
        const char *host, *authority;
        unsigned port;
        const char *target;
    } cases[] = {
        { "ws://localhost:9501/chat?name=a%20b", false, "localhost",
          "localhost:9501", 9501, "/chat?name=a%20b" },
        { "wss://example.org", true, "example.org", "example.org", 443, "/" },
        { "WSS://example.org:8443?x", true, "example.org", "example.org:8443",
          8443, "/?x" },
        { "localhost:9501/echo", false, "localhost", "localhost:9501", 9501,
          "/echo" },
        { "http://[::1]:80/", false, "::1", "[::1]:80", 80, "/" },
        { "https://a", true, "a", "a", 443, "/" },
        { "a", false, "a", "a", 80, "/" },
    };
    char why[128];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct talk_url url;

        assert_int_equal(talk_url_parse(&url, cases[i].text, why, sizeof why),
                         0);
        assert_int_equal(url.tls, cases[i].tls);
        assert_string_equal(url.host, cases[i].host);
        assert_string_equal(url.authority, cases[i].authority);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.target, cases[i].target);
    }
}

static void bad(void **state)
{
    static const char *const cases[][2] = {
        { "ftp://a", "begins with ftp://, but only" },
        { "ws://", "has no host" },
        { "", "has no host" },
        { "ws:///path", "has no host" },
        { "ws://[::1", "has no host" },
        { "ws://u:p@a/", "has a port that is not" },
        { "ws://u@a/", "has a user in it" },
        { "ws://a:0/", "has a port that is not" },
        { "ws://a:65536/", "has a port that is not" },
        { "ws://a:x/", "has a port that is not" },
        { "ws://a:-1/", "has a port that is not" },
        { "ws://a/#b", "has a #" },
        { "ws://a#b", "has a #" },
        { "ws://a/b c", "has blanks in it" },
        { "ws://[::1]x", "does not go on with a path" },
    };
    struct talk_url url;
    char long_one[5000];
    char why[128];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(talk_url_parse(&url, cases[i][0], why, sizeof why),
                         -1);
        assert_non_null(strstr(why, cases[i][1]));
    }
    memset(long_one, 'x', sizeof long_one);
    memcpy(long_one, "ws://a/", 7);
    long_one[sizeof long_one - 1] = '\0';
    assert_int_equal(talk_url_parse(&url, long_one, why, sizeof why), -1);
    assert_string_equal(why, "is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
