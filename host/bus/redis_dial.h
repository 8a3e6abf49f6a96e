/* redis_dial.h - a connection to where Redis is: its name looked up, each of
 * its addresses tried
 */
#ifndef PATCHBAY_BUS_REDIS_DIAL_H
#define PATCHBAY_BUS_REDIS_DIAL_H

#include <stdbool.h>
#include <uv.h>

#include "bus/stream.h"
#include "conf/redis_url.h"

/* Borrowed. */
struct redis_dial {
    uv_loop_t *loop;
    const struct redis_url *url;
    unsigned *handles;
    /* It is connected, and the stream the owner's; or why it cannot be. May
     * come before redis_dial_begin returns. */
    void (*done)(void *arg, struct stream *stream, const char *why);
    void *arg; /* the data of the stream, too */
    bool wanted;
    bool resolving;
    uv_getaddrinfo_t resolve;
    struct addrinfo *addresses, *next;
    struct stream *stream; /* that is being connected */
};

void redis_dial_init(struct redis_dial *dial, uv_loop_t *loop,
                     const struct redis_url *url, unsigned *handles,
                     void (*done)(void *arg, struct stream *stream,
                                  const char *why),
                     void *arg);
void redis_dial_begin(struct redis_dial *dial);

/* done is not called any more. A name that is being looked up counts as a
 * handle until that ends. */
void redis_dial_cancel(struct redis_dial *dial);

#endif
