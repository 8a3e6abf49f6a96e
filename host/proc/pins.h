/* pins.h - the plugins' files as they were when they were taken up
 *
 * A worker that is replaced must run the code of its siblings, even if a new
 * version, or half of one, lies in plugin_dir by then. So the master copies
 * the files once a reload, and workers open the copies. No plugin code runs
 * here.
 */
#ifndef PATCHBAY_PROC_PINS_H
#define PATCHBAY_PROC_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

struct pins {
    char **files; /* for each route the copy of its plugin's file */
    size_t count;
};

/* 0, or -1 and one sentence in why. dir is only ours to write. The same bytes
 * have the same copy, as long as it is there. */
int pins_make(struct pins *pins, const struct conf *conf, const char *dir,
              char *why, size_t why_size);

/* Whether they are copies of the same bytes, for the same routes. */
bool pins_equal(const struct pins *a, const struct pins *b);
/* Whether the file of that name in dir is one of them. */
bool pins_hold(const struct pins *pins, const char *file);

/* Whether all copies are where they were put. */
bool pins_are_there(const struct pins *pins);
void pins_free(struct pins *pins);

/* What stands behind NAME. in the name of such a copy: its hash, and ".so". */
const char *pins_hash(const char *file);

#endif
