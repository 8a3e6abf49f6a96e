/* postmortem.h - what a worker does, and what it died of, in words */
#ifndef PATCHBAY_PROC_POSTMORTEM_H
#define PATCHBAY_PROC_POSTMORTEM_H

#include <stddef.h>

#include "proc/board.h"

/*
 * "the message hook of plugin chat, [route.lobby], connection 7"; "" while no
 * plugin code runs. A route that a reload has removed is named, too. Returns
 * out.
 */
char *postmortem_hook(char *out, size_t size, const struct board *board,
                      unsigned worker);

/*
 * "worker 1 (pid 77) killed by signal 11 (Segmentation fault) in the message
 * hook of ..."; status is that of waitpid. Returns out.
 */
char *postmortem_death(char *out, size_t size, const struct board *board,
                       unsigned worker, int pid, int status);

#endif
