/* redis_replay.h - what Redis has kept of a topic, for core */
#ifndef PATCHBAY_BUS_REDIS_REPLAY_H
#define PATCHBAY_BUS_REDIS_REPLAY_H

#include "bus/redis-t.h"

/* As replay of struct bus; hash is that of redis_script_replay. */
int redis_replay_ask(struct redis_bus *bus, const char *hash, const char *route,
                     const char *topic, struct position after, unsigned max,
                     uint64_t ticket);

/*
 * Whether these are all behind the position that was asked for, of that the
 * last max: first is the offset of the first of them, or 0 if there are none,
 * head that of the last that is kept.
 */
enum replay redis_replay_result(struct position after, unsigned max,
                                uint64_t first, struct position head);

#endif
