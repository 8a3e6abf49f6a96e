/* authority.h - certificates that sign each other, made for one test */
#ifndef PATCHBAY_TESTS_AUTHORITY_H
#define PATCHBAY_TESTS_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

struct holder {
    X509 *cert;
    EVP_PKEY *key;
    char cert_pem[4096];
    char key_pem[2048];
};

static inline void holder_text(char *out, size_t size, BIO *bio)
{
    int len = BIO_read(bio, out, (int)size - 1);

    assert_true(len > 0);
    out[len] = 0;
    BIO_free(bio);
}

/* Signed by itself if by is NULL; then it may sign others. */
static inline void holder_make(struct holder *holder, const char *name,
                               const struct holder *by, long serial)
{
    static const char *const constraints[] = { "critical,CA:TRUE",
                                               "critical,CA:FALSE" };
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(
        NULL, NULL, NID_basic_constraints, constraints[by != NULL]);
    BIO *bio;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert,
                         X509_get_subject_name(by != NULL ? by->cert : cert));
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(cert, by != NULL ? by->key : key, EVP_sha256()) > 0);
    holder->cert = cert;
    holder->key = key;
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    holder_text(holder->cert_pem, sizeof holder->cert_pem, bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    holder_text(holder->key_pem, sizeof holder->key_pem, bio);
}

static inline void holder_free(struct holder *holder)
{
    X509_free(holder->cert);
    EVP_PKEY_free(holder->key);
}

/* Takes the certificate with that serial number back: a CRL in PEM. */
static inline void holder_revoke(const struct holder *by, long serial,
                                 char *pem, size_t size)
{
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -30);
    ASN1_TIME *next = X509_gmtime_adj(NULL, 86400);
    BIO *bio = BIO_new(BIO_s_mem());

    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(revoked, number);
    X509_REVOKED_set_revocationDate(revoked, now);
    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(by->cert));
    X509_CRL_set1_lastUpdate(list, now);
    X509_CRL_set1_nextUpdate(list, next);
    X509_CRL_add0_revoked(list, revoked);
    assert_true(X509_CRL_sign(list, by->key, EVP_sha256()) > 0);
    PEM_write_bio_X509_CRL(bio, list);
    holder_text(pem, size, bio);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    X509_CRL_free(list);
}

/* Both ends in memory, as far as they get: whether the client is done, and the
 * server. */
static inline bool shake_hands(SSL *server, SSL *client)
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
    return SSL_is_init_finished(client) && SSL_is_init_finished(server);
}

#endif
