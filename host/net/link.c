/* link.c - one accepted socket: what libwebsockets and core know it by */
#include "net/link.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/log.h"
#include "core/frame.h"
#include "net/exchange.h"
#include "net/headers.h"
#include "net/listen.h"
#include "net/server-t.h"
#include "net/tap.h"

/* What one call hands to TLS: bounds what is copied if the socket is full. */
#define TLS_WRITE_MAX 65536

/* How long a peer may take to end TCP once both sides have closed. */
#define LINGER_S 1

struct link *link_create(struct server *server, struct lws *wsi,
                         const struct listener *listener)
{
    struct link *link = calloc(1, sizeof *link);

    if (link == NULL) {
        return NULL;
    }
    link->magic = LINK_MAGIC;
    link->wsi = wsi;
    link->server = server;
    link->since_ms = uv_now(server->loop);
    link->tls = listener->tls;
    link->unix_peer = listener->unix_socket;
    link->reading = true;
    link->fd = lws_get_socket_fd(wsi);
    tap_watch(link->fd, link);
    DL_APPEND(server->links, link);
    stat_add(&server->stats->sockets, 1);
    return link;
}

void link_lose(struct link *link)
{
    struct conn *conn = link->conn;

    link->ended = true;
    link->conn = NULL;
    if (conn != NULL) {
        conn_lost(conn);
    }
}

/* The library ends those who take too long for their first request, or for the
 * TLS before it. */
static void tell_late(struct link *link)
{
    struct server *server = link->server;
    uint64_t now = uv_now(server->loop);
    uint64_t left_out;

    if (link->asked || link->ended ||
        now - link->since_ms < server->conf->limits.handshake_ms) {
        return;
    }
    stat_add(&server->stats->handshake_timeouts, 1);
    if (seldom_due(&server->too_late, now, &left_out)) {
        log_info("limit handshake: no whole request came in time; %llu times "
                 "more since this was last said",
                 (unsigned long long)left_out);
    }
}

void link_destroy(struct link *link)
{
    if (link == NULL) {
        return;
    }
    tell_late(link);
    link_lose(link);
    tap_forget(link->fd, link);
    intake_end(link);
    exchange_destroy(link->exchange);
    headers_forget(link);
    buf_free(&link->answer_headers);
    DL_DELETE(link->server->links, link);
    stat_sub(&link->server->stats->sockets, 1);
    link->magic = 0;
    free(link);
}

bool link_is_idle(const struct link *link)
{
    return link->asked && !link->ended && link->conn == NULL &&
           link->exchange == NULL && !lws_partial_buffered(link->wsi);
}

struct link *link_of(struct lws *wsi)
{
    struct link *link = lws_get_opaque_user_data(wsi);

    return link != NULL && link->magic == LINK_MAGIC ? link : NULL;
}

/*
 * Straight to the socket, unless libwebsockets holds bytes for it or TLS has
 * to be written through: one system call for all that waits, and no change of
 * the events that are polled for.
 */
static ssize_t send_plain(struct link *link, const struct iovec *iov, int count)
{
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov,
                              .msg_iovlen = (size_t)count };
    int fd = link->fd;
    ssize_t n;

    do {
        n = count == 1 ? send(fd, iov->iov_base, iov->iov_len,
                              MSG_NOSIGNAL | MSG_DONTWAIT)
                       : sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ||
                       errno == ENOMEM
                   ? 0
                   : -1;
    }
    return n;
}

/* Whole frames: what the socket does not take of one is kept by the library,
 * so that it counts as sent. */
static ssize_t send_tls(struct link *link, const struct iovec *iov, int count)
{
    ssize_t total = 0;

    for (int i = 0; i < count; i++) {
        unsigned char *at = iov[i].iov_base;
        size_t left = iov[i].iov_len;

        while (left > 0) {
            size_t part = 0;

            /* As many whole frames as one write may take. */
            while (part < left) {
                size_t frame = frame_size(at + part);

                if (part > 0 && part + frame > TLS_WRITE_MAX) {
                    break;
                }
                part += frame;
            }
            if (lws_write(link->wsi, at, part, LWS_WRITE_RAW) < 0) {
                return -1;
            }
            total += (ssize_t)part;
            at += part;
            left -= part;
            if (lws_send_pipe_choked(link->wsi)) {
                return total;
            }
        }
    }
    return total;
}

ssize_t link_send(void *self, const struct iovec *iov, int count)
{
    struct link *link = self;

    if (link->ended) {
        return -1;
    }
    if (lws_partial_buffered(link->wsi)) {
        return 0;
    }
    return link->tls ? send_tls(link, iov, count)
                     : send_plain(link, iov, count);
}

/* TLS is written through the library, one piece of memory at a time. */
bool link_gathers(void *self)
{
    const struct link *link = self;

    return !link->tls;
}

int link_send_rest(void *self, const void *data, size_t len)
{
    struct link *link = self;
    unsigned char *bytes = (unsigned char *)(uintptr_t)data;

    if (link->ended) {
        return -1;
    }
    return lws_write(link->wsi, bytes, len, LWS_WRITE_RAW) < 0 ? -1 : 0;
}

void link_want_writable(void *self)
{
    struct link *link = self;

    if (!link->ended) {
        lws_callback_on_writable(link->wsi);
    }
}

void link_set_reading(void *self, bool on)
{
    struct link *link = self;

    if (!link->ended) {
        link->reading = on;
        lws_rx_flow_control(link->wsi, on ? 1 : 0);
        if (on) {
            intake_resume(link);
        }
    }
}

bool link_holds(void *self)
{
    const struct link *link = self;

    return lws_partial_buffered(link->wsi);
}

/* The peer sees the end behind our last byte, and no reset: what it sends is
 * read until it ends, too. */
void link_finish(void *self)
{
    struct link *link = self;

    link->intake.done = true;
    if (link->tls) {
        SSL_shutdown(lws_get_ssl(link->wsi));
    }
    shutdown(link->fd, SHUT_WR);
}

/*
 * Both sides have said their Close. To close the socket at once would reset the
 * connection if the peer has sent anything behind its own, and our Close would
 * be lost to that.
 */
static void linger(struct link *link)
{
    link->intake.lingers = true;
    link_finish(link);
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LINGER_S);
    if (!link->intake.called) {
        lws_cancel_service(link->server->context);
        intake_resume(link);
    }
}

void link_shut(void *self)
{
    struct link *link = self;

    if (link->ended) {
        return;
    }
    link->ended = true;
    if (link->intake.closed) {
        linger(link);
        return;
    }
    if (link->intake.called) {
        return;
    }
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
                    LWS_TO_KILL_ASYNC);
    /* Its timers do not fire when set from outside of its callbacks. */
    lws_cancel_service(link->server->context);
}

bool link_hung_up(void *self)
{
    struct link *link = self;
    struct pollfd ask = { .fd = link->fd, .events = POLLRDHUP };

    return poll(&ask, 1, 0) > 0 &&
           (ask.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0;
}
