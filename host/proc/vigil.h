/* vigil.h - [server] watch: tells when a file that is served by changes */
#ifndef PATCHBAY_PROC_VIGIL_H
#define PATCHBAY_PROC_VIGIL_H

#include "conf/conf.h"
#include "proc/poller.h"

struct watcher;

/* A zeroed struct watches nothing. */
struct vigil {
    struct poller *poller; /* set these; borrowed */
    void (*changed)(void *arg);
    void *arg;

    struct watcher *watcher; /* the rest is its own; NULL: not wanted */
};

/* This conf holds from now on. What it has no use for any more may be told of
 * once more. Not from inside of changed. */
void vigil_keep(struct vigil *vigil, const struct conf *conf);

/* In a child: closes its descriptor. */
void vigil_forget(struct vigil *vigil);
void vigil_end(struct vigil *vigil);

#endif
