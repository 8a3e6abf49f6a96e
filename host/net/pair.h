/* pair.h - a certificate with its chain, and its key: used, and renewed */
#ifndef PATCHBAY_NET_PAIR_H
#define PATCHBAY_NET_PAIR_H

#include <openssl/ssl.h>
#include <stddef.h>

struct pair;

/* Of PEM texts. NULL and one sentence in why if they are none, or do not belong
 * together. */
struct pair *pair_read(const char *cert, const char *key, char *why,
                       size_t why_size);

/*
 * Handshakes from now on have the pair that *current is by then, and versions
 * from min_version on, 12 or 13; what is open stays as it is. current has to
 * outlive each connection of ctx, the pair only its place there.
 * libwebsockets would add it to what there is, and a client might go on to get
 * an old certificate whose key is of another kind.
 */
void pair_use(struct pair **current, int min_version, SSL_CTX *ctx);

/* NULL is allowed. */
void pair_free(struct pair *pair);

#endif
