/* keyring.c - the certificates of a host: which one a client gets, and who
 *             has to show one */
#include "net/keyring.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "conf/hosts.h"
#include "net/pair.h"

/* A ticket brings a session back without the host keeping any of it. Its key is
 * thrown away after a while, so that nobody who gets hold of the key can read
 * what was recorded before. */
#define TICKET_KEY_MS (8 * 3600 * UINT64_C(1000))
#define TICKET_SIZE   80 /* as SSL_CTX_set_tlsext_ticket_keys wants it */

struct keyring {
    const struct conf *conf;
    struct pair *fallback;
    struct pair **pairs; /* of conf's certificates */
    X509_STORE *authorities;
    STACK_OF(X509_NAME) * names; /* of them: clients choose by these */
    /* Of the authorities: a session that was begun with others is none here. */
    unsigned char context[SHA256_DIGEST_LENGTH];
    uint64_t tickets_ms; /* when the key of the tickets was made */
};

static const char *cause(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return text != NULL ? text : "unknown error";
}

/* ---- authorities ------------------------------------------------------- */

static int add_authority(X509_STORE *store, STACK_OF(X509_NAME) * names,
                         const X509_INFO *info)
{
    X509_NAME *name;

    if (info->crl != NULL) {
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
        if (X509_STORE_add_crl(store, info->crl) != 1) {
            return -1;
        }
    }
    if (info->x509 == NULL) {
        return 0;
    }
    name = X509_NAME_dup(X509_get_subject_name(info->x509));
    if (name == NULL || sk_X509_NAME_push(names, name) <= 0) {
        X509_NAME_free(name);
        return -1;
    }
    return X509_STORE_add_cert(store, info->x509) == 1 ? 0 : -1;
}

/* Certificates, and lists of revoked ones (CRL). */
static int read_authorities(const char *text, X509_STORE *store,
                            STACK_OF(X509_NAME) * names, char *why,
                            size_t why_size)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    STACK_OF(X509_INFO) *infos = NULL;
    int status = 0;

    ERR_clear_error();
    if (bio != NULL) {
        infos = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
    }
    for (int i = 0; infos != NULL && status == 0 && i < sk_X509_INFO_num(infos);
         i++) {
        status = add_authority(store, names, sk_X509_INFO_value(infos, i));
    }
    if (infos == NULL || status != 0) {
        snprintf(why, why_size, "%s", cause());
        status = -1;
    } else if (sk_X509_NAME_num(names) == 0) {
        snprintf(why, why_size, "there is none in it");
        status = -1;
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    BIO_free(bio);
    return status;
}

int keyring_check_authorities(const char *text, char *why, size_t why_size)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    int status = -1;

    if (store == NULL || names == NULL) {
        snprintf(why, why_size, "out of memory");
    } else {
        status = read_authorities(text, store, names, why, why_size);
    }
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    X509_STORE_free(store);
    return status;
}

static int take_authorities(struct keyring *keyring, const struct pems *pems,
                            char *why, size_t why_size)
{
    const struct buf *text = &pems->texts[pems->count - 1];
    const char verify =
        keyring->conf->tls_client_verify == CONF_VERIFY_REQUIRED ? 'r' : 'o';
    struct buf whole = { 0 };
    char reason[256];
    int made;

    keyring->authorities = X509_STORE_new();
    keyring->names = sk_X509_NAME_new_null();
    buf_add(&whole, text->data, text->len);
    buf_add(&whole, &verify, 1);
    made = !whole.failed && EVP_Digest(whole.data, whole.len, keyring->context,
                                       NULL, EVP_sha256(), NULL) == 1;
    buf_free(&whole);
    if (keyring->authorities == NULL || keyring->names == NULL || !made) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    if (read_authorities(text->data, keyring->authorities, keyring->names,
                         reason, sizeof reason) != 0) {
        snprintf(why, why_size, "[tls] client_ca: no PEM certificates: %s",
                 reason);
        return -1;
    }
    return 0;
}

/* ---- certificates ------------------------------------------------------ */

static int take_pairs(struct keyring *keyring, const struct pems *pems,
                      char *why, size_t why_size)
{
    const struct conf *conf = keyring->conf;
    char reason[256];

    keyring->fallback = pair_read(pems->texts[0].data, pems->texts[1].data,
                                  reason, sizeof reason);
    if (keyring->fallback == NULL) {
        snprintf(why, why_size, "[tls] %s", reason);
        return -1;
    }
    keyring->pairs = calloc(conf->certificate_count + 1, sizeof(struct pair *));
    if (keyring->pairs == NULL) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < conf->certificate_count; i++) {
        keyring->pairs[i] =
            pair_read(pems->texts[2 + 2 * i].data, pems->texts[3 + 2 * i].data,
                      reason, sizeof reason);
        if (keyring->pairs[i] == NULL) {
            snprintf(why, why_size, "[certificate.%s] %s",
                     conf->certificates[i].name, reason);
            return -1;
        }
    }
    return 0;
}

