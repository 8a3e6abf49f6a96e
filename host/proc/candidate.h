/* candidate.h - what a reload may bring: the INI file and all that it names
 *
 * Read as a whole before the check and after it: only if nothing differs was
 * the check one of what will be served.
 */
#ifndef PATCHBAY_PROC_CANDIDATE_H
#define PATCHBAY_PROC_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "net/pems.h"
#include "proc/check.h"
#include "proc/pins.h"

/* A zeroed struct is empty. */
struct candidate {
    struct buf text;
    struct conf *conf; /* made of text; NULL: it has problems */
    struct pins pins;  /* of conf's routes; count 0: see above */
    struct pems pems;  /* the files of [tls], if there are any */
};

/* Plugins are copied into images_dir. 0, or -1 and one sentence in why: then
 * the candidate is incomplete, but still to be freed. */
int candidate_read(struct candidate *candidate, const char *file,
                   const char *images_dir, char *why, size_t why_size);

/* Whether both are complete and made of the same bytes. */
bool candidate_equal(const struct candidate *a, const struct candidate *b);

/* What the check has found out, and the conf lacks. 0, or -1 when out of
 * memory. */
int candidate_take_addresses(struct candidate *candidate,
                             const struct check_found *found);

void candidate_free(struct candidate *candidate);

#endif
