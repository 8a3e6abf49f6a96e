/* host.h - what makes up the host that runs, for the parts of the master */
#ifndef PATCHBAY_PROC_HOST_H
#define PATCHBAY_PROC_HOST_H

#include <limits.h>

#include "proc/crashes.h"
#include "proc/generation.h"
#include "proc/inherited.h"
#include "proc/poller.h"
#include "proc/rundir.h"

struct archive;
struct breaker;
struct tally;

struct host {
    struct poller poller;
    struct rundir rundir;
    struct inherited inherited; /* sockets, from the service manager */
    char images_dir[PATH_MAX];
    struct breaker *breaker; /* what plugins have done to workers */
    struct tally *tally;
    struct archive *archive; /* of topics with history */
    struct crashes crashes;
    struct generation *now;     /* that serves; never NULL once it started */
    struct generation *coming;  /* is to replace it; NULL: none */
    struct generation *leaving; /* were replaced: a list, the latest first */
    unsigned generations;       /* made so far */
    struct generation_events events;
};

/* In the master: other processes of its user, so plugins in workers that have
 * the same, neither read nor write its memory. It leaves no core dump, too. */
void host_shield(void);

/* In a child: lets go of what is the master's, the shield included. */
void host_forget(struct host *host);

#endif
