/* redis_send.h - what a worker sends to those of other machines */
#ifndef PATCHBAY_BUS_REDIS_SEND_H
#define PATCHBAY_BUS_REDIS_SEND_H

#include "bus/envelope.h"
#include "bus/redis-t.h"

/* The channel of a worker; of any connection of it. */
void redis_name_worker(const struct redis_bus *bus, bay_id worker,
                       char out[REDIS_NAME]);

/* Something hosts tell each other: lost without harm. */
void redis_say(struct redis_bus *bus, const char *channel,
               enum envelope_type type, bay_id id);

/* A message of plugins, from this worker. 0, or what came in between, counted:
 * BAY_ESTATE, BAY_EFULL, BAY_ETOOBIG, BAY_ENOMEM. */
int redis_send(struct redis_bus *bus, const char *channel, size_t channel_len,
               struct envelope *envelope);

/* A message that Redis did not get; why is logged now and then, NULL: not. */
void redis_count_not_sent(struct redis_bus *bus, const char *why);

#endif
