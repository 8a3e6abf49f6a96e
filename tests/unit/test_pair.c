/* test_pair.c - a certificate and its key, of PEM texts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <string.h>

#include "certificate.h"
#include "folder.h"
#include "net/pair.h"

static char cert[8192], key[4096], other_cert[8192], other_key[4096];
static char why[256];

static void read_file(const char *name, char *text, size_t size)
{
    FILE *file = fopen(folder_file(name), "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, size - 1, file);
    text[len] = 0;
    fclose(file);
}

static int make(void **state)
{
    if (folder_make(state) < 0) {
        return -1;
    }
    certificate_make(folder_file("c.pem"), folder_file("k.pem"));
    read_file("c.pem", cert, sizeof cert);
    read_file("k.pem", key, sizeof key);
    certificate_make(folder_file("c.pem"), folder_file("k.pem"));
    read_file("c.pem", other_cert, sizeof other_cert);
    read_file("k.pem", other_key, sizeof other_key);
    return 0;
}

static struct pair *take(const char *cert_pem, const char *key_pem)
{
    return pair_read(cert_pem, key_pem, why, sizeof why);
}

static void belongs_together(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    char chain[16384];
    struct pair *pair;

    (void)state;
    snprintf(chain, sizeof chain, "%s%s", cert, cert);
    pair = take(chain, key);
    assert_non_null(pair);
    pair_use(&pair, 13, ctx);
    assert_true((SSL_CTX_get_options(ctx) & SSL_OP_NO_TLSv1_2) != 0);
    pair_use(&pair, 12, ctx);
    assert_true((SSL_CTX_get_options(ctx) & SSL_OP_NO_TLSv1_2) == 0);
    SSL_CTX_free(ctx);
    pair_free(pair);
    pair_free(NULL);
}

/* Both ends in memory, as far as they get. */
static void shake_hands(SSL *server, SSL *client)
{
    BIO *up = BIO_new(BIO_s_mem());
    BIO *down = BIO_new(BIO_s_mem());

    BIO_up_ref(up);
    BIO_up_ref(down);
    SSL_set_bio(server, up, down);
    SSL_set_bio(client, down, up);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
}

/* A client may be silent for as long as it takes to renew the pair. */
static void is_renewed_before_the_first_word(void **state)
{
    SSL_CTX *served = SSL_CTX_new(TLS_server_method());
    SSL_CTX *asking = SSL_CTX_new(TLS_client_method());
    struct pair *pair = take(cert, key);
    struct pair *next = take(other_cert, other_key);
    SSL *server, *client = SSL_new(asking);
    BIO *text = BIO_new_mem_buf(other_cert, -1);
    X509 *expected = PEM_read_bio_X509(text, NULL, NULL, NULL);
    X509 *shown;

    (void)state;
    BIO_free(text);
    assert_non_null(pair);
    assert_non_null(next);
    pair_use(&pair, 12, served);
    server = SSL_new(served);
    pair_free(pair);
    pair = next;
    pair_use(&pair, 12, served);

    shake_hands(server, client);
    assert_true(SSL_is_init_finished(client));
    shown = SSL_get1_peer_certificate(client);
    assert_int_equal(X509_cmp(shown, expected), 0);
    X509_free(expected);
    X509_free(shown);
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(served);
    SSL_CTX_free(asking);
    pair_free(pair);
}

static void says_what_is_wrong(void **state)
{
    char broken[sizeof cert + 256];

    (void)state;
    assert_null(take(cert, other_key));
    assert_string_equal(why, "[tls] key: not the private key of the "
                             "certificate: key values mismatch");
    assert_null(take(cert, cert));
    assert_null(take("nonsense", key));
    assert_string_equal(why, "[tls] cert: no PEM certificate: no start line");
    assert_null(take("", key));
    /* A chain that breaks off. */
    snprintf(broken, sizeof broken, "%s%.200s", cert, cert);
    assert_null(take(broken, key));
    assert_non_null(strstr(why, "[tls] cert: no PEM certificate: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(belongs_together, make, folder_remove),
        cmocka_unit_test_setup_teardown(is_renewed_before_the_first_word, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
