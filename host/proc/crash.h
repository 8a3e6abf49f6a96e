/* crash.h - the end of a worker: all that is known of it, and its report */
#ifndef PATCHBAY_PROC_CRASH_H
#define PATCHBAY_PROC_CRASH_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/conf.h"
#include "proc/board.h"
#include "proc/remains.h"

/* Copied from the board, which belongs to the next process at once. */
struct crash {
    unsigned worker;
    int pid;
    uint64_t wall_ms;
    char what[512]; /* in one sentence */
    char hang[320]; /* why the master ended it; "": it did not */
    enum hook hook;
    char
        plugin[CONF_MAX_NAME + 1]; /* by the board; what remains knows better */
    char route[CONF_MAX_NAME + 1];
    uint64_t conn;
    unsigned signal; /* 0: it said nothing */
    uint64_t address;
    int thread;
    struct remains remains;
};

/*
 * Whether a process that ended with that status of waitpid, and was not sent
 * to its end, is worth a report: one that was killed from outside is not.
 */
bool crash_is_one(const struct board *board, unsigned worker, int status);

/* Before board_bury. hang: NULL, or why the master ended it. */
void crash_take(struct crash *crash, const struct board *board, unsigned worker,
                int pid, const char *what, const char *hang);

/*
 * Writes the report. What comes from outside is written in printable ASCII, all
 * else as \xNN. Reads the plugins' files: see autopsy.h. In a child it
 * is flushed before that, so that what is certain is not lost.
 */
void crash_write(const struct crash *crash, const char *images_dir, FILE *out);

#endif
