/* pair.c - a certificate with its chain, and its key */
#include "net/pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    X509 *cert;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

/* OpenSSL would ask the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static const char *cause(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return text != NULL ? text : "unknown error";
}

/* The end of the text is no error. */
static int read_chain(struct pair *pair, BIO *bio)
{
    X509 *cert;

    while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        if (sk_X509_push(pair->chain, cert) <= 0) {
            X509_free(cert);
            return -1;
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return -1;
    }
    ERR_clear_error();
    return 0;
}

static int read_cert(struct pair *pair, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    int result = -1;

    pair->chain = sk_X509_new_null();
    if (bio != NULL && pair->chain != NULL) {
        pair->cert = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
        result = pair->cert != NULL ? read_chain(pair, bio) : -1;
    }
    BIO_free(bio);
    return result;
}

static int read_key(struct pair *pair, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);

    if (bio != NULL) {
        pair->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    }
    BIO_free(bio);
    return pair->key != NULL ? 0 : -1;
}

struct pair *pair_read(const char *cert, const char *key, char *why,
                       size_t why_size)
{
    struct pair *pair = calloc(1, sizeof *pair);

    ERR_clear_error();
    if (pair == NULL) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    if (read_cert(pair, cert) != 0) {
        snprintf(why, why_size, "cert: no PEM certificate: %s", cause());
    } else if (read_key(pair, key) != 0 ||
               X509_check_private_key(pair->cert, pair->key) != 1) {
        snprintf(why, why_size,
                 "key: not the private key of the certificate: %s", cause());
    } else {
        return pair;
    }
    pair_free(pair);
    return NULL;
}

int pair_give(const struct pair *pair, SSL *ssl)
{
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, pair->cert, pair->key, pair->chain, 1);
}

void pair_free(struct pair *pair)
{
    if (pair != NULL) {
        X509_free(pair->cert);
        sk_X509_pop_free(pair->chain, X509_free);
        EVP_PKEY_free(pair->key);
        free(pair);
    }
}
