/* channels.h - which channels of Redis a worker is subscribed to
 *
 * One for each topic that is of interest here. What changes is collected, and
 * told to Redis in batches; so are all of them, when the connection is a new
 * one. So many answers may be under way at a time that neither side's buffers
 * overflow, whatever their number.
 */
#ifndef PATCHBAY_BUS_CHANNELS_H
#define PATCHBAY_BUS_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/redis_link.h"
#include "core/bus.h"

#define CHANNELS_BATCH     64   /* in one command */
#define CHANNELS_UNDER_WAY 2048 /* that Redis has not answered yet */

struct channel;

/* A zeroed struct with the first four is empty. */
struct channels {
    const char *prefix; /* of each name; borrowed */
    /* Redis has confirmed it, or it was subscribed to all the while. */
    void (*settled)(void *arg, const char *route, const char *topic);
    void *arg;
    struct redis_link *link;
    struct channel *entries;
    struct channel *changed;  /* a list: what Redis is to be told */
    uint64_t asked, answered; /* on this connection */
};

/* 0, BAY_EINVAL: too long a name, or BAY_ENOMEM. */
int channels_want(struct channels *channels, const char *route,
                  const char *topic, bool on);

/* The connection was lost: nothing is subscribed to any more. */
void channels_lost(struct channels *channels);

/* Tells what has changed, if the link is up. */
void channels_send(struct channels *channels);

/* Redis has confirmed the one of this name. */
void channels_confirmed(struct channels *channels, const char *name,
                        size_t len);

/* The last position that was heard of a topic, "ROUTE:TOPIC"; 0: none, or it is
 * not subscribed to. */
void channels_note(struct channels *channels, const char *name, size_t len,
                   struct position at);
struct position channels_position(const struct channels *channels,
                                  const char *key, size_t len);

size_t channels_count(const struct channels *channels);
void channels_finish(struct channels *channels);

#endif
