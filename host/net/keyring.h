/* keyring.h - the certificates of a host: which one a client gets, and who
 *             has to show one */
#ifndef PATCHBAY_NET_KEYRING_H
#define PATCHBAY_NET_KEYRING_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "conf/conf.h"
#include "net/pems.h"

struct keyring;

/* Of the texts of conf's files, which are not needed any longer then; borrows
 * conf. NULL and one sentence in why if one of them is none. */
struct keyring *keyring_read(const struct conf *conf, const struct pems *pems,
                             char *why, size_t why_size);

/*
 * Handshakes from now on have what *current is by then: the certificate for the
 * name that the client asks for, clients' certificates, the oldest version.
 * What is open stays as it is, and so does the list of ciphers for who has
 * connected but not said a word. current has to outlive each connection of
 * ctx; a keyring only its place there.
 *
 * libwebsockets would add a certificate to what there is, and a client might go
 * on to get an old one whose key is of another kind; by a vhost for each name,
 * it would move connections to another by what their Host header says.
 */
void keyring_use(struct keyring **current, SSL_CTX *ctx);

/* NULL is allowed. */
void keyring_free(struct keyring *keyring);

/* Whether conf's ciphers are a list that OpenSSL knows; 0, or -1 and the end of
 * a sentence in why. */
int keyring_check_ciphers(const char *ciphers, char *why, size_t why_size);

/* Whether a text has certificates of authorities in it. Likewise. */
int keyring_check_authorities(const char *text, char *why, size_t why_size);

#endif
