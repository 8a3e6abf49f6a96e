/* board.h - memory that master and workers share: who does what now
 *
 * One slot for each worker. The master writes the slot, the worker its stats;
 * every process may read everything at any time, so that any worker answers
 * for all, and a dead worker's last deed can still be read.
 */
#ifndef PATCHBAY_PROC_BOARD_H
#define PATCHBAY_PROC_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/stats.h"

enum worker_state {
    WORKER_DOWN = 1, /* not started yet, or dead and waiting to be replaced */
    WORKER_STARTING,
    WORKER_RUNNING,
    WORKER_DRAINING
};

struct board_slot {
    _Atomic uint32_t state; /* enum worker_state */
    _Atomic int32_t pid;    /* 0: none */
    stat_value incarnation; /* processes that had this place before */
    stat_value since_ms;    /* clock_now_ms of its fork */
};

/* What every process has of its own: a worker that runs wild in the shared
 * memory spoils numbers, but leads no one astray. */
struct board {
    unsigned workers;
    unsigned routes;
    uint64_t started_ms;      /* clock_now_ms */
    uint64_t started_wall_ms; /* since 1970 */
    unsigned char *shared;
    size_t size;
    size_t stride; /* from slot to slot */
};

/* NULL with errno set if there is no memory. */
struct board *board_create(unsigned workers, unsigned routes);
void board_destroy(struct board *board);

struct board_slot *board_slot(const struct board *board, unsigned worker);
struct worker_stats *board_stats(const struct board *board, unsigned worker);

/* A process has the place now. */
void board_begin(const struct board *board, unsigned worker, int pid);

/* It is dead: what it had open is gone, what it counted stays, so that totals
 * never go back. The next one gets a new incarnation. */
void board_bury(const struct board *board, unsigned worker);

/* "starting" */
const char *board_state_name(uint32_t state);

/* The host as a whole is about to end. */
void board_set_draining(const struct board *board);
bool board_draining(const struct board *board);

/* Of all workers together. */
uint64_t board_connections(const struct board *board, unsigned route);
unsigned board_running(const struct board *board);

#endif
