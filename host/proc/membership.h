/* membership.h - how this host stands with the other machines of its cluster */
#ifndef PATCHBAY_PROC_MEMBERSHIP_H
#define PATCHBAY_PROC_MEMBERSHIP_H

#include <stdbool.h>

#include "conf/conf.h"
#include "proc/board.h"

/* That of the worker that is worst off; CLUSTER_OFF without [cluster] url. */
enum cluster_state membership_of(const struct board *board,
                                 const struct conf *conf);

/* Whether the host serves, but not as it is meant to: a worker is missing at
 * this moment, a plugin is quarantined, or it does without the others. */
bool membership_degraded(const struct board *board, const struct conf *conf);

/* "ok", "Redis is away" */
const char *membership_text(enum cluster_state state);

#endif
