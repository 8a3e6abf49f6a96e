/* crashes.h - crash reports: written by children, kept in run_dir/crashes */
#ifndef PATCHBAY_PROC_CRASHES_H
#define PATCHBAY_PROC_CRASHES_H

#include <limits.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/account.h"
#include "proc/board.h"
#include "proc/poller.h"

#define CRASHES_DIR "crashes"

/* The last one of a worker's place. */
struct crash_last {
    uint64_t wall_ms; /* 0: none yet */
    char what[512];
    char file[PATH_MAX]; /* the report; "": none, or not yet */
};

struct crash_job;
struct tally;

/* Set the first part, and leave the rest zero. */
struct crashes {
    struct poller *poller; /* borrowed, as all is */
    const char *run_dir;
    const char *images_dir;
    struct tally *tally;         /* NULL: nobody counts */
    void (*in_child)(void *arg); /* closes what is the master's, so this, too */
    void *arg;

    struct crash_job *jobs;
    unsigned job_count;
    struct crash_last *last; /* of each worker's place; NULL: none yet */
};

/*
 * A worker has ended, with that status of waitpid, and is still on the board.
 * If it was a crash or a hang, notes what, and has a report written in the
 * poller's next turn, when its successor has begun. keep: how many reports may
 * be there, 0 for none. hang: NULL, or why the master ended it. account: whose
 * rights the child has. crashes may be NULL.
 */
void crashes_note(struct crashes *crashes, const struct board *board,
                  unsigned worker, int pid, int status, const char *what,
                  const char *hang, unsigned keep,
                  const struct account *account);

/* NULL: it had none. */
const struct crash_last *crashes_last(const struct crashes *crashes,
                                      unsigned worker);

/* In a child: closes what the reports that are being written come by. */
void crashes_forget(const struct crashes *crashes);

/* Those that are being written are given up. */
void crashes_finish(struct crashes *crashes);

#endif
