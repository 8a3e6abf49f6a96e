/* history.h - topics whose last messages are kept, and have one order for all
 *
 * A route with `history` keeps them: in the archive of this machine, or wherever
 * the bus does. A message is given to the subscribers once it stands in the
 * order: at once on one machine, when it comes back from the bus otherwise.
 */
#ifndef PATCHBAY_CORE_HISTORY_H
#define PATCHBAY_CORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core-t.h"

/* Of a route that keeps messages. 0, or BAY_EFULL if a notice of this worker
 * could not be queued. */
int history_publish(struct instance *instance, const char *topic,
                    const struct kept *message);

/* A topic has its first subscriber or listener in this worker. */
void history_wanted(struct core *core, const struct route *route,
                    const char *topic);

/* A connection has subscribed. */
void history_subscribed(struct conn *conn, const char *topic);

/* bay_history */
int history_send(struct conn *conn, const char *topic, unsigned max);

/* There may be messages in the archive that are not delivered: of a topic, or
 * of any. */
void history_news(struct core *core, const struct route *route,
                  const char *topic);
void history_sweep(struct core *core);

/* The bus answers again: it is asked what it could not be asked. */
void history_back(struct core *core);

/* What others publish to the topic arrives from now on: what was missed is asked
 * for. */
void history_settled(struct core *core, const char *route, const char *topic);

/* A message from the bus, and the answer to what was asked for to fill a gap. */
void history_take(struct core *core, const char *route, const char *topic,
                  const struct kept *message);
void history_filled(struct core *core, uint64_t ticket, enum replay result,
                    const struct kept *messages, size_t count,
                    struct position head);
void history_finish(struct core *core);

/* A sibling could not be told of news: all look for them, soon. */
void history_check(struct core *core);

#endif
