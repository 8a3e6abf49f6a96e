/* redis_hear.h - what comes from other machines, and from Redis itself */
#ifndef PATCHBAY_BUS_REDIS_HEAR_H
#define PATCHBAY_BUS_REDIS_HEAR_H

#include "bus/redis-t.h"

/* Redis has pushed this to the feed. `heard` is called when what is said to all
 * workers arrives from now on. */
void redis_hear(struct redis_bus *bus, const redisReply *reply,
                void (*heard)(struct redis_bus *bus));

#endif
