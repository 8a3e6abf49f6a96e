/* membership.h - how this host stands with the other machines of its cluster */
#ifndef PATCHBAY_PROC_MEMBERSHIP_H
#define PATCHBAY_PROC_MEMBERSHIP_H

#include "conf/conf.h"
#include "proc/board.h"

/* That of the worker that is worst off; CLUSTER_OFF without [cluster] url. */
enum cluster_state membership_of(const struct board *board,
                                 const struct conf *conf);

/* "ok", "Redis is away" */
const char *membership_text(enum cluster_state state);

#endif
