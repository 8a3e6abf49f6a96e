/* launch.h - forks a worker, which takes along what is its own and no more */
#ifndef PATCHBAY_PROC_LAUNCH_H
#define PATCHBAY_PROC_LAUNCH_H

#include <sys/types.h>

#include "conf/conf.h"
#include "proc/crew.h"

/* Sets its pid, and the master's end of the channel to it. crew is what the
 * child has to forget; index is its place, number whose sockets it has;
 * replaces is that of crew_setup, for one that has to wait, or NULL. 0, or an
 * errno. */
int launch_worker(const struct crew_setup *setup, struct crew *crew,
                  unsigned index, unsigned number, const struct conf *replaces,
                  pid_t *pid, int *channel_fd);

#endif
