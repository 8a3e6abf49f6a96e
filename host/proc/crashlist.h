/* crashlist.h - the crash reports of a run_dir, read again for an operator */
#ifndef PATCHBAY_PROC_CRASHLIST_H
#define PATCHBAY_PROC_CRASHLIST_H

#include <dirent.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"

/* For scandir: the reports of the folder. Their order by name is that of
 * time. */
int crashlist_is_report(const struct dirent *entry);

/*
 * The reports in run_dir/crashes, the latest first, with or without a host that
 * runs: an array of objects with number (from 1), name, file and what the
 * head of the report says, as far as it does: time, worker, pid, what, reason,
 * hang, signal, plugin, version, route, hook, connection, ... The array is
 * empty where nothing has crashed yet; NULL and one sentence in why if that
 * cannot be told.
 */
json_t *crashlist_read(const char *run_dir, char *why, size_t why_size);

/* That which wanted names: by number, name, or path. NULL: none; else it is
 * the list's. */
const json_t *crashlist_find(const json_t *list, const char *wanted);

/* Adds the whole of a report, or what of it is not over 1 MiB. 0, or -1 and
 * errno. */
int crashlist_text(const char *file, struct buf *text);

#endif
