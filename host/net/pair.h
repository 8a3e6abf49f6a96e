/* pair.h - a certificate with its chain, and its key */
#ifndef PATCHBAY_NET_PAIR_H
#define PATCHBAY_NET_PAIR_H

#include <openssl/ssl.h>
#include <stddef.h>

struct pair;

/* Of PEM texts. NULL and one sentence in why if they are none, or do not belong
 * together. */
struct pair *pair_read(const char *cert, const char *key, char *why,
                       size_t why_size);

/* To a client in the middle of its handshake, for any it would get otherwise.
 * 1, or 0 if that cannot be done, as OpenSSL's callbacks say it. */
int pair_give(const struct pair *pair, SSL *ssl);

/* NULL is allowed. */
void pair_free(struct pair *pair);

#endif
