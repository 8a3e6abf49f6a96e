/* custody.h - what is the host's in a worker, and no plugin may touch
 *
 * Its descriptors, the signal mask and handlers, the timers of alarm(2), the
 * working directory, the umask and the locale belong to the whole process: a
 * plugin that changes them changes them for all.
 */
#ifndef PATCHBAY_PROC_CUSTODY_H
#define PATCHBAY_PROC_CUSTODY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"

#define CUSTODY_FDS     80
#define CUSTODY_SIGNALS 13

enum custody_kind {
    CUSTODY_LOOP = 1, /* what epoll_create gave */
    CUSTODY_CHANNEL,
    CUSTODY_BUS,
    CUSTODY_LISTENER,
    CUSTODY_LOG
};

struct custody_fd {
    enum custody_kind kind;
    int fd;
    dev_t device;
    ino_t inode;
};

/* A zeroed struct keeps nothing. */
struct custody {
    struct custody_fd fds[CUSTODY_FDS];
    size_t fd_count;
    char loop_link[32]; /* where /proc says what the loop's is */
    bool begun;
    struct sigaction actions[CUSTODY_SIGNALS];
    sigset_t mask;
    bool has_umask;
    mode_t umask;
    int folder; /* the working directory */
    bool has_folder;
    struct stat folder_is;
    char locale[512]; /* "": not known */
};

/* Keeps a descriptor in mind; -1 is none, and what is beyond CUSTODY_FDS is
 * not watched. */
void custody_keep(struct custody *custody, int fd, enum custody_kind kind);

/* No descriptor of that kind is looked at any more. */
void custody_drop(struct custody *custody, enum custody_kind kind);

/* Before the first plugin is opened: the rest as it is now. */
void custody_begin(struct custody *custody);

/*
 * Looks whether all is as it was, and puts right what can be. Adds what was
 * found to `found`, as in "the signal mask, the umask"; nothing is added if
 * all is well. false: descriptors are gone, or stand for something else.
 * Speaks of the thread that calls, where a thread has such a thing.
 */
bool custody_check(struct custody *custody, struct buf *found);

/* Whether a descriptor was kept, and is that no more: its number may be
 * somebody else's by now. */
bool custody_lost(const struct custody *custody, int fd);

/* Whether any was. Safe in a signal handler. */
bool custody_broken(const struct custody *custody);

void custody_end(struct custody *custody);

#endif
