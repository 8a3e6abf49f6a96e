/* offer.h - permessage-deflate, agreed in the handshake (RFC 7692 section 7) */
#ifndef PATCHBAY_NET_OFFER_H
#define PATCHBAY_NET_OFFER_H

#include <stdbool.h>
#include <stddef.h>

struct offer {
    unsigned bits;    /* of the window we compress with, from 9 to 15 */
    char answer[160]; /* the value of Sec-WebSocket-Extensions */
};

/*
 * Takes the first offer of permessage-deflate that can be met, from the value
 * of the client's Sec-WebSocket-Extensions. Neither side takes a context over
 * from one message to the next. false: there is none, or the value is broken:
 * go on without.
 */
bool offer_take(const char *extensions, struct offer *offer);

#endif
