/* opening.h - the requests of a connection, before libwebsockets sees them
 *
 * Each head is held until it is whole, and read strictly (head.h). What may
 * not be is refused here, and libwebsockets never hears of it.
 */
#ifndef PATCHBAY_NET_OPENING_H
#define PATCHBAY_NET_OPENING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct link;

struct opening {
    struct buf head; /* of a request, as far as it has come */
    uint64_t body;   /* octets of a body that are still to come */
    bool opaque;     /* where requests begin is not known any more */
    bool refused;    /* what still comes is dropped */
    bool last;       /* the connection ends behind the answer to come */
};

/* Puts what has come of a head to where more is to be read behind it; returns
 * how much that is. */
size_t opening_before(const struct opening *opening, char *to);

/*
 * Of the len octets there are now, those that are for libwebsockets, moved to
 * the front; 0: none yet. *early: what came behind a request for WebSocket;
 * *early_len: how much of it.
 */
size_t opening_take(struct link *link, char *data, size_t len,
                    const char **early, size_t *early_len);

void opening_finish(struct opening *opening);

#endif
