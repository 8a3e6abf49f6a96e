/* succession.h - new workers on the same sockets, in the place of the old ones
 *
 * The new ones are started and wait; when all are ready they serve, and the old
 * ones take leave of their clients.
 */
#ifndef PATCHBAY_PROC_SUCCESSION_H
#define PATCHBAY_PROC_SUCCESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "proc/candidate.h"
#include "proc/host.h"

/* What next changes that the workers there are cannot take up; NULL: nothing,
 * a reload goes through in place. */
const char *succession_reason(const struct generation *generation,
                              const struct conf *next);

/* Starts the workers of what the candidate brings, which it takes: they are
 * host.coming. 0, or -1 and one sentence in why, and nothing has changed. */
int succession_begin(struct host *host, struct candidate *candidate, char *why,
                     size_t why_size);

/* All of them are ready: they serve, being host.now; the old ones leave.
 * 0, or -1 and one sentence in why: then give it up. */
int succession_complete(struct host *host, char *why, size_t why_size);

/* Ends the workers that were to come. */
void succession_give_up(struct host *host);

/* A generation's last worker has gone. */
void succession_ended(struct host *host, struct generation *generation);

#endif