struct keyring *keyring_read(const struct conf *conf, const struct pems *pems,
                             char *why, size_t why_size)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    size_t expected =
        2 + 2 * conf->certificate_count + (conf->tls_client_ca != NULL);

    if (keyring == NULL) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    keyring->conf = conf;
    if (pems->count != expected) {
        snprintf(why, why_size, "the texts are not those of the [tls] files");
    } else if (take_pairs(keyring, pems, why, why_size) == 0 &&
               (conf->tls_client_ca == NULL ||
                take_authorities(keyring, pems, why, why_size) == 0)) {
        return keyring;
    }
    keyring_free(keyring);
    return NULL;
}

void keyring_free(struct keyring *keyring)
{
    if (keyring == NULL) {
        return;
    }
    for (size_t i = 0;
         keyring->pairs != NULL && i < keyring->conf->certificate_count; i++) {
        pair_free(keyring->pairs[i]);
    }
    free(keyring->pairs);
    pair_free(keyring->fallback);
    X509_STORE_free(keyring->authorities);
    sk_X509_NAME_pop_free(keyring->names, X509_NAME_free);
    free(keyring);
}

/* ---- handshakes -------------------------------------------------------- */

static void renew_tickets(struct keyring *keyring, SSL_CTX *ctx)
{
    unsigned char key[TICKET_SIZE];
    uint64_t now = clock_coarse_ms();

    if (keyring->tickets_ms != 0 && now - keyring->tickets_ms < TICKET_KEY_MS) {
        return;
    }
    keyring->tickets_ms = now;
    if (RAND_bytes(key, sizeof key) == 1) {
        SSL_CTX_set_tlsext_ticket_keys(ctx, key, sizeof key);
    }
    OPENSSL_cleanse(key, sizeof key);
}

/*
 * The first word of a client, before anything is decided. A connection has a
 * copy of what ctx had when it was accepted, and its client may have been
 * silent for any number of renewals.
 */
static int hello(SSL *ssl, int *alert, void *arg)
{
    struct keyring *keyring = *(struct keyring *const *)arg;
    const struct conf *conf = keyring->conf;
    int mode = SSL_VERIFY_NONE;

    renew_tickets(keyring, SSL_get_SSL_CTX(ssl));
    if (keyring->authorities != NULL) {
        STACK_OF(X509_NAME) *names = SSL_dup_CA_list(keyring->names);

        mode = SSL_VERIFY_PEER;
        if (conf->tls_client_verify == CONF_VERIFY_REQUIRED) {
            mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
        }
        if (names == NULL ||
            SSL_set1_verify_cert_store(ssl, keyring->authorities) != 1) {
            sk_X509_NAME_pop_free(names, X509_NAME_free);
            *alert = SSL_AD_INTERNAL_ERROR;
            return SSL_CLIENT_HELLO_ERROR;
        }
        SSL_set_client_CA_list(ssl, names);
    }
    /* No callback of ours, and none of libwebsockets, which takes what the
     * application does not object to: what OpenSSL finds wrong is wrong. */
    SSL_set_verify(ssl, mode, NULL);
    SSL_set_session_id_context(ssl, keyring->context, sizeof keyring->context);
    SSL_set_min_proto_version(
        ssl, conf->tls_min_version >= 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* Of a name that nobody has, as of none: the certificate of [tls]. */
static int choose(SSL *ssl, void *arg)
{
    const struct keyring *keyring = *(struct keyring *const *)arg;
    const struct conf_certificate *found = hosts_find(
        keyring->conf, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

    return pair_give(found == NULL
                         ? keyring->fallback
                         : keyring->pairs[found - keyring->conf->certificates],
                     ssl);
}

/* In the place of libwebsockets' own, which looks for a vhost of that name. */
static int take_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl;
    (void)alert;
    (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

void keyring_use(struct keyring **current, SSL_CTX *ctx)
{
    const struct conf *conf = (*current)->conf;

    /* A list that is wrong was refused before. */
    if (conf->tls_ciphers != NULL) {
        (void)SSL_CTX_set_cipher_list(ctx, conf->tls_ciphers);
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_client_hello_cb(ctx, hello, current);
    SSL_CTX_set_tlsext_servername_callback(ctx, take_name);
    SSL_CTX_set_cert_cb(ctx, choose, current);
}

int keyring_check_ciphers(const char *ciphers, char *why, size_t why_size)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    int status = 0;

    ERR_clear_error();
    if (ctx == NULL || SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
        snprintf(why, why_size, "%s", cause());
        status = -1;
    }
    SSL_CTX_free(ctx);
    return status;
}
