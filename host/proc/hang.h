/* hang.h - does a worker still get on with it? asked again and again */
#ifndef PATCHBAY_PROC_HANG_H
#define PATCHBAY_PROC_HANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "core/stats.h"

/*
 * What the master has seen of one worker. Zeroed: a process that is new. Time
 * counts only while the master itself gets on: if the whole machine, or the
 * whole host, stood still, no hook took long.
 */
struct hang {
    uint64_t mark;   /* which call, or which heartbeat */
    uint64_t for_ms; /* how long it has been that */
};

/* What it is held against. */
struct hang_rule {
    const struct conf *conf; /* that it serves by */
    const struct conf *next; /* that it is to serve by; NULL: the same */
    bool beats; /* its loop runs, so that a heartbeat is due, and clients wait
                 * for it */
};

/* The time between two looks, by the master's clock: since the last one, but no
 * more than twice what was due. */
uint64_t hang_elapsed(uint64_t last_ms, uint64_t now_ms, uint64_t due_ms);

/* How often to look, so that each limit there is is met in time; 0: never. */
uint64_t hang_period_ms(const struct conf *conf);

/*
 * Looks at a worker: true if it hangs, and in why what it does, in words for a
 * log and a report. One that somebody has stopped, such as a debugger, does not
 * hang. */
bool hang_look(struct hang *hang, const struct worker_stats *stats,
               const struct hang_rule *rule, pid_t pid, uint64_t elapsed_ms,
               char *why, size_t why_size);

/* Why that signal has no effect on its first thread: "is blocked in it". */
const char *hang_deaf(pid_t pid, int number);

#endif
