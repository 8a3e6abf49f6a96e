/* unheard.h - workers that did not say what a reload has done in them, and why
 */
#ifndef PATCHBAY_PROC_UNHEARD_H
#define PATCHBAY_PROC_UNHEARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "proc/generation.h"

/* The first of missing, which are numbers of workers, that serves, but says
 * nothing; -1: there is none. */
int unheard_find(const struct crew *crew, const json_t *missing);

/*
 * In why what keeps such a worker, if silent is not -1, or else what the one
 * has died of that was lost, and the rest. True: it is a plugin's doing.
 */
bool unheard_why(const struct generation *generation, int lost, int silent,
                 const char *rest, char *why, size_t why_size);

#endif
