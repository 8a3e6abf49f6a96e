/* redis_dial.c - a connection to where Redis is: its name looked up, each of
 * its addresses tried
 */
#include "bus/redis_dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void forget(struct redis_dial *dial)
{
    dial->wanted = false;
    stream_close(dial->stream);
    dial->stream = NULL;
    uv_freeaddrinfo(dial->addresses);
    dial->addresses = dial->next = NULL;
}

static void fail(struct redis_dial *dial, const char *what, const char *error)
{
    char why[256];

    snprintf(why, sizeof why, "%s: %s", what, error);
    forget(dial);
    dial->done(dial->arg, NULL, why);
}

static void on_event(uv_poll_t *poll, int status, int events);

static bool try_address(struct redis_dial *dial, const struct sockaddr *addr,
                        socklen_t len)
{
    int fd =
        socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        return false;
    }
    if (addr->sa_family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connect(fd, addr, len) < 0 && errno != EINPROGRESS) {
        int error = errno;

        close(fd);
        errno = error;
        return false;
    }
    dial->stream = stream_adopt(dial->loop, fd, dial, dial->handles);
    if (!dial->stream) {
        return false;
    }
    stream_watch(dial->stream, UV_WRITABLE, on_event);
    return true;
}

/* One address after the other; error: that of the one before. */
static void try_next(struct redis_dial *dial, int error)
{
    stream_close(dial->stream);
    dial->stream = NULL;
    while (dial->next) {
        const struct addrinfo *address = dial->next;

        dial->next = address->ai_next;
        if (try_address(dial, address->ai_addr, address->ai_addrlen)) {
            return;
        }
        error = errno;
    }
    fail(dial, "cannot connect", strerror(error));
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct redis_dial *dial = poll->data;
    struct stream *stream = dial->stream;
    socklen_t len = sizeof(int);
    int error = 0;

    (void)events;
    /* libuv says EBADF of every failure. */
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
        error = errno;
    } else if (error == 0 && status < 0) {
        error = -status;
    }
    if (error) {
        try_next(dial, error);
        return;
    }
    dial->stream = NULL;
    stream->poll.data = dial->arg;
    forget(dial);
    dial->done(dial->arg, stream, NULL);
}

static void on_resolved(uv_getaddrinfo_t *request, int status,
                        struct addrinfo *addresses)
{
    struct redis_dial *dial = request->data;

    dial->resolving = false;
    --*dial->handles;
    if (!dial->wanted) {
        uv_freeaddrinfo(addresses);
    } else if (status < 0) {
        fail(dial, "its name is not known", uv_strerror(status));
    } else {
        dial->addresses = dial->next = addresses;
        try_next(dial, EADDRNOTAVAIL);
    }
}

/* An address as it is needs no thread, and no patience. */
static void resolve(struct redis_dial *dial)
{
    const struct redis_url *url = dial->url;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST };
    char port[8];
    int error;

    if (dial->resolving) {
        return; /* what comes of it is for this attempt */
    }
    snprintf(port, sizeof port, "%u", url->port);
    if (getaddrinfo(url->host, port, &hints, &dial->addresses) == 0) {
        dial->next = dial->addresses;
        try_next(dial, EADDRNOTAVAIL);
        return;
    }
    dial->addresses = NULL;
    hints.ai_flags = AI_NUMERICSERV;
    dial->resolve.data = dial;
    error = uv_getaddrinfo(dial->loop, &dial->resolve, on_resolved, url->host,
                           port, &hints);
    if (error) {
        fail(dial, "cannot look its name up", uv_strerror(error));
        return;
    }
    dial->resolving = true;
    ++*dial->handles;
}

void redis_dial_init(struct redis_dial *dial, uv_loop_t *loop,
                     const struct redis_url *url, unsigned *handles,
                     void (*done)(void *arg, struct stream *stream,
                                  const char *why),
                     void *arg)
{
    *dial = (struct redis_dial){
        .loop = loop, .url = url, .handles = handles, .done = done, .arg = arg
    };
}

void redis_dial_begin(struct redis_dial *dial)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    dial->wanted = true;
    if (!dial->url->path) {
        resolve(dial);
        return;
    }
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", dial->url->path);
    if (!try_address(dial, (const struct sockaddr *)&addr, sizeof addr)) {
        fail(dial, "cannot connect", strerror(errno));
    }
}

void redis_dial_cancel(struct redis_dial *dial)
{
    if (dial->resolving) {
        (void)uv_cancel((uv_req_t *)&dial->resolve);
    }
    forget(dial);
}
