/* warden.h - looks whether plugins have changed what is the host's, and whose
 * hooks ran before that
 */
#ifndef PATCHBAY_PROC_WARDEN_H
#define PATCHBAY_PROC_WARDEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/seldom.h"
#include "core/core.h"
#include "proc/custody.h"

/* A zeroed struct has nothing to look after. */
struct warden {
    struct custody custody;
    struct core *core;
    struct worker_stats *stats;
    bool broken;        /* descriptors were gone: said, and on the board */
    uint64_t said;      /* a hash of what it said last */
    struct seldom more; /* of the same */
};

/* When core is made, and before the first plugin is opened. Both borrowed. */
void warden_begin(struct warden *warden, struct core *core,
                  struct worker_stats *stats);

/*
 * Once a second: puts right what can be, counts and logs what was found, and
 * names the plugin if only one can have done it. unsure: others may have run
 * that core does not know of. false: descriptors have been closed, without
 * which the worker cannot go on.
 */
bool warden_look(struct warden *warden, bool unsure);

/* For the signal handler of a worker whose loop gives up while no hook runs:
 * if that is for want of descriptors, the board is told so. */
void warden_last_look(struct warden *warden);

void warden_end(struct warden *warden);

#endif
