/* arrivals.h - how often an address may connect (connect_rate) */
#ifndef PATCHBAY_NET_ARRIVALS_H
#define PATCHBAY_NET_ARRIVALS_H

#include <stdbool.h>
#include <sys/socket.h>

struct link;
struct server;

/* A socket was accepted: false if its address connects too often. A proxy is
 * let through, since it connects for others. */
bool arrivals_accept(struct server *server,
                     const struct sockaddr_storage *addr);

/* A handshake came from a proxy: the same for the address it speaks for. */
bool arrivals_forwarded(const struct link *link, const char *remote);

#endif
