/* snapshot.h - what a reload brings, as the workers are told
 *
 * All of them are to read the same text, and the INI file may be edited again
 * at any time, or be none of theirs to read.
 */
#ifndef PATCHBAY_PROC_SNAPSHOT_H
#define PATCHBAY_PROC_SNAPSHOT_H

#include <jansson.h>
#include <stddef.h>

#include "proc/candidate.h"
#include "proc/host.h"

/* Writes the text to a file in run_dir that the workers' user alone may read.
 * 0, or -1 and one sentence in why. */
int snapshot_write(const struct host *host, const struct candidate *next,
                   char *why, size_t why_size);
void snapshot_remove(const struct host *host);

/* The order to prepare: see turnover.h. NULL when out of memory. */
json_t *snapshot_order(const struct host *host, const struct candidate *next);

#endif
