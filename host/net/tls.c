/* tls.c - the certificate, checked before libwebsockets is given it */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first error that OpenSSL queued; those behind it say what that meant to
 * the functions above. */
static const char *cause(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return text != NULL ? text : "unknown error";
}

static int readable(const char *file, char *why, size_t size)
{
    if (access(file, R_OK) == 0) {
        return 0;
    }
    snprintf(why, size, "cannot read %s: %s", file, strerror(errno));
    return -1;
}

/* OpenSSL would ask the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

int tls_check(const char *cert, const char *key, const char **wrong, char *why,
              size_t why_size)
{
    SSL_CTX *ctx;
    int result = -1;

    *wrong = "cert";
    if (readable(cert, why, why_size) != 0) {
        return -1;
    }
    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL) {
        snprintf(why, why_size, "TLS cannot be set up: %s", cause());
        return -1;
    }
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
        snprintf(why, why_size, "%s is no PEM certificate: %s", cert, cause());
    } else {
        *wrong = "key";
        result = readable(key, why, why_size);
    }
    if (result == 0 &&
        (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(ctx) != 1)) {
        snprintf(why, why_size, "%s is not the private key of %s: %s", key,
                 cert, cause());
        result = -1;
    }
    SSL_CTX_free(ctx);
    return result;
}

void tls_configure(struct lws_context_creation_info *info,
                   const struct conf *conf)
{
    info->ssl_cert_filepath = conf->tls_cert;
    info->ssl_private_key_filepath = conf->tls_key;
    info->ssl_options_set = (long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 |
                                   SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION);
    if (conf->tls_min_version >= 13) {
        info->ssl_options_set |= (long)SSL_OP_NO_TLSv1_2;
    }
}
