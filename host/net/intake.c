/* intake.c - from the bytes of a client's socket to core */
#include "net/intake.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "core/conn.h"
#include "net/link.h"
#include "net/server-t.h"
#include "net/tap.h"

/* What one event of a TLS socket may bring in, so that others have a turn. */
#define TLS_TURN (256u << 10)

/*
 * A pong that libwebsockets swallows without a word: what SSL_read gives it in
 * place of frames that it is not to see, where it is to come back for more.
 */
static const unsigned char placebo[] = { 0x8a, 0x80, 0, 0, 0, 0 };

/* ---- the request ------------------------------------------------------- */

/* What of len bytes, the last of them just read, is for libwebsockets. It
 * would take apart itself what comes behind a request for WebSocket. */
static size_t take_request(struct link *link, char *data, size_t len)
{
    const char *early = NULL;
    size_t early_len = 0;

    len = opening_take(link, data, len, &early, &early_len);
    if (early_len > 0) {
        buf_add(&link->intake.held, early, early_len);
    }
    return len;
}

/* How recv and SSL_read give requests: nothing until a head is whole. */
static ssize_t recv_request(struct link *link, char *to, size_t len)
{
    size_t before = opening_before(&link->intake.opening, to);
    ssize_t n = tap_recv(link->fd, to + before, len - before);

    if (n <= 0) {
        return n;
    }
    n = (ssize_t)take_request(link, to, before + (size_t)n);
    if (n == 0) {
        errno = EAGAIN;
        return -1;
    }
    return n;
}

static int ssl_read_request(struct link *link, SSL *ssl, char *to, size_t len)
{
    size_t total = 0;

    for (;;) {
        size_t before = opening_before(&link->intake.opening, to);
        int n = tap_ssl_read(ssl, to + before, (int)(len - before));

        if (n <= 0) {
            return n;
        }
        total += (size_t)n;
        n = (int)take_request(link, to, before + (size_t)n);
        if (n > 0) {
            return n;
        }
        if (total > TLS_TURN) {
            return 0; /* refused, and it sends on and on: the end */
        }
    }
}

/* ---- frames ------------------------------------------------------------ */

static void take(struct link *link, const struct part *part)
{
    struct conn *conn = link->conn;
    bay_kind kind = part->binary ? BAY_BINARY : BAY_TEXT;

    switch (part->kind) {
    case PART_DATA:
        (part->deflated ? conn_inflate : conn_receive)(conn, kind, part->first,
                                                       part->last, part->data,
                                                       part->len, part->rest);
        break;
    case PART_PING: conn_ping(conn, part->data, part->len); break;
    case PART_PONG: conn_pong(conn, part->len); break;
    case PART_CLOSE:
        link->intake.closed = true;
        link->intake.done = true;
        conn_peer_closed(conn, part->data, part->len);
        break;
    case PART_FAULT:
        link->intake.done = true;
        conn_failed(conn, 1002, part->why);
        break;
    case PART_NONE: break;
    }
}

/* Hands over what core takes, and holds the rest. */
static void feed(struct link *link, unsigned char *data, size_t len)
{
    struct intake *intake = &link->intake;
    size_t at = 0;

    while (at < len && !intake->done && !link->ended && link->conn != NULL) {
        struct part part;

        if (!link->reading) {
            buf_add(&intake->held, data + at, len - at);
            if (intake->held.failed) {
                link_shut(link); /* a gap would be worse */
            }
            break;
        }
        at += parser_next(&intake->parser, data + at, len - at, &part);
        take(link, &part);
    }
}

/* What was held comes first, whoever gets here first: the loop, or an event of
 * the socket behind it. */
static void consume(struct link *link, unsigned char *data, size_t len)
{
    struct buf held = link->intake.held;

    if (held.len == 0) {
        feed(link, data, len);
        return;
    }
    link->intake.held = (struct buf){ 0 };
    if (len > 0) {
        buf_add(&held, data, len);
    }
    if (held.failed) {
        link_shut(link);
    } else {
        feed(link, (unsigned char *)held.data, held.len);
    }
    buf_free(&held);
}

