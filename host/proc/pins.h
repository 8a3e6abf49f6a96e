/* pins.h - the plugins' files as they were when the host started
 *
 * A worker that is replaced must run the code of its siblings, even if a new
 * version, or half of one, lies in plugin_dir by then. So the master copies
 * the files once, and workers open the copies. No plugin code runs here.
 */
#ifndef PATCHBAY_PROC_PINS_H
#define PATCHBAY_PROC_PINS_H

#include <stddef.h>

#include "conf/conf.h"

struct pins {
    char **files; /* for each route the copy of its plugin's file */
    size_t count;
};

/* 0, or -1 and one sentence in why. dir is empty and only ours to write. */
int pins_make(struct pins *pins, const struct conf *conf, const char *dir,
              char *why, size_t why_size);
void pins_free(struct pins *pins);

#endif
