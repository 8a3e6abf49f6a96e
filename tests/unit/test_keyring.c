/* test_keyring.c - which certificate a client gets, and who has to show one */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority.h"
#include "net/identity.h"
#include "net/keyring.h"

static struct holder authority, other_authority;
static struct holder fallback, shop, wild, renewed, alice, mallory, revoked;
static struct conf_certificate certificates[2];
static struct conf conf;
static struct pems pems;
static char why[512];

static char shop_name[] = "shop", wild_name[] = "wild", ca_file[] = "ca.pem";
static char *shop_names[] = { (char[]){ "shop.example" },
                              (char[]){ "WWW.shop.example" } };
static char *wild_names[] = { (char[]){ "*.b.example" } };

static int make(void **state)
{
    (void)state;
    holder_make(&authority, "authority", NULL, 1);
    holder_make(&other_authority, "other authority", NULL, 2);
    holder_make(&fallback, "fallback", NULL, 3);
    holder_make(&shop, "shop", NULL, 4);
    holder_make(&wild, "wild", NULL, 5);
    holder_make(&renewed, "renewed", NULL, 6);
    holder_make(&alice, "alice", &authority, 0x1a2b);
    holder_make(&mallory, "mallory", &other_authority, 8);
    holder_make(&revoked, "revoked", &authority, 9);
    certificates[0] = (struct conf_certificate){ .name = shop_name,
                                                 .names = shop_names,
                                                 .name_count = 2 };
    certificates[1] = (struct conf_certificate){ .name = wild_name,
                                                 .names = wild_names,
                                                 .name_count = 1 };
    return 0;
}

static int unmake(void **state)
{
    struct holder *all[] = { &authority, &other_authority, &fallback, &shop,
                             &wild,      &renewed,         &alice,    &mallory,
                             &revoked };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        holder_free(all[i]);
    }
    return 0;
}

static int begin(void **state)
{
    (void)state;
    conf = (struct conf){ .certificates = certificates,
                          .certificate_count = 2,
                          .tls_min_version = 12 };
    return 0;
}

/* With the texts that are usual, and those of authorities, if conf has any. */
static struct keyring *take(const struct holder *first, const char *authorities)
{
    struct keyring *keyring;

    pems_add(&pems, first->cert_pem);
    pems_add(&pems, first->key_pem);
    pems_add(&pems, shop.cert_pem);
    pems_add(&pems, shop.key_pem);
    pems_add(&pems, wild.cert_pem);
    pems_add(&pems, wild.key_pem);
    if (authorities != NULL) {
        conf.tls_client_ca = ca_file;
        pems_add(&pems, authorities);
    }
    keyring = keyring_read(&conf, &pems, why, sizeof why);
    pems_free(&pems);
    return keyring;
}

struct talk {
    SSL_CTX *served, *asking;
    SSL *server, *client;
    struct keyring *keyring;
};

static void talk_begin(struct talk *talk, struct keyring *keyring)
{
    assert_non_null(keyring);
    talk->keyring = keyring;
    talk->served = SSL_CTX_new(TLS_server_method());
    talk->asking = SSL_CTX_new(TLS_client_method());
    talk->server = talk->client = NULL;
    keyring_use(&talk->keyring, talk->served);
}

static void talk_hang_up(struct talk *talk)
{
    /* As after a close, for the sessions' sake. */
    if (talk->client != NULL) {
        SSL_set_shutdown(talk->server, SSL_SENT_SHUTDOWN);
        SSL_set_shutdown(talk->client, SSL_SENT_SHUTDOWN);
    }
    SSL_free(talk->server);
    SSL_free(talk->client);
    talk->server = talk->client = NULL;
}

static void talk_end(struct talk *talk)
{
    talk_hang_up(talk);
    SSL_CTX_free(talk->served);
    SSL_CTX_free(talk->asking);
    keyring_free(talk->keyring);
}

/* A handshake with that name asked for and that certificate shown. */
static bool talk_try(struct talk *talk, const char *name,
                     const struct holder *shown)
{
    talk_hang_up(talk);
    talk->server = SSL_new(talk->served);
    talk->client = SSL_new(talk->asking);
    if (name != NULL) {
        SSL_set_tlsext_host_name(talk->client, (char *)(uintptr_t)name);
    }
    if (shown != NULL) {
        SSL_use_certificate(talk->client, shown->cert);
        SSL_use_PrivateKey(talk->client, shown->key);
    }
    return shake_hands(talk->server, talk->client);
}

static void gets(struct talk *talk, const char *name,
                 const struct holder *expected)
{
    X509 *shown;

    assert_true(talk_try(talk, name, NULL));
    shown = SSL_get0_peer_certificate(talk->client);
    if (X509_cmp(shown, expected->cert) != 0) {
        fail_msg("the certificate for %s", name != NULL ? name : "no name");
    }
}

/* What a hook sees of the client. */
static void sees(struct talk *talk, const char *header, const char *expected)
{
    char *text = identity_text(talk->server, header);

    if (expected == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_string_equal(text, expected);
    }
    free(text);
}

