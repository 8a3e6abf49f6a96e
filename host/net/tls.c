/* tls.c - the files of TLS, checked before a server is given them */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/trust.h"
#include "net/keyring.h"
#include "plugin/image.h"

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

/* ---- all of a configuration -------------------------------------------- */

/* What everybody may change is nobody's certificate. */
static void check_trust(const struct conf *conf, const char *section,
                        const char *key, int line, const char *file,
                        struct problems *problems)
{
    char why[1024];

    if (file != NULL && trust_check(NULL, file, why, sizeof why) != 0) {
        problems_add(problems, conf->file, line, section, key, "%s", why);
    }
}

static void check_pair(const struct conf *conf, const char *section,
                       const char *cert, int cert_line, const char *key,
                       int key_line, struct problems *problems)
{
    const char *wrong;
    char why[1024];

    check_trust(conf, section, "cert", cert_line, cert, problems);
    check_trust(conf, section, "key", key_line, key, problems);
    if (cert != NULL && key != NULL &&
        tls_check(cert, key, &wrong, why, sizeof why) != 0) {
        problems_add(problems, conf->file,
                     strcmp(wrong, "cert") == 0 ? cert_line : key_line, section,
                     wrong, "%s", why);
    }
}

static void check_authorities(const struct conf *conf,
                              struct problems *problems)
{
    struct buf text = { 0 };
    char why[512];
    int line = conf->tls_client_ca_line;

    if (conf->tls_client_ca == NULL) {
        return;
    }
    check_trust(conf, "tls", "client_ca", line, conf->tls_client_ca, problems);
    if (image_read(conf->tls_client_ca, &text, why, sizeof why) != 0) {
        problems_add(problems, conf->file, line, "tls", "client_ca", "%s %s",
                     conf->tls_client_ca, why);
    } else {
        buf_add(&text, "", 1);
        if (text.failed) {
            problems->lost++;
        } else if (keyring_check_authorities(text.data, why, sizeof why) != 0) {
            problems_add(problems, conf->file, line, "tls", "client_ca",
                         "%s has no PEM certificates of authorities: %s",
                         conf->tls_client_ca, why);
        }
    }
    buf_free(&text);
}

void tls_check_all(const struct conf *conf, struct problems *problems)
{
    char why[256];

    check_pair(conf, "tls", conf->tls_cert, conf->tls_cert_line, conf->tls_key,
               conf->tls_key_line, problems);
    for (size_t i = 0; i < conf->certificate_count; i++) {
        const struct conf_certificate *one = &conf->certificates[i];
        struct buf section = { 0 };

        buf_addf(&section, "certificate.%s", one->name);
        check_pair(conf, section.data, one->cert, one->cert_line, one->key,
                   one->key_line, problems);
        buf_free(&section);
    }
    check_authorities(conf, problems);
    if (conf->tls_ciphers != NULL &&
        keyring_check_ciphers(conf->tls_ciphers, why, sizeof why) != 0) {
        problems_add(problems, conf->file, conf->tls_ciphers_line, "tls",
                     "ciphers",
                     "\"%s\" is no list of ciphers that OpenSSL knows: %s",
                     conf->tls_ciphers, why);
    }
}

static void warn_of(const char *section, const char *key)
{
    if (key != NULL && trust_is_public(key)) {
        log_warn("[%s] key: every user of this machine can read %s; chmod o-r "
                 "%s",
                 section, key, key);
    }
}

void tls_warn(const struct conf *conf)
{
    warn_of("tls", conf->tls_key);
    for (size_t i = 0; i < conf->certificate_count; i++) {
        struct buf section = { 0 };

        buf_addf(&section, "certificate.%s", conf->certificates[i].name);
        warn_of(section.failed ? "certificate" : section.data,
                conf->certificates[i].key);
        buf_free(&section);
    }
}
