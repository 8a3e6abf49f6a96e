/* identity.c - what TLS has found out about a client, as headers it cannot send
 */
#include "net/identity.h"

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "tls-"

bool identity_has(const char *name)
{
    return strncasecmp(name, PREFIX, strlen(PREFIX)) == 0;
}

/* On the heap of libc. */
static char *take_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);

    return len > 0 ? strndup(data, (size_t)len) : NULL;
}

static void add_hex(BIO *bio, const unsigned char *bytes, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        BIO_printf(bio, "%02x", bytes[i]);
    }
}

static void add_fingerprint(BIO *bio, const X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;

    if (X509_digest(cert, EVP_sha256(), digest, &len) == 1) {
        add_hex(bio, digest, len);
    }
}

/* Control characters and what is not ASCII are escaped. */
static void add_name(BIO *bio, const X509_NAME *name)
{
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
}

static void add_serial(BIO *bio, const X509 *cert)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);

    add_hex(bio, ASN1_STRING_get0_data(serial),
            (unsigned)ASN1_STRING_length(serial));
}

/* Of a certificate that was found valid: with another, or with none where one
 * is required, no handshake comes to its end. */
static void add_client(BIO *bio, SSL *ssl, const char *what)
{
    X509 *cert = SSL_get_verify_result(ssl) == X509_V_OK
                     ? SSL_get0_peer_certificate(ssl)
                     : NULL;

    if (strcasecmp(what, "verify") == 0) {
        BIO_puts(bio, cert != NULL ? "valid" : "none");
    } else if (cert == NULL) {
        return;
    } else if (strcasecmp(what, "subject") == 0) {
        add_name(bio, X509_get_subject_name(cert));
    } else if (strcasecmp(what, "issuer") == 0) {
        add_name(bio, X509_get_issuer_name(cert));
    } else if (strcasecmp(what, "serial") == 0) {
        add_serial(bio, cert);
    } else if (strcasecmp(what, "fingerprint") == 0) {
        add_fingerprint(bio, cert);
    }
}

char *identity_text(SSL *ssl, const char *name)
{
    static const char client[] = PREFIX "client-";
    BIO *bio = ssl != NULL ? BIO_new(BIO_s_mem()) : NULL;
    char *text;

    if (bio == NULL) {
        return NULL;
    }
    if (strcasecmp(name, PREFIX "version") == 0) {
        BIO_puts(bio, SSL_get_version(ssl));
    } else if (strncasecmp(name, client, strlen(client)) == 0) {
        add_client(bio, ssl, name + strlen(client));
    }
    text = take_text(bio);
    BIO_free(bio);
    return text;
}
