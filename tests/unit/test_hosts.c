/* test_hosts.c - the names of hosts a certificate is for */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/hosts.h"

static void gives(const char *text, const char *expected)
{
    struct conf_certificate certificate = { .name = NULL };
    struct buf why = { 0 }, all = { 0 };

    assert_int_equal(hosts_parse(&certificate, text, &why), 0);
    for (size_t i = 0; i < certificate.name_count; i++) {
        buf_addf(&all, "<%s>", certificate.names[i]);
    }
    assert_string_equal(all.data, expected);
    hosts_free(&certificate);
    buf_free(&all);
    buf_free(&why);
}

static void refuses(const char *text, const char *part)
{
    struct conf_certificate certificate = { .name = NULL };
    struct buf why = { 0 };

    assert_int_equal(hosts_parse(&certificate, text, &why), -1);
    if (strstr(why.data, part) == NULL) {
        fail_msg("%s", why.data);
    }
    hosts_free(&certificate);
    buf_free(&why);
}

static void parses(void **state)
{
    char label[80], text[400];

    (void)state;
    gives("a.example", "<a.example>");
    gives("A.Example, *.B.example", "<a.example><*.b.example>");
    gives("localhost, a.example., xn--bcher-kva.example, _x.y",
          "<localhost><a.example><xn--bcher-kva.example><_x.y>");
    refuses("", "\"\" is not the name of a host");
    refuses("a.example,", "\"\" is not the name");
    refuses("https://a.example", "is not the name");
    refuses("a.example:443", "is not the name");
    refuses("*", "\"*\" is not the name");
    refuses("*.", "is not the name");
    refuses("a.*.example", "is not the name");
    refuses("x*.example", "is not the name");
    refuses("*.*.example", "is not the name");
    refuses("a..example", "is not the name");
    refuses(".example", "is not the name");
    refuses("-a.example", "is not the name");
    refuses("a-.example", "is not the name");
    refuses("a b.example", "is not the name");
    refuses("caf\xc3\xa9.example", "is not the name");
    refuses("127.0.0.1", "clients ask for names");
    refuses("::1", "clients ask for names");
    refuses("[fe80::1]", "clients ask for names");
    memset(label, 'x', 64);
    label[64] = 0;
    refuses(label, "is not the name");
    label[63] = 0;
    snprintf(text, sizeof text, "<%s>", label);
    gives(label, text);
    snprintf(text, sizeof text, "%s.%s.%s.%s", label, label, label, label);
    refuses(text, "is not the name");
}

static void finds(void **state)
{
    char *a[] = { (char[]){ "*.b.example" }, (char[]){ "a.example" } };
    char *b[] = { (char[]){ "x.b.example" }, (char[]){ "*.c.b.example" } };
    struct conf_certificate list[] = {
        { .names = a, .name_count = 2 },
        { .names = b, .name_count = 2 },
    };
    const struct conf conf = { .certificates = list, .certificate_count = 2 };
    static const struct {
        const char *name;
        int expected; /* -1: none */
    } cases[] = {
        { NULL, -1 },          { "", -1 },
        { ".", -1 },           { "a.example", 0 },
        { "A.EXAMPLE", 0 },    { "a.example.", 0 },
        { "xa.example", -1 },  { "x.a.example", -1 },
        { "y.b.example", 0 },  { "Y.B.Example.", 0 },
        { "x.b.example", 1 },  { "b.example", -1 },
        { ".b.example", -1 },  { "y.c.b.example", 1 },
        { "c.b.example", 0 },  { "z.y.b.example", -1 },
        { "*.b.example", 0 },  { "y.b.example.evil", -1 },
        { "a.example..", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct conf_certificate *found = hosts_find(&conf, cases[i].name);

        if (found !=
            (cases[i].expected < 0 ? NULL : &list[cases[i].expected])) {
            fail_msg("%s", cases[i].name != NULL ? cases[i].name : "NULL");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
