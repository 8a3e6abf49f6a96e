/* interest.h - which worker wants what is published to which topic */
#ifndef PATCHBAY_BUS_INTEREST_H
#define PATCHBAY_BUS_INTEREST_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/worker_set.h"

struct interest_entry;

/* A zeroed struct is empty. */
struct interest {
    struct interest_entry *entries; /* by route and topic */
};

/* 0, or -1 if there is no memory or no route and topic have names that long.
 * Setting what is set already changes nothing. */
int interest_set(struct interest *interest, const char *route,
                 const char *topic, unsigned worker, bool on);

/* Who wants it, or NULL if nobody does. Until the next change. */
const struct worker_set *interest_find(const struct interest *interest,
                                       const char *route, const char *topic);

/* A worker has ended: nothing is of interest to it any more. */
void interest_forget(struct interest *interest, unsigned worker);

/*
 * A worker tells all of its interests anew: after mark, each of them is set,
 * and sweep ends those that were not. In between none is missing.
 */
void interest_mark(struct interest *interest, unsigned worker);
void interest_sweep(struct interest *interest, unsigned worker);

/* Number of topics that anybody wants. */
size_t interest_count(const struct interest *interest);
void interest_finish(struct interest *interest);

#endif
