/* identity.h - what TLS has found out about a client, as headers it cannot send
 *
 *     tls-version             TLSv1.3
 *     tls-client-verify       "valid", or "none": it has shown no certificate
 *     tls-client-subject      CN=alice,O=Example: whose it is (RFC 4514)
 *     tls-client-issuer       likewise, of the authority
 *     tls-client-serial       hexadecimal
 *     tls-client-fingerprint  SHA-256 of the certificate, hexadecimal
 *
 * All names that begin with "tls-" are the host's: what a client sends by such
 * a name is never seen. Without TLS there are none.
 */
#ifndef PATCHBAY_NET_IDENTITY_H
#define PATCHBAY_NET_IDENTITY_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* In any case. */
bool identity_has(const char *name);

/* On the heap; NULL: absent. ssl may be NULL: no TLS. */
char *identity_text(SSL *ssl, const char *name);

#endif
