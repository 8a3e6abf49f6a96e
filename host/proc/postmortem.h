/* postmortem.h - what a worker does, and what it died of, in words */
#ifndef PATCHBAY_PROC_POSTMORTEM_H
#define PATCHBAY_PROC_POSTMORTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/board.h"

/* The plugin that ended a worker. */
struct culprit {
    char plugin[CONF_MAX_NAME + 1];
    char where[256]; /* as postmortem_hook */
    unsigned route;  /* its place on the board */
    bool hung;       /* the master has ended it for that */
    uint64_t code;   /* see core/bans.h */
    uint64_t hash;   /* of the message it was given; 0: of none */
    uint64_t len;
};

/*
 * Whether a plugin did it: a hook of its ran, and the worker ended by itself,
 * or hung and was ended by the master. One that somebody else has killed was
 * not ended by what it did just then. status is that of waitpid.
 */
bool postmortem_culprit(struct culprit *culprit, const struct board *board,
                        unsigned worker, int status, bool hung);

/*
 * "the message hook of plugin chat, [route.lobby], connection 7"; "" while no
 * plugin code runs. A route that a reload has removed is named, too. Returns
 * out.
 */
char *postmortem_hook(char *out, size_t size, const struct board *board,
                      unsigned worker);

/*
 * "worker 1 (pid 77) killed by signal 11 (Segmentation fault) in the message
 * hook of ..."; status is that of waitpid. Returns out.
 */
char *postmortem_death(char *out, size_t size, const struct board *board,
                       unsigned worker, int pid, int status);

#endif