ssize_t intake_recv(struct link *link, void *to, size_t len)
{
    struct server *server = link->server;
    ssize_t n;

    if (!link->intake.framed) {
        return recv_request(link, to, len);
    }
    n = tap_recv(link->fd, server->bytes, sizeof server->bytes);
    if (n <= 0) {
        return n;
    }
    link->intake.called = true;
    consume(link, server->bytes, (size_t)n);
    link->intake.called = false;
    if (link->intake.lingers) {
        link_lose(link);
    } else if (link->ended) {
        return 0;
    }
    errno = EAGAIN;
    return -1;
}

/* Reads until there is no more, core does not want more, or it was enough for
 * one turn. Returns what SSL_read did last: over 0 if there may be more. */
static int read_tls(struct link *link, SSL *ssl)
{
    struct server *server = link->server;
    size_t total = 0;
    int n = 1;

    while (n > 0 && link->reading && !link->ended && total < TLS_TURN) {
        n = tap_ssl_read(ssl, server->bytes, (int)sizeof server->bytes);
        if (n > 0) {
            total += (size_t)n;
            consume(link, server->bytes, (size_t)n);
        }
    }
    if (n > 0 && link->reading && !link->ended) {
        intake_resume(link);
    }
    return n;
}

/* Both sides have closed: what comes is dropped, until the peer ends, or has sent
 * so much that it will not. */
static int drain_tls(struct link *link, SSL *ssl)
{
    size_t total = 0;
    int n;

    link_lose(link);
    do {
        n = tap_ssl_read(ssl, link->server->bytes,
                         (int)sizeof link->server->bytes);
        total += n > 0 ? (size_t)n : 0;
    } while (n > 0 && total < TLS_TURN);
    return n;
}

int intake_ssl_read(struct link *link, SSL *ssl, void *to, int len)
{
    int n;

    if (!link->intake.framed) {
        return ssl_read_request(link, ssl, to, (size_t)len);
    }
    link->intake.called = true;
    n = read_tls(link, ssl);
    link->intake.called = false;
    if (link->intake.lingers) {
        n = drain_tls(link, ssl);
    }
    if (n <= 0) {
        return n;
    }
    if (link->ended) {
        return 0;
    }
    memcpy(to, placebo, sizeof placebo);
    return (int)sizeof placebo;
}

/* ---- from the loop ----------------------------------------------------- */

void intake_begin(struct link *link, bool deflate)
{
    link->intake.framed = true;
    link->intake.parser.allow_deflate = deflate;
    if (link->intake.held.failed) {
        link_shut(link);
    } else if (link->intake.held.len > 0 || link->tls) {
        intake_resume(link);
    }
}

void intake_resume(struct link *link)
{
    struct intake *intake = &link->intake;

    if (!intake->queued &&
        (intake->held.len > 0 || link->tls || intake->lingers)) {
        intake->queued = true;
        LL_APPEND2(link->server->pumps, link, intake.next);
        server_wake(link->server);
    }
}

static void pump(struct link *link)
{
    if (link->intake.lingers) {
        link_lose(link);
    }
    if (link->ended || !link->reading) {
        return;
    }
    consume(link, NULL, 0);
    if (link->tls && link->reading && !link->ended) {
        SSL *ssl = lws_get_ssl(link->wsi);
        int n = ssl != NULL ? read_tls(link, ssl) : 0;

        if (ssl == NULL ||
            (n <= 0 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)) {
            link_shut(link);
        }
    }
}

void intake_end(struct link *link)
{
    if (link->intake.queued) {
        LL_DELETE2(link->server->pumps, link, intake.next);
    }
    buf_free(&link->intake.held);
    opening_finish(&link->intake.opening);
}

void intake_run(struct server *server)
{
    size_t count = 0;
    struct link *link;

    LL_COUNT2(server->pumps, link, count, intake.next);
    for (; count > 0 && server->pumps != NULL; count--) {
        link = server->pumps;
        LL_DELETE2(server->pumps, link, intake.next);
        link->intake.queued = false;
        pump(link);
    }
}
