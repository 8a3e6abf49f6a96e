/* autopsy.h - from a dead worker's remains to its stack, with names and lines
 *
 * By elfutils' libdw, which reads the plugins' files. Only for a process that
 * may crash, hang and be ended.
 */
#ifndef PATCHBAY_PROC_AUTOPSY_H
#define PATCHBAY_PROC_AUTOPSY_H

#include <stdio.h>

#include "proc/remains.h"

struct autopsy;

/* images_dir: where the copies of plugins are, which the worker may have had
 * in memory only. NULL: out of memory, or nothing was kept. */
struct autopsy *autopsy_create(const struct remains *remains,
                               const char *images_dir);

/* The build id of the file whose name begins with name, in hexadecimal; ""
 * if it has none, or is not known. Returns out. */
char *autopsy_build_id(struct autopsy *autopsy, const char *name, char *out,
                       size_t size);

/* One line a frame, the innermost first. */
void autopsy_write_stack(struct autopsy *autopsy, FILE *out);

/* One line for each file that was mapped: where, build id, path. */
void autopsy_write_files(struct autopsy *autopsy, FILE *out);

/* NULL is allowed. */
void autopsy_destroy(struct autopsy *autopsy);

#endif
