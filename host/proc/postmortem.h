/* postmortem.h - what a worker does, and what it died of, in words */
#ifndef PATCHBAY_PROC_POSTMORTEM_H
#define PATCHBAY_PROC_POSTMORTEM_H

#include <stddef.h>

#include "conf/conf.h"
#include "core/stats.h"

/*
 * "the message hook of plugin chat, [route.lobby], connection 7"; "" while no
 * plugin code runs. Returns out.
 */
char *postmortem_hook(char *out, size_t size, const struct worker_stats *stats,
                      const struct conf *conf);

/*
 * "worker 1 (pid 77) killed by signal 11 (Segmentation fault) in the message
 * hook of ..."; status is that of waitpid. Returns out.
 */
char *postmortem_death(char *out, size_t size, unsigned worker, int pid,
                       int status, const struct worker_stats *stats,
                       const struct conf *conf);

#endif
