/* quarantine.h - plugins that end workers are stopped, and let go on again */
#ifndef PATCHBAY_PROC_QUARANTINE_H
#define PATCHBAY_PROC_QUARANTINE_H

#include <stdbool.h>

#include "proc/host.h"
#include "proc/postmortem.h"

/* A plugin has ended a worker of that generation. */
void quarantine_crashed(struct host *host, struct generation *generation,
                        const struct culprit *culprit);

/* For an operator. false: nothing was held against that plugin. */
bool quarantine_lift(struct host *host, const char *plugin);

/* Other plugins may serve from now on: what is not used is forgotten. */
void quarantine_keep(struct host *host);

#endif
