/* recycle.h - workers that have grown, or served enough, give way to new ones
 *
 * The new one starts in the place that is spare, and serves on the sockets of
 * the old one before that takes leave of its clients; whose place is spare
 * then. So it is one at a time. All of this is crew's to call.
 */
#ifndef PATCHBAY_PROC_RECYCLE_H
#define PATCHBAY_PROC_RECYCLE_H

#include <stdbool.h>

#include "proc/crew-t.h"

/* All workers serve: looks at them once a second from now on. */
void recycle_begin(struct crew *crew);
void recycle_end(struct crew *crew);

/* A new process has the place: it has taken nothing yet. */
void recycle_born(struct member *member);

/* It is ready: true if it waits to be told to serve, and now is. */
bool recycle_ready(struct member *member);

/* It says that it serves. */
void recycle_serves(struct member *member);

/* It is not ready, and waited for no longer: true if it was ended. */
bool recycle_late(struct member *member);

/*
 * It has died, and is buried; what: of what, in words, polite: as it was told
 * to. True if nobody is to be started in its place: it was not needed any more,
 * or another comes in time.
 */
bool recycle_died(struct member *member, const char *what, bool polite);

#endif
