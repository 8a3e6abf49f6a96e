/* tap.c - what libwebsockets reads from clients goes through here */
#undef _FORTIFY_SOURCE /* it would make recv a function of its own */
#include "net/tap.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Beyond this many descriptors none is adopted (server.c). */
#define MOST_FDS (1u << 24)

#define EXPORTED __attribute__((visibility("default")))

/* By descriptor. */
static struct link **watched;
static size_t watched_size;

/* The loop's thread: only its reads go another way. libwebsockets closes a
 * descriptor before it says that it does, and another thread may have the
 * number by then. */
static _Thread_local bool tapping;
static struct tap_calls tapped;

bool tap_init(const struct tap_calls *calls)
{
    struct rlimit limit;

    tapped = *calls;
    tapping = true;
    if (watched != NULL) {
        return true;
    }
    watched_size = MOST_FDS;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_max < watched_size) {
        watched_size = (size_t)limit.rlim_max;
    }
    watched = calloc(watched_size, sizeof *watched); /* pages on demand */
    return watched != NULL;
}

static struct link *link_at(int fd)
{
    return tapping && watched != NULL && fd >= 0 && (size_t)fd < watched_size
               ? watched[fd]
               : NULL;
}

void tap_watch(int fd, struct link *link)
{
    if (fd >= 0 && (size_t)fd < watched_size) {
        watched[fd] = link;
    }
}

void tap_forget(int fd, const struct link *link)
{
    if (link_at(fd) == link) {
        watched[fd] = NULL;
    }
}

ssize_t tap_recv(int fd, void *to, size_t len)
{
    return recvfrom(fd, to, len, 0, NULL, NULL);
}

/* 0 is the peer's orderly end, as ever. */
int tap_ssl_read(SSL *ssl, void *to, int len)
{
    size_t got;

    if (len >= 0 && SSL_read_ex(ssl, to, (size_t)len, &got) == 1) {
        return (int)got;
    }
    return (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0 ? 0 : -1;
}

EXPORTED ssize_t recv(int fd, void *to, size_t len, int flags)
{
    struct link *link = flags == 0 ? link_at(fd) : NULL;

    return link != NULL ? tapped.recv(link, to, len)
                        : recvfrom(fd, to, len, flags, NULL, NULL);
}

EXPORTED int SSL_read(SSL *ssl, void *to, int len)
{
    struct link *link = link_at(SSL_get_fd(ssl));

    return link != NULL ? tapped.ssl_read(link, ssl, to, len)
                        : tap_ssl_read(ssl, to, len);
}
