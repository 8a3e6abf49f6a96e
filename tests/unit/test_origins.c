/* test_origins.c - the pages that may connect */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/origins.h"

static void gives(const char *text, const char *expected)
{
    struct conf_limits limits = { 0 };
    struct buf why = { 0 };
    struct buf all = { 0 };

    assert_int_equal(origins_parse(&limits, text, &why), 0);
    assert_int_equal(why.len, 0);
    for (size_t i = 0; i < limits.origin_count; i++) {
        buf_addf(&all, "<%s>", limits.origins[i]);
    }
    assert_string_equal(all.data, expected);
    origins_free(&limits);
    assert_int_equal(limits.origin_count, 0);
    buf_free(&all);
    buf_free(&why);
}

static void refuses(const char *text, const char *expected)
{
    struct conf_limits limits = { 0 };
    struct buf why = { 0 };

    assert_int_equal(origins_parse(&limits, text, &why), -1);
    assert_string_equal(why.data, expected);
    origins_free(&limits);
    buf_free(&why);
}

/* As browsers send them: lower case, without the scheme's own port */
static void good(void **state)
{
    (void)state;
    gives("*", "<*>");
    gives("https://example.org", "<https://example.org>");
    gives("HTTPS://Example.ORG", "<https://example.org>");
    gives("https://a.org, http://localhost:8080",
          "<https://a.org><http://localhost:8080>");
    gives("https://a.org:443, http://a.org:80, http://a.org:443, "
          "https://a.org:0080",
          "<https://a.org><http://a.org><http://a.org:443><https://a.org:80>");
    gives("http://[::1]:8080, http://127.0.0.1",
          "<http://[::1]:8080><http://127.0.0.1>");
    gives("chrome-extension://abcdef", "<chrome-extension://abcdef>");
    gives("https://xn--bcher-kva.example", "<https://xn--bcher-kva.example>");
}

#define NOT                                                                 \
    " is no origin, such as https://example.org or http://localhost:8080, " \
    "and not * for any"

static void bad(void **state)
{
    (void)state;
    refuses("example.org",
            "\"example.org\"" NOT ", did you mean \"https://example.org\"?");
    refuses("localhost:8080", "\"localhost:8080\"" NOT
                              ", did you mean \"https://localhost:8080\"?");
    refuses("null", "\"null\"" NOT);
    refuses("", "\"\"" NOT);
    refuses("https://a.org,", "\"\"" NOT);
    refuses("https://", "\"https://\"" NOT);
    refuses("https://*.example.org", "\"https://*.example.org\"" NOT);
    refuses("https://a b", "\"https://a b\"" NOT);
    refuses("https://user@a.org", "\"https://user@a.org\"" NOT);
    refuses("https://a.org:0", "\"https://a.org:0\"" NOT);
    refuses("https://a.org:65536", "\"https://a.org:65536\"" NOT);
    refuses("https://a.org:99999999999999999999",
            "\"https://a.org:99999999999999999999\"" NOT);
    refuses("https://a.org:", "\"https://a.org:\"" NOT);
    refuses("https://a.org:80x", "\"https://a.org:80x\"" NOT);
    refuses("https://[::1", "\"https://[::1\"" NOT);
    refuses("https://[abc]", "\"https://[abc]\"" NOT);
    refuses("https://b\xc3\xbc"
            "cher.example",
            "\"https://b\xc3\xbc"
            "cher.example\"" NOT);
    refuses("https://a.org/", "\"https://a.org/\": an origin ends with the "
                              "host or port, did you mean \"https://a.org\"?");
    refuses("https://a.org:8443/chat?x",
            "\"https://a.org:8443/chat?x\": an origin ends with the host or "
            "port, did you mean \"https://a.org:8443\"?");
    refuses("*, https://a.org", "* allows any origin and stands alone");
    refuses("https://a.org, *", "* allows any origin and stands alone");
}

static void copies(void **state)
{
    struct conf_limits from = { 0 };
    struct conf_limits to = { 0 };
    struct buf why = { 0 };

    (void)state;
    assert_int_equal(origins_parse(&from, "http://a, http://b", &why), 0);
    assert_int_equal(origins_parse(&to, "http://old", &why), 0);
    assert_int_equal(origins_copy(&to, &from), 0);
    origins_free(&from);
    assert_int_equal(to.origin_count, 2);
    assert_string_equal(to.origins[0], "http://a");
    assert_string_equal(to.origins[1], "http://b");
    assert_int_equal(origins_copy(&to, &from), 0);
    assert_int_equal(to.origin_count, 0);
    assert_null(to.origins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(bad),
        cmocka_unit_test(copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