/* ---- names ------------------------------------------------------------- */

static void each_name_has_its_certificate(void **state)
{
    struct talk talk;

    (void)state;
    talk_begin(&talk, take(&fallback, NULL));
    gets(&talk, NULL, &fallback);
    gets(&talk, "nobody.example", &fallback);
    gets(&talk, "shop.example", &shop);
    gets(&talk, "SHOP.example", &shop);
    gets(&talk, "www.shop.example", &shop);
    gets(&talk, "a.shop.example", &fallback);
    gets(&talk, "x.b.example", &wild);
    gets(&talk, "b.example", &fallback);
    gets(&talk, "x.y.b.example", &fallback);
    sees(&talk, "TLS-Version", "TLSv1.3");
    sees(&talk, "tls-client-verify", "none");
    sees(&talk, "tls-client-subject", NULL);
    sees(&talk, "tls-nothing", NULL);
    talk_end(&talk);
}

/* A client may be silent for as long as it takes to renew all of them. */
static void is_renewed_before_the_first_word(void **state)
{
    struct talk talk;
    struct keyring *next;
    SSL *early;

    (void)state;
    talk_begin(&talk, take(&fallback, NULL));
    early = SSL_new(talk.served);
    next = take(&renewed, NULL);
    keyring_free(talk.keyring);
    talk.keyring = next;
    conf.tls_min_version = 13;
    keyring_use(&talk.keyring, talk.served);
    gets(&talk, NULL, &renewed);
    talk_hang_up(&talk);
    talk.server = early;
    talk.client = SSL_new(talk.asking);
    assert_true(shake_hands(talk.server, talk.client));
    assert_int_equal(
        X509_cmp(SSL_get0_peer_certificate(talk.client), renewed.cert), 0);
    talk_end(&talk);
}

/* ---- versions and ciphers ---------------------------------------------- */

static bool speaks(struct talk *talk, int version, const char *ciphers)
{
    SSL_CTX_set_min_proto_version(talk->asking, version);
    SSL_CTX_set_max_proto_version(talk->asking, version);
    SSL_CTX_set_security_level(talk->asking, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(talk->asking, ciphers), 1);
    return talk_try(talk, NULL, NULL);
}

