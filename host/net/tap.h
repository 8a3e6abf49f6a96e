/* tap.h - what libwebsockets reads from clients goes through here
 *
 * libwebsockets keeps the socket, TLS and the handshake, and offers no way to
 * see the bytes of a WebSocket connection before it has taken the frames apart
 * itself, which it does neither strictly nor fast (parser.h). So the two calls
 * it reads with, recv and SSL_read, are defined by this program, which by the
 * rules of dynamic linking come before those of the C library and OpenSSL. Of
 * sockets that are not watched, and by whatever library, they do as always.
 */
#ifndef PATCHBAY_NET_TAP_H
#define PATCHBAY_NET_TAP_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct link;

/* What is called in the place of the two for a socket that is watched. */
struct tap_calls {
    ssize_t (*recv)(struct link *link, void *to, size_t len);
    int (*ssl_read)(struct link *link, SSL *ssl, void *to, int len);
};

/* Before the first is watched: makes room for as many as the process may have.
 * false: out of memory. */
bool tap_init(const struct tap_calls *calls);

void tap_watch(int fd, struct link *link);
void tap_forget(int fd, const struct link *link);

/* The calls themselves, past the tap. */
ssize_t tap_recv(int fd, void *to, size_t len);
int tap_ssl_read(SSL *ssl, void *to, int len);

#endif
