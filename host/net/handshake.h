/* handshake.h - from an HTTP request to a WebSocket connection */
#ifndef PATCHBAY_NET_HANDSHAKE_H
#define PATCHBAY_NET_HANDSHAKE_H

#include <libwebsockets.h>

#include "conf/conf.h"

struct link;

/* The callbacks of libwebsockets, in their order; all run within one call of
 * the library. check: 0 to go on, 1 if an answer was written; upgrade is the
 * value of that header, where libwebsockets keeps it. */
int handshake_check(struct link *link, char *upgrade);
void handshake_bound(struct link *link);
int handshake_add_headers(struct link *link,
                          struct lws_process_html_args *args);
void handshake_done(struct link *link);

/* Whether a page of that origin may connect: the origin of a browser's page,
 * against the list of a route or, where that is empty, the request's Host and
 * whether it came over TLS. */
bool handshake_origin_allowed(const struct conf_limits *limits,
                              const char *origin, const char *host, bool tls);

#endif
