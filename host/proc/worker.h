/* worker.h - a process that serves clients: the loop, and its start and end */
#ifndef PATCHBAY_PROC_WORKER_H
#define PATCHBAY_PROC_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "net/pems.h"
#include "proc/account.h"
#include "proc/board.h"
#include "proc/pins.h"

/* All borrowed, but for the descriptors. */
struct worker_setup {
    const struct conf *conf;
    const struct board *board;
    const struct account *account;
    const struct pins *pins;
    const struct pems *pems; /* NULL: no TLS, or the server reads the files */
    const char *images_dir;
    unsigned index;  /* its place: on the board, on the bus, in ids */
    unsigned number; /* of the worker whose sockets it has */
    pid_t master;
    int channel_fd; /* to the master, both ways; see errands.h */
    int bus_fd;     /* -1: there are no others */
    const char *bus_dir;
    int *listen_fds; /* closed by the worker when it ends */
    bool *listen_tls;
    size_t listen_count;
    /* It is to serve only when told, and goes on with a log that is open as
     * this conf says; NULL: it serves at once. */
    const struct conf *replaces;
};

/*
 * Serves until the master says otherwise, or is no more. Called in a fresh
 * child that holds nothing but what the setup names, all signals blocked.
 * Returns its exit status.
 */
int worker_run(const struct worker_setup *setup);

#endif
