/* conn.h - one WebSocket connection, seen from its transport */
#ifndef PATCHBAY_CORE_CONN_H
#define PATCHBAY_CORE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

#include "core/core.h"
#include "core/request.h"

/*
 * Finds the route of a path: the longest that matches, NULL if there is none.
 */
struct instance *core_find_route(struct core *core, const char *path);

/* What a transport may ask of a route. */
const struct conf_route *instance_conf(const struct instance *instance);
const bay_plugin *instance_plugin(const struct instance *instance);
struct route_stats *instance_stats(struct instance *instance);
struct core *instance_core(struct instance *instance);

/* Whether its plugin has an http hook, be it banned. */
bool instance_serves_http(const struct instance *instance);

/* Its plugin is banned: the answer to every request is 503, and these headers.
 */
bool instance_banned(const struct instance *instance);
#define INSTANCE_BANNED_HEADERS "retry-after: 60\r\n"
#define INSTANCE_BANNED_WHY \
    "the application of this path is out of service: try again later"

/*
 * A client asks to upgrade; everything but the application has agreed. Checks
 * the route's limits, calls the handshake hook and chooses the subprotocol
 * from what the client offers (a comma-separated list, or NULL). Returns the
 * connection, or NULL and the HTTP status in *status, and one sentence for the
 * client in *why (static). request->headers are for the answer either way.
 */
struct conn *conn_create(struct instance *instance, struct request *request,
                         const char *offered, void *link, int *status,
                         const char **why);

/* The 101 is out: calls open. */
void conn_open(struct conn *conn);

/* The socket is gone, or the upgrade failed after all; link is not used any
 * more. Calls close (and open before it, if that is due) in the next
 * core_turn. Frees conn. */
void conn_lost(struct conn *conn);

/*
 * A piece of a message arrived: first and last tell its place in the message,
 * rest what the frame it belongs to still has to come. Frees nothing of the
 * caller's. A fault of the peer begins a close; later pieces are ignored.
 */
void conn_receive(struct conn *conn, bay_kind kind, bool first, bool last,
                  const void *data, size_t len, uint64_t rest);

/*
 * The peer agreed to permessage-deflate (RFC 7692), with no context taken over
 * from one message to the next either way: what is sent is compressed with a
 * window of 2^bits bytes at most, from 9 to 15.
 */
void conn_set_deflate(struct conn *conn, unsigned bits);

/* As conn_receive, of a message that is compressed. */
void conn_inflate(struct conn *conn, bay_kind kind, bool first, bool last,
                  const void *data, size_t len, uint64_t rest);

/* The peer sent a ping: answers it, behind what is queued. */
void conn_ping(struct conn *conn, const void *payload, size_t len);

/* The peer sent Close with this payload (RFC 6455 section 5.5.1). Answers it,
 * behind what is queued, if it is the first Close on the connection, and has
 * the transport shut the connection once all that is sent. */
void conn_peer_closed(struct conn *conn, const void *payload, size_t len);

/* The peer broke the protocol so that nothing it sends can be read any more: a
 * Close with that code goes out behind what is queued, and then the connection
 * ends. */
void conn_failed(struct conn *conn, int code, const char *reason);

/* Anything at all came from the peer: it is alive. */
void conn_heard(struct conn *conn);

/* A pong: the same, and one that nobody asked for counts as a message does. */
void conn_pong(struct conn *conn, size_t len);

/* The socket takes more. */
void conn_writable(struct conn *conn);

const char *conn_subprotocol(const struct conn *conn);
bay_id conn_id(const struct conn *conn);

#endif
