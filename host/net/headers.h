/* headers.h - reading a request that libwebsockets has parsed */
#ifndef PATCHBAY_NET_HEADERS_H
#define PATCHBAY_NET_HEADERS_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/buf.h"

struct link;
struct header_copy;

/* The method and the decoded path. NULL if the request has none that we know;
 * path is cut at size - 1 and then NULL is returned, too. */
const char *headers_method(struct lws *wsi, char *path, size_t size);

/* The decoded "name=value" strings of the query, each with its 0 byte, and an
 * empty one at the end. */
void headers_query(struct lws *wsi, struct buf *query);

/* One known header, whole and without blanks around it: its length, 0 if it is
 * absent, -1 if it is longer than size - 1. */
int headers_known(struct lws *wsi, enum lws_token_indexes token, char *out,
                  size_t size);

/* Whether a comma-separated list has a token, in any case. */
bool headers_list_has(const char *list, const char *token);

/* Any header, its name in any case, and those of net/identity.h; self is a
 * struct link. NULL if absent. Valid until headers_forget. */
const char *headers_find(void *self, const char *name);
void headers_forget(struct link *link);

/*
 * The client's address: the socket's peer or, where that is one of `proxies`,
 * what X-Forwarded-For says of it: the last address in there that is not a
 * proxy itself. "unix" for a Unix socket.
 */
void headers_remote(const struct link *link, char *out, size_t size);

/* Whether the socket's peer is one of `proxies`: it connects for others. */
bool headers_proxied(const struct link *link);

/* An address as text; "unix" if it is none of IP. */
void headers_address(const struct sockaddr_storage *addr, char *out,
                     size_t size);

#endif