static void speaks_what_it_is_told(void **state)
{
    struct talk talk;

    (void)state;
    conf.tls_ciphers = (char[]){ "ECDHE+AESGCM:ECDHE+CHACHA20" };
    talk_begin(&talk, take(&fallback, NULL));
    assert_true(speaks(&talk, TLS1_2_VERSION, "ALL"));
    assert_true(speaks(&talk, TLS1_3_VERSION, "ALL"));
    assert_false(speaks(&talk, TLS1_1_VERSION, "ALL"));
    assert_false(speaks(&talk, TLS1_VERSION, "ALL"));
    assert_true(speaks(&talk, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"));
    assert_false(speaks(&talk, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"));
    assert_false(speaks(&talk, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"));
    assert_false(speaks(&talk, TLS1_2_VERSION, "DHE+AESGCM"));
    conf.tls_min_version = 13;
    assert_false(speaks(&talk, TLS1_2_VERSION, "ALL"));
    assert_true(speaks(&talk, TLS1_3_VERSION, "ALL"));
    talk_end(&talk);
    assert_int_equal(keyring_check_ciphers("HIGH", why, sizeof why), 0);
    assert_int_equal(keyring_check_ciphers("nonsense", why, sizeof why), -1);
    assert_string_equal(why, "no cipher match");
}

/* ---- certificates of clients ------------------------------------------- */

static void asks_for_a_certificate(void **state)
{
    struct talk talk;

    (void)state;
    conf.tls_client_verify = CONF_VERIFY_REQUIRED;
    talk_begin(&talk, take(&fallback, authority.cert_pem));
    assert_true(talk_try(&talk, NULL, &alice));
    sees(&talk, "tls-client-verify", "valid");
    sees(&talk, "TLS-Client-Subject", "CN=alice");
    sees(&talk, "tls-client-issuer", "CN=authority");
    sees(&talk, "tls-client-serial", "1a2b");
    assert_false(talk_try(&talk, NULL, NULL));
    assert_false(talk_try(&talk, NULL, &mallory));
    assert_false(talk_try(&talk, NULL, &fallback)); /* signed by itself */
    talk_end(&talk);

    /* A wrong one is refused, none is not. */
    conf.tls_client_verify = CONF_VERIFY_OPTIONAL;
    talk_begin(&talk, take(&fallback, authority.cert_pem));
    assert_true(talk_try(&talk, NULL, NULL));
    sees(&talk, "tls-client-verify", "none");
    sees(&talk, "tls-client-subject", NULL);
    assert_false(talk_try(&talk, NULL, &mallory));
    assert_true(talk_try(&talk, NULL, &alice));
    sees(&talk, "tls-client-verify", "valid");
    talk_end(&talk);
}

static void tells_certificates_apart(void **state)
{
    struct talk talk;
    char *text;

    (void)state;
    conf.tls_client_verify = CONF_VERIFY_REQUIRED;
    talk_begin(&talk, take(&fallback, authority.cert_pem));
    assert_true(talk_try(&talk, NULL, &alice));
    text = identity_text(talk.server, "tls-client-fingerprint");
    assert_non_null(text);
    assert_int_equal(strlen(text), 64);
    assert_int_equal(strspn(text, "0123456789abcdef"), 64);
    free(text);
    talk_end(&talk);
    assert_null(identity_text(NULL, "tls-version"));
}

static void takes_back_what_was_revoked(void **state)
{
    char text[12288], list[4096];
    struct talk talk;

    (void)state;
    conf.tls_client_verify = CONF_VERIFY_REQUIRED;
    holder_revoke(&authority, 9, list, sizeof list);
    snprintf(text, sizeof text, "%s%s", authority.cert_pem, list);
    talk_begin(&talk, take(&fallback, authority.cert_pem));
    assert_true(talk_try(&talk, NULL, &revoked));
    talk_end(&talk);
    talk_begin(&talk, take(&fallback, text));
    assert_true(talk_try(&talk, NULL, &alice));
    assert_false(talk_try(&talk, NULL, &revoked));
    talk_end(&talk);
}

/* With the session of the talk before; whether the server knew it. */
static bool resumes(struct talk *talk, SSL_SESSION *session, bool *finished)
{
    talk_hang_up(talk);
    talk->server = SSL_new(talk->served);
    talk->client = SSL_new(talk->asking);
    SSL_set_session(talk->client, session);
    *finished = shake_hands(talk->server, talk->client);
    return SSL_session_reused(talk->server) == 1;
}

/* A session is no way around authorities that are trusted no more. */
static void resumes_no_session_of_other_authorities(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct talk talk;
    bool finished;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        SSL_SESSION *session;
        struct keyring *next;
        char byte;

        conf.tls_client_verify = CONF_VERIFY_REQUIRED;
        talk_begin(&talk, take(&fallback, authority.cert_pem));
        SSL_CTX_set_max_proto_version(talk.asking, versions[i]);
        assert_true(talk_try(&talk, NULL, &alice));
        SSL_read(talk.client, &byte, 1); /* a ticket */
        session = SSL_get1_session(talk.client);
        assert_true(resumes(&talk, session, &finished) && finished);
        sees(&talk, "tls-client-subject", "CN=alice");
        next = take(&fallback, other_authority.cert_pem);
        keyring_free(talk.keyring);
        talk.keyring = next;
        keyring_use(&talk.keyring, talk.served);
        assert_false(resumes(&talk, session, &finished));
        assert_false(finished);
        SSL_SESSION_free(session);
        talk_end(&talk);
    }
}

/* ---- what is wrong ----------------------------------------------------- */

static void says_what_is_wrong(void **state)
{
    struct keyring *keyring;

    (void)state;
    assert_null(take(&fallback, "nonsense"));
    assert_string_equal(why, "[tls] client_ca: no PEM certificates: there is "
                             "none in it");
    assert_null(take(&fallback, alice.key_pem));
    conf.tls_client_ca = NULL;
    keyring = take(&fallback, NULL);
    assert_non_null(keyring);
    keyring_free(keyring);
    keyring_free(NULL);
    pems_add(&pems, fallback.cert_pem);
    pems_add(&pems, shop.key_pem);
    for (int i = 0; i < 4; i++) {
        pems_add(&pems, "");
    }
    assert_null(keyring_read(&conf, &pems, why, sizeof why));
    assert_non_null(strstr(why, "[tls] key: not the private key"));
    pems_free(&pems);
    pems_add(&pems, fallback.cert_pem);
    pems_add(&pems, fallback.key_pem);
    assert_null(keyring_read(&conf, &pems, why, sizeof why));
    for (int i = 0; i < 4; i++) {
        pems_add(&pems, shop.cert_pem);
    }
    assert_null(keyring_read(&conf, &pems, why, sizeof why));
    if (strstr(why, "[certificate.shop] key: not the private key") == NULL) {
        fail_msg("%s", why);
    }
    pems_free(&pems);
    assert_int_equal(
        keyring_check_authorities(authority.cert_pem, why, sizeof why), 0);
    assert_int_equal(keyring_check_authorities("", why, sizeof why), -1);
    assert_int_equal(keyring_check_authorities(
                         "-----BEGIN CERTIFICATE-----\nx\n", why, sizeof why),
                     -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_name_has_its_certificate, begin),
        cmocka_unit_test_setup(is_renewed_before_the_first_word, begin),
        cmocka_unit_test_setup(speaks_what_it_is_told, begin),
        cmocka_unit_test_setup(asks_for_a_certificate, begin),
        cmocka_unit_test_setup(tells_certificates_apart, begin),
        cmocka_unit_test_setup(takes_back_what_was_revoked, begin),
        cmocka_unit_test_setup(resumes_no_session_of_other_authorities, begin),
        cmocka_unit_test_setup(says_what_is_wrong, begin),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
