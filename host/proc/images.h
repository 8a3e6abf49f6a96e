/* images.h - the copies of plugins in run_dir: those nobody uses are removed */
#ifndef PATCHBAY_PROC_IMAGES_H
#define PATCHBAY_PROC_IMAGES_H

#include <stdbool.h>

/* Removes the files in dir that is_used says no to; name is without folder. */
void images_sweep(const char *dir, bool (*is_used)(void *arg, const char *name),
                  void *arg);

#endif
