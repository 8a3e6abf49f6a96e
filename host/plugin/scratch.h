/* scratch.h - the folder for copies of plugins that are only looked at */
#ifndef PATCHBAY_PLUGIN_SCRATCH_H
#define PATCHBAY_PLUGIN_SCRATCH_H

#include <stddef.h>

#include "base/buf.h"

/* Makes one in TMPDIR, or /tmp, that belongs to user, or to the caller if that
 * is NULL. path: zeroed. 0, or -1 with errno set and in path the folder that is
 * wrong, if memory did not run out: for buf_free. */
int scratch_make(struct buf *path, const char *user);

/* Hands a folder over. 0, or -1 with errno set. */
int scratch_give(const char *path, const char *user);

/* Removes it with the files in it, and frees path; an empty one is allowed. */
void scratch_remove(struct buf *path);

#endif
