/* watchman.h - ends the workers of a board that hang
 *
 * A worker that hangs is sent SIGABRT, so that its handler tells where it is
 * (lastwords.h), and SIGKILL if it does not end of that. Either way it has
 * hung, and is not one that somebody else has killed.
 */
#ifndef PATCHBAY_PROC_WATCHMAN_H
#define PATCHBAY_PROC_WATCHMAN_H

#include "conf/conf.h"
#include "proc/board.h"
#include "proc/poller.h"

struct watchman;

/* All borrowed; conf: what tells hook_timeout, as it is at the time; next: what
 * a reload is about to put in its place, NULL: nothing. NULL when out of
 * memory. */
struct watchman *watchman_create(struct poller *poller,
                                 const struct board *board,
                                 const struct conf *const *conf,
                                 const struct conf *const *next);

/* Why it has ended the process that has the place, or NULL: it has not. */
const char *watchman_why(const struct watchman *watchman, unsigned worker);

/* NULL is allowed. */
void watchman_destroy(struct watchman *watchman);

#endif
