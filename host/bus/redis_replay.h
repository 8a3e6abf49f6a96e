/* redis_replay.h - what Redis has kept of a topic, for core */
#ifndef PATCHBAY_BUS_REDIS_REPLAY_H
#define PATCHBAY_BUS_REDIS_REPLAY_H

#include "bus/redis-t.h"

/* As replay of struct bus. One that is asked while the script is being loaded
 * waits for that. */
int redis_replay_ask(struct redis_bus *bus, const char *route,
                     const char *topic, const struct query *query);

/* The script has been loaded, or will not be. */
void redis_replay_go_on(struct redis_bus *bus);

#endif
