/* test_certificate.c - the [certificate.NAME] sections */
#include "base/buf.h"
#include "ini_file.h"

/* Files that are there whatever the test. */
#define TLS  "[tls]\ncert = /etc/passwd\nkey = /etc/group\n"
#define PAIR "cert = /etc/passwd\nkey = /etc/group\n"

static void names_and_files(void **state)
{
    struct conf *conf =
        ini_file_load(TLS "client_ca = /etc/hosts\n"
                          "client_verify = optional\n"
                          "ciphers = HIGH\n"
                          "[certificate.shop]\n"
                          "key = /etc/group\n"
                          "names = Shop.example, *.b.example\n"
                          "cert = /etc/passwd\n"
                          "[certificate.other]\nnames = o.example\n" PAIR);
    const struct conf_certificate *shop = &conf->certificates[0];

    (void)state;
    assert_string_equal(conf->tls_client_ca, "/etc/hosts");
    assert_int_equal(conf->tls_client_ca_line, 4);
    assert_int_equal(conf->tls_client_verify, CONF_VERIFY_OPTIONAL);
    assert_string_equal(conf->tls_ciphers, "HIGH");
    assert_int_equal(conf->tls_ciphers_line, 6);
    assert_int_equal(conf->certificate_count, 2);
    assert_string_equal(shop->name, "shop");
    assert_int_equal(shop->name_count, 2);
    assert_string_equal(shop->names[0], "shop.example");
    assert_string_equal(shop->names[1], "*.b.example");
    assert_string_equal(shop->cert, "/etc/passwd");
    assert_string_equal(shop->key, "/etc/group");
    assert_int_equal(shop->key_line, 8);
    assert_int_equal(shop->names_line, 9);
    assert_int_equal(shop->cert_line, 10);
    assert_string_equal(conf->certificates[1].name, "other");
    conf_free(conf);
    conf = ini_file_load(TLS);
    assert_int_equal(conf->certificate_count, 0);
    assert_null(conf->tls_client_ca);
    assert_int_equal(conf->tls_client_verify, CONF_VERIFY_REQUIRED);
    assert_string_equal(conf->tls_ciphers, "ECDHE+AESGCM:ECDHE+CHACHA20");
    conf_free(conf);
}

static void mistakes(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "[certificate.a]\nnames = a.example\n" PAIR,
          "p.ini:2: [certificate.a]: needs a certificate for all other names: "
          "cert = FILE and key = FILE in [tls]\n" },
        { TLS "[certificate.a]\nnames = a.example\ncert = /etc/passwd\n",
          "p.ini:4: [certificate.a] key: is missing, as in key = FILE\n" },
        { TLS "[certificate.a]\n" PAIR,
          "p.ini:4: [certificate.a] names: is missing, as in names = "
          "www.example.org, *.example.com\n" },
        { TLS "[certificate.a]\nnames =\n" PAIR,
          "p.ini:5: [certificate.a] names: is empty\n" },
        { TLS "[certificate.a]\nnames = a.example\nname = b\n" PAIR,
          "p.ini:6: [certificate.a] name: unknown key, did you mean "
          "\"names\"?\n" },
        { TLS "[certificate.a]\nnames = a.example, A.example\n" PAIR,
          "p.ini:5: [certificate.a] names: \"a.example\" is a name of "
          "[certificate.a] (line 5) already\n" },
        { TLS "[certificate.a]\nnames = a.example\n" PAIR
              "[certificate.b]\nnames = x, a.example\n" PAIR,
          "p.ini:9: [certificate.b] names: \"a.example\" is a name of "
          "[certificate.a] (line 5) already\n" },
        { TLS "[certificate.a b]\nnames = a.example\n" PAIR,
          "p.ini:4: [certificate.a b]: \"a b\" is not a name, which has 1 to "
          "63 lower case letters, digits, _ and -\n" },
        { TLS "[certificate]\n",
          "p.ini:4: [certificate]: unknown section, did you mean "
          "[certificate.NAME]?\n" },
        { TLS "client_verify = optional\n",
          "p.ini:4: [tls] client_verify: needs the authorities of clients: "
          "client_ca = FILE\n" },
        { "[tls]\nclient_ca = /etc/hosts\n",
          "p.ini:2: [tls] client_ca: needs TLS: cert = FILE and key = FILE\n" },
        { TLS "client_ca = /etc/hosts\nclient_verify = maybe\n",
          "p.ini:5: [tls] client_verify: \"maybe\" is unknown, allowed is "
          "required or optional\n" },
        { TLS "client_ca = /nowhere\n",
          "p.ini:4: [tls] client_ca: /nowhere does not exist\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ini_file_refuse(cases[i].text, cases[i].said);
    }
}

static void as_many_as_allowed(void **state)
{
    struct buf text = { 0 };
    struct conf *conf;

    (void)state;
    buf_adds(&text, TLS);
    for (int i = 0; i < CONF_MAX_CERTIFICATES; i++) {
        buf_addf(&text, "[certificate.c%d]\nnames = n%d\n" PAIR, i, i);
    }
    conf = ini_file_load(text.data);
    assert_int_equal(conf->certificate_count, CONF_MAX_CERTIFICATES);
    conf_free(conf);
    buf_adds(&text, "[certificate.x]\nnames = x\n" PAIR);
    ini_file_refuse(text.data, "p.ini:260: [certificate.x]: more than 64 "
                               "certificates\n");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_files),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(as_many_as_allowed),
    };

    return cmocka_run_group_tests(tests, ini_file_set_up, ini_file_tear_down);
}
