/* test_identity.c - what TLS has found out about a client; the rest of it is in
 * test_keyring.c, where handshakes are made */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority.h"
#include "net/identity.h"

static void has_its_names_alone(void **state)
{
    (void)state;
    assert_true(identity_has("tls-client-subject"));
    assert_true(identity_has("TLS-Anything"));
    assert_true(identity_has("tls-"));
    assert_false(identity_has("tls"));
    assert_false(identity_has("x-tls-client-subject"));
    assert_false(identity_has(""));
}

static int any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

/* Names are text of a certificate: no line ends, and ASCII only. */
static void escapes_names(void **state)
{
    SSL_CTX *served = SSL_CTX_new(TLS_server_method());
    SSL_CTX *asking = SSL_CTX_new(TLS_client_method());
    struct holder authority, odd;
    SSL *server, *client;
    char *text;

    (void)state;
    holder_make(&authority, "authority", NULL, 1);
    holder_make(&odd, "a,b=c\r\nx: \xc3\xa9", &authority, 2);
    SSL_CTX_use_certificate(served, authority.cert);
    SSL_CTX_use_PrivateKey(served, authority.key);
    SSL_CTX_use_certificate(asking, odd.cert);
    SSL_CTX_use_PrivateKey(asking, odd.key);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(served), authority.cert);
    SSL_CTX_set_verify(served, SSL_VERIFY_PEER, NULL);
    server = SSL_new(served);
    client = SSL_new(asking);
    assert_true(shake_hands(server, client));
    text = identity_text(server, "tls-client-subject");
    assert_non_null(text);
    assert_string_equal(text, "CN=a\\,b=c\\0D\\0Ax: \\C3\\A9");
    free(text);
    SSL_free(server);
    SSL_free(client);

    /* Nothing of one that is not valid, whoever has let it in. */
    SSL_CTX_set_verify(served, SSL_VERIFY_PEER, any);
    SSL_CTX_use_certificate(asking, authority.cert);
    SSL_CTX_use_PrivateKey(asking, authority.key);
    SSL_CTX_set_cert_store(served, X509_STORE_new());
    server = SSL_new(served);
    client = SSL_new(asking);
    assert_true(shake_hands(server, client));
    text = identity_text(server, "tls-client-verify");
    assert_string_equal(text, "none");
    free(text);
    assert_null(identity_text(server, "tls-client-subject"));
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(served);
    SSL_CTX_free(asking);
    holder_free(&authority);
    holder_free(&odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_its_names_alone),
        cmocka_unit_test(escapes_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
