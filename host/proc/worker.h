/* worker.h - a process that serves clients: the loop, and its start and end */
#ifndef PATCHBAY_PROC_WORKER_H
#define PATCHBAY_PROC_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "proc/account.h"
#include "proc/board.h"
#include "proc/pins.h"

/* All borrowed, but for the descriptors. */
struct worker_setup {
    const struct conf *conf;
    const struct board *board;
    const struct account *account;
    const struct pins *pins;
    const char *images_dir;
    unsigned index;
    pid_t master;
    int channel_fd; /* to the master, both ways; see errands.h */
    int bus_fd;     /* -1: one worker */
    int listen_fds[CONF_MAX_LISTEN]; /* closed by the worker when it ends */
    bool listen_tls[CONF_MAX_LISTEN];
    size_t listen_count;
};

/*
 * Serves until the master says otherwise, or is no more. Called in a fresh
 * child that holds nothing but what the setup names, all signals blocked.
 * Returns its exit status.
 */
int worker_run(const struct worker_setup *setup);

#endif
