/* replay.h - a subscriber that gets older messages of its topic first
 *
 * While it does, what is published is not given to it as it comes, but in its
 * turn. A long history goes out as the client takes it: no more than half of
 * send_queue waits at any time.
 */
#ifndef PATCHBAY_CORE_REPLAY_H
#define PATCHBAY_CORE_REPLAY_H

#include <stdbool.h>

#include "core/bus.h"
#include "core/topics.h"

enum replay_why {
    REPLAY_POSITION = 1, /* a client that can resume hears where it begins */
    REPLAY_RESUME,       /* it gets what it has missed, and hears so */
    REPLAY_HISTORY       /* the plugin asked for it */
};

/* Of the topic's last messages, those behind a position; or with an epoch of 0
 * the last max. 0, BAY_ENOMEM, or what the bus says. */
int replay_begin(struct topic_sub *sub, struct position after, unsigned max,
                 enum replay_why why);

/* The plugin asks for history while something else is under way: after it.
 * false: there is nothing any more. */
bool replay_then(struct topic_sub *sub, unsigned max);

/* sub->replay is not NULL, and this message has come: whether it is for the
 * subscriber now. It gets it later if need be. */
bool replay_admits(struct topic_sub *sub, const struct kept *message);

/* The bus is back, as far as this topic is concerned: those that could not ask
 * it, ask. */
void replay_settled(const struct topic *topic);

/* Its queue is short again. */
void replay_go_on(struct conn *conn);

/* The answer of the bus. false: nobody waits for this ticket. */
bool replay_answer(struct core *core, uint64_t ticket, enum replay result,
                   const struct kept *messages, size_t count,
                   struct position head);

/* It ends, whatever is left. */
void replay_end(struct topic_sub *sub);

#endif
