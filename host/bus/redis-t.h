/* redis-t.h - the struct of the bus between machines, for its own files only */
#ifndef PATCHBAY_BUS_REDIS_T_H
#define PATCHBAY_BUS_REDIS_T_H

#include "base/seldom.h"
#include "bus/channels.h"
#include "bus/peers.h"
#include "bus/redis.h"
#include "bus/redis_lease.h"
#include "bus/redis_link.h"
#include "bus/redis_log.h"

#define REDIS_NAME 128 /* of the channels and keys of a cluster's own */

struct redis_bus {
    struct redis_bus_setup setup;
    const struct bus *local; /* NULL: no siblings */
    void *local_self;
    bay_id self;
    struct redis_link commands, feed;
    struct chunk_pool pool;
    struct channels channels;
    struct peers peers;
    struct redis_log log;
    uv_timer_t beat;
    unsigned handles;
    bool leased;           /* the number is this host's, as far as is known */
    bool heard;            /* the feed is subscribed to what is said to all */
    char dead[LEASE_MARK]; /* a dead host's, whose number this was */
    char mark[LEASE_MARK];
    char lease_key[REDIS_NAME];
    char to_all[REDIS_NAME], to_self[REDIS_NAME], to_topics[REDIS_NAME];
    char client[REDIS_NAME];
    enum cluster_state state;
    char why[256]; /* it is not up, as was logged last */
    struct seldom not_sent, broken, failed;
    char area[REDIS_LINK_AREA];
};

/* The number of this host is its own, and Redis takes commands. */
static inline bool redis_can_send(const struct redis_bus *bus)
{
    return bus->leased && bus->commands.state == REDIS_LINK_UP;
}

/* It does not work as it should, for a reason; and whether it does again. */
void redis_degrade(struct redis_bus *bus, enum cluster_state state,
                   const char *why);
void redis_look_up(struct redis_bus *bus);

/* Of 64 bits, at random. */
uint64_t redis_random(struct redis_bus *bus);

/* Never 0, and exact as a number of Lua. */
static inline uint64_t redis_epoch(struct redis_bus *bus)
{
    return redis_random(bus) >> 11 | 1;
}

/* To the siblings alone. */
int redis_publish_near(struct redis_bus *bus, const char *route,
                       const char *topic, bay_kind kind, const void *data,
                       size_t len, bay_id except);

#endif
