/* receivers.h - the streams on which the siblings send to this worker
 *
 * Accepts them, reads them, and hands what came to core; what a sibling says
 * of itself goes to its sender and to the table of interests. A sibling has
 * one current stream. Of its predecessor, or of one it gave up, there may be
 * an older one for a while: the messages on that still count, the interests
 * do not.
 */
#ifndef PATCHBAY_BUS_RECEIVERS_H
#define PATCHBAY_BUS_RECEIVERS_H

#include <uv.h>

#include "base/seldom.h"
#include "bus/inbox.h"
#include "bus/interest.h"
#include "bus/sender.h"
#include "bus/siblings.h"

/* Borrowed. */
struct receivers_setup {
    uv_loop_t *loop;
    struct core *core;
    struct worker_stats *stats;
    unsigned node, worker, workers;
    int listen_fd;
    const char *run_dir;    /* for messages */
    struct sender *senders; /* by number of the sibling */
    struct interest *interest;
    struct siblings *siblings; /* told of hellos and ends */
    unsigned *handles;         /* counts those not closed yet */
};

struct receiver;

struct receivers {
    const struct receivers_setup *setup;
    uv_poll_t listen;
    uv_timer_t pause;
    struct receiver *list; /* the oldest first */
    unsigned count;
    struct seldom strangers; /* of other users */
    struct seldom failed;    /* streams that could not be accepted */
    bool pausing;            /* since then none was */
    bool pause_told;         /* in the log */
    struct receiver *current[CONF_MAX_PLACES];
    struct worker_set told; /* whose interests are known, all of them */
    struct worker_set owed; /* who may have missed news while not in told */
    char area[INBOX_AREA];
};

/* Begins to accept. 0, or -1, logged; then nothing is to be closed. */
int receivers_init(struct receivers *receivers,
                   const struct receivers_setup *setup);

/* There is news of a topic, and the interests of some may not be known: they
 * will be told to look when they are. */
void receivers_owe_news(struct receivers *receivers);

/* Drops the streams and closes the handles; they are closed when
 * setup->handles says so. */
void receivers_close(struct receivers *receivers);

#endif
