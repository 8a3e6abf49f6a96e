/* link.h - one accepted socket: what libwebsockets and core know it by */
#ifndef PATCHBAY_NET_LINK_H
#define PATCHBAY_NET_LINK_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "base/buf.h"
#include "core/conn.h"
#include "core/transport.h"
#include "net/intake.h"

struct exchange;
struct listener;
struct server;

#define LINK_MAGIC 0x4c494e4bu

/*
 * The opaque pointer of each wsi, from its first callback to WSI_DESTROY. It
 * says what the vhost cannot: libwebsockets moves a connection to the vhost
 * that its Host header names, whichever listener it came through.
 */
struct link {
    uint32_t magic;
    bool tls;
    bool unix_peer;
    bool reading; /* core takes what comes */
    bool deflate; /* was agreed on, for the connection that opens */
    bool asked;   /* a whole request has come */
    bool ended;   /* shut was asked for, or libwebsockets closes it itself */
    int fd;
    uint64_t since_ms;
    struct lws *wsi;
    struct intake intake;
    struct server *server;
    struct conn *conn;           /* NULL: plain HTTP, or not yet known */
    struct exchange *exchange;   /* the HTTP request in progress, or NULL */
    struct header_copy *headers; /* handed to the hook that runs */
    struct buf answer_headers;   /* of the handshake hook, for the 101 */
    struct link *next;           /* of the server */
    struct link *prev;
};

struct link *link_create(struct server *server, struct lws *wsi,
                         const struct listener *listener);
/* Tells core that the connection is lost, if it has not been told. */
void link_lose(struct link *link);
void link_destroy(struct link *link);

/* Plain HTTP between two requests: kept in case there is another. */
bool link_is_idle(const struct link *link);

/* The link of a wsi, NULL if it has none (yet). */
struct link *link_of(struct lws *wsi);

/* The part of the transport that is about connections. */
ssize_t link_send(void *self, const struct iovec *iov, int count);
bool link_gathers(void *self);
int link_send_rest(void *self, const void *data, size_t len);
void link_want_writable(void *self);
void link_set_reading(void *self, bool on);
bool link_holds(void *self);
void link_finish(void *self);
void link_shut(void *self);
bool link_hung_up(void *self);

#endif
