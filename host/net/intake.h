/* intake.h - from the bytes of a client's socket to core
 *
 * Of requests libwebsockets gets what opening.h lets through, and nothing
 * behind one that asks for WebSocket. Behind the handshake it gets no byte any
 * more: frames are taken apart here, as they are read (tap.h).
 */
#ifndef PATCHBAY_NET_INTAKE_H
#define PATCHBAY_NET_INTAKE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "net/opening.h"
#include "net/parser.h"

struct link;
struct server;

struct intake {
    struct opening opening;
    bool framed;  /* the handshake is over */
    bool closed;  /* the peer's Close has come */
    bool lingers; /* both have closed: read until the peer ends TCP, too */
    bool done;    /* what still comes is read and dropped */
    bool called;  /* by libwebsockets, which learns by the result of an end */
    bool queued;  /* in server->pumps */
    struct parser parser;
    struct buf held;   /* came while core does not read, or too early */
    struct link *next; /* in server->pumps */
};

/* What recv and SSL_read give for this link. */
ssize_t intake_recv(struct link *link, void *to, size_t len);
int intake_ssl_read(struct link *link, SSL *ssl, void *to, int len);

/* The 101 is out: frames from now on. */
void intake_begin(struct link *link, bool deflate);

/* Goes on with what was held, soon, from the loop. */
void intake_resume(struct link *link);
void intake_run(struct server *server);
void intake_end(struct link *link);

#endif
