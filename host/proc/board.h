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

#include "conf/conf.h"
#include "core/addresses.h"
#include "core/archive.h"
#include "core/bans.h"
#include "core/stats.h"

struct remains;
struct tally;

enum worker_state {
    WORKER_DOWN = 1, /* not started yet, or dead and waiting to be replaced */
    WORKER_STARTING,
    WORKER_RUNNING,
    WORKER_DRAINING,
    WORKER_SPARE /* nobody has the place, nor is to have it for now */
};

/*
 * Of a worker that died, board_stats(board, worker) tells until board_bury:
 * now (which hook, route slot and connection) and last_words (signal, and hash
 * and length of the message that the hook was given); core/stats.h has them.
 * Whoever wants to know such a message again hashes it by
 * fnv_hash(board->seed, data, len), base/fnv.h.
 */
struct board_slot {
    _Atomic uint32_t state; /* enum worker_state */
    _Atomic int32_t pid;    /* 0: none */
    stat_value incarnation; /* processes that had this place before */
    stat_value recycled;    /* of them, those that gave way to a new one */
    stat_value since_ms;    /* clock_now_ms of its fork */
};

/* Whose counters have a place: what stands in the configuration, or did when
 * there was last something to count. */
struct board_route {
    char name[CONF_MAX_NAME + 1]; /* "": nobody's yet */
    char plugin[CONF_MAX_NAME + 1];
    char before[CONF_MAX_NAME + 1]; /* a plugin that may still run there; "" */
};

/* What every process has of its own: a worker that runs wild in the shared
 * memory spoils numbers, but leads no one astray. */
struct board {
    unsigned workers; /* places: wanted, and one more if they are recycled */
    unsigned wanted;  /* workers that are to serve */
    unsigned routes;  /* places for the counters of routes */
    struct board_route *names;  /* for each place; as they were at the fork */
    uint64_t started_ms;        /* clock_now_ms */
    uint64_t started_wall_ms;   /* since 1970 */
    struct address_cell *cells; /* shared: a table of each worker, and of all */
    unsigned char *shared;
    size_t size;
    size_t stride;           /* from slot to slot */
    uint64_t incarnation;    /* the first of each worker */
    uint64_t seed;           /* of hashes: secret, one for the host */
    const struct bans *bans; /* NULL: none; borrowed */
    struct archive *archive; /* NULL: none; borrowed */
    struct tally *tally;     /* likewise */
    struct board **older;    /* whose workers had not gone yet; borrowed */
    size_t older_count;
    bool over; /* in the master: its workers have gone */
};

/* NULL with errno set if there is no memory. */
struct board *board_create(unsigned workers, unsigned routes);

/* Before anyone else knows it: so many workers are to serve, and the places
 * behind theirs are spare. */
void board_spare(struct board *board, unsigned wanted);

/*
 * Makes it the successor of old, whose workers are to be replaced by its own:
 * sums go on where they were, and ids of connections are not used again. Boards
 * whose workers have gone are summed up and not looked at any more; the others
 * have to stay. To be called before anyone else knows it. 0, or -1 when out of
 * memory.
 */
int board_succeed(struct board *board, struct board *old);
void board_destroy(struct board *board);

/* Before any worker: its incarnations begin here, or above. Ids of connections
 * that others may still know are not used again by a host that begins anew. */
void board_begin_at(struct board *board, uint64_t incarnation);

struct board_slot *board_slot(const struct board *board, unsigned worker);
struct worker_stats *board_stats(const struct board *board, unsigned worker);
struct remains *board_remains(const struct board *board, unsigned worker);

/* A process has the place now. */
void board_begin(const struct board *board, unsigned worker, int pid);

/* It is dead, and its hook_now is to be read: corrects it, if its last words
 * tell of another thread. */
void board_settle(const struct board *board, unsigned worker);

/* In a worker: children that a plugin forks do not have the board, and so can
 * spoil nothing on it. They fault as soon as they come back from the hook. */
void board_keep_from_children(const struct board *board);

/* Whether that address is on the board. Safe in a signal handler. */
bool board_holds(const struct board *board, const void *address);

/* It is dead: what it had open is gone, what it counted stays, so that totals
 * never go back. The next one gets a new incarnation. */
void board_bury(const struct board *board, unsigned worker);

/* It is dead, and has a successor in another place. */
void board_vacate(const struct board *board, unsigned worker, bool recycled);

/* How often a worker died in this place and was replaced there. */
uint64_t board_restarts(const struct board *board, unsigned worker);

/* What it has taken since the host began, with those before it: requests and
 * handshakes, however they were answered. */
uint64_t board_requests(const struct board *board, unsigned worker);

/* "starting" */
const char *board_state_name(uint32_t state);

/* The host as a whole is about to end. */
void board_set_draining(const struct board *board);
bool board_draining(const struct board *board);

/* In the master: a plugin has ended a worker. */
void board_count_crash(const struct board *board, unsigned route);

/* In the master: says whose counters a place has. */
void board_name(const struct board *board, unsigned route, const char *name,
                const char *plugin);

/* A place that nobody counts in gets a new owner: its counters begin at zero.
 */
void board_clear_route(const struct board *board, unsigned route);

/* Of all workers together; a member of struct route_stats or worker_stats by
 * its offset. */
uint64_t board_sum_route(const struct board *board, unsigned route,
                         size_t offset);
uint64_t board_sum(const struct board *board, size_t offset);
uint64_t board_connections(const struct board *board, unsigned route);
uint64_t board_all_connections(const struct board *board);
/* Connections by address: the table of one worker, and how many all have
 * together, with those of older boards. */
struct addresses board_addresses(const struct board *board, unsigned worker);
uint64_t board_address(const struct board *board, uint64_t key);

/* How often addresses connect: for all workers. */
struct addresses board_connects(const struct board *board);
unsigned board_running(const struct board *board);

/* Whether somebody has the place, or is to have it: it is not spare. */
bool board_has_worker(const struct board *board, unsigned place);

#endif
