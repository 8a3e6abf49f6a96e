/* board.c - memory that master and workers share: who does what now */
#include "proc/board.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/clock.h"
#include "proc/remains.h"

#define LINE 128 /* two cache lines: they are fetched in pairs */

static size_t round_up(size_t size)
{
    return (size + LINE - 1) / LINE * LINE;
}

/* In front of the slots. Behind them is one more, of those who have gone with
 * an older board. */
struct head {
    _Atomic uint32_t draining; /* not 0; no bool, which has two values only */
};

#define CELLS_SIZE (ADDRESS_CELLS * sizeof(struct address_cell))

/* Address space for the most part: pages come when they are written to. */
static void *map_shared(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static size_t size_of_stats(unsigned routes)
{
    return round_up(sizeof(struct worker_stats) +
                    routes * sizeof(struct route_stats));
}

struct board *board_create(unsigned workers, unsigned routes)
{
    size_t stride = round_up(sizeof(struct board_slot)) +
                    size_of_stats(routes) + round_up(sizeof(struct remains));
    struct board *board = malloc(sizeof *board);

    if (board == NULL) {
        return NULL;
    }
    *board = (struct board){ .workers = workers,
                             .wanted = workers,
                             .routes = routes,
                             .started_ms = clock_now_ms(),
                             .started_wall_ms = clock_wall_ms(),
                             .size = LINE + (workers + 1) * stride,
                             .stride = stride };
    if (getrandom(&board->seed, sizeof board->seed, GRND_NONBLOCK) < 0) {
        board->seed = clock_now_ns();
    }
    board->names = calloc(routes + 1, sizeof *board->names);
    board->shared = map_shared(board->size);
    board->cells = map_shared((workers + 1) * CELLS_SIZE);
    if (board->names == NULL || board->shared == MAP_FAILED ||
        board->cells == MAP_FAILED) {
        board_destroy(board);
        errno = ENOMEM;
        return NULL;
    }
    for (unsigned i = 0; i < workers; i++) {
        atomic_store(&board_slot(board, i)->state, WORKER_DOWN);
    }
    return board;
}

void board_spare(struct board *board, unsigned wanted)
{
    board->wanted = wanted;
    for (unsigned i = wanted; i < board->workers; i++) {
        atomic_store(&board_slot(board, i)->state, WORKER_SPARE);
    }
}

void board_destroy(struct board *board)
{
    if (board != NULL) {
        if (board->shared != MAP_FAILED) {
            munmap(board->shared, board->size);
        }
        if (board->cells != MAP_FAILED) {
            munmap(board->cells, (board->workers + 1) * CELLS_SIZE);
        }
        free(board->names);
        free(board->older);
        free(board);
    }
}

static unsigned char *place(const struct board *board, unsigned worker)
{
    return board->shared + LINE + worker * board->stride;
}

static struct head *head(const struct board *board)
{
    return (struct head *)(void *)board->shared;
}

/* The numbers of a route are nothing but stat_values. */
#define ROUTE_NUMBERS (sizeof(struct route_stats) / sizeof(stat_value))

static stat_value *numbers_of(const struct board *board, unsigned worker,
                              unsigned route)
{
    return (stat_value *)(void *)&board_stats(board, worker)->routes[route];
}

/* What stands in the row of those who have gone. */
static const size_t totals[] = {
    offsetof(struct worker_stats, misdeeds),
    offsetof(struct worker_stats, accepted),
    offsetof(struct worker_stats, accept_paused),
    offsetof(struct worker_stats, bodies_dropped),
    offsetof(struct worker_stats, kept_ended),
    offsetof(struct worker_stats, connects_refused),
    offsetof(struct worker_stats, handshake_timeouts),
    offsetof(struct worker_stats, heads_too_long),
    offsetof(struct worker_stats, handshake_errors),
    offsetof(struct worker_stats, http_requests),
    offsetof(struct worker_stats, bus_in),
    offsetof(struct worker_stats, bus_out),
    offsetof(struct worker_stats, bus_dropped),
    offsetof(struct worker_stats, bus_paused),
    offsetof(struct worker_stats, presence_refused),
    offsetof(struct worker_stats, cluster_not_sent),
    offsetof(struct worker_stats, cluster_late),
    offsetof(struct worker_stats, cluster_reconnects),
    offsetof(struct worker_stats, cluster_broken),
    offsetof(struct worker_stats, log_lost),
    offsetof(struct worker_stats, history_missed),
};

static stat_value *number_of(const struct board *board, unsigned worker,
                             size_t offset)
{
    return (stat_value *)(void *)((char *)board_stats(board, worker) + offset);
}

/* All that the dead have counted, their gauges being zero by now. */
static void carry(const struct board *board, const struct board *gone)
{
    for (unsigned i = 0; i <= gone->workers; i++) {
        for (size_t k = 0; k < sizeof totals / sizeof totals[0]; k++) {
            stat_add(number_of(board, board->workers, totals[k]),
                     stat_get(number_of(gone, i, totals[k])));
        }
        for (unsigned route = 0; route < board->routes; route++) {
            for (size_t k = 0; k < ROUTE_NUMBERS; k++) {
                stat_add(&numbers_of(board, board->workers, route)[k],
                         stat_get(&numbers_of(gone, i, route)[k]));
            }
        }
    }
}

static uint64_t next_incarnation(const struct board *board)
{
    uint64_t next = board->incarnation;

    for (unsigned i = 0; i < board->workers; i++) {
        uint64_t last = stat_get(&board_slot(board, i)->incarnation);

        next = last + 1 > next ? last + 1 : next;
    }
    return next;
}

void board_begin_at(struct board *board, uint64_t incarnation)
{
    if (incarnation < board->incarnation) {
        return;
    }
    board->incarnation = incarnation;
    for (unsigned i = 0; i < board->workers; i++) {
        stat_set(&board_slot(board, i)->incarnation, incarnation);
    }
}

static void succeed_one(struct board *board, struct board *old)
{
    if (old->over) {
        carry(board, old);
    } else {
        board->older[board->older_count++] = old;
    }
}

/* old's incarnations are above those of the boards before it. */
int board_succeed(struct board *board, struct board *old)
{
    board->older = calloc(old->older_count + 1, sizeof *board->older);
    if (board->older == NULL) {
        return -1;
    }
    memcpy(board->names, old->names, board->routes * sizeof *board->names);
    board->started_ms = old->started_ms;
    board->started_wall_ms = old->started_wall_ms;
    board->seed = old->seed;
    board_begin_at(board, next_incarnation(old));
    succeed_one(board, old);
    for (size_t i = 0; i < old->older_count; i++) {
        succeed_one(board, old->older[i]);
    }
    return 0;
}

void board_set_draining(const struct board *board)
{
    atomic_store(&head(board)->draining, 1);
}

bool board_draining(const struct board *board)
{
    return atomic_load(&head(board)->draining) != 0;
}

struct board_slot *board_slot(const struct board *board, unsigned worker)
{
    return (struct board_slot *)(void *)place(board, worker);
}

struct worker_stats *board_stats(const struct board *board, unsigned worker)
{
    return (struct worker_stats *)(void *)(place(board, worker) +
                                           round_up(sizeof(struct board_slot)));
}

struct remains *board_remains(const struct board *board, unsigned worker)
{
    return (struct remains *)(void *)((char *)board_stats(board, worker) +
                                      size_of_stats(board->routes));
}

void board_begin(const struct board *board, unsigned worker, int pid)
{
    struct board_slot *slot = board_slot(board, worker);

    stat_set(&slot->since_ms, clock_now_ms());
    stat_set(&board_stats(board, worker)->heartbeat_ms, clock_coarse_ms());
    atomic_store(&slot->pid, pid);
    atomic_store(&slot->state, WORKER_STARTING);
}

struct addresses board_addresses(const struct board *board, unsigned worker)
{
    return (struct addresses){ board->cells + worker * ADDRESS_CELLS,
                               board->seed };
}

struct addresses board_connects(const struct board *board)
{
    return board_addresses(board, board->workers);
}

static uint64_t address_own(const struct board *board, uint64_t key)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < board->workers; i++) {
        struct addresses addresses = board_addresses(board, i);

        sum += address_count(&addresses, key);
    }
    return sum;
}

uint64_t board_address(const struct board *board, uint64_t key)
{
    uint64_t sum = address_own(board, key);

    for (size_t i = 0; i < board->older_count; i++) {
        sum += address_own(board->older[i], key);
    }
    return sum;
}

/* Gives the pages back; what is read there afterwards is zero. */
static void clear_addresses(const struct board *board, unsigned worker)
{
    struct addresses addresses = board_addresses(board, worker);

    if (madvise(addresses.cells, CELLS_SIZE, MADV_REMOVE) != 0) {
        memset(addresses.cells, 0, CELLS_SIZE);
    }
}

void board_keep_from_children(const struct board *board)
{
    (void)madvise(board->shared, board->size, MADV_DONTFORK);
    (void)madvise(board->cells, (board->workers + 1) * CELLS_SIZE,
                  MADV_DONTFORK);
}

static bool holds(const void *start, size_t size, const void *address)
{
    return (uintptr_t)address >= (uintptr_t)start &&
           (uintptr_t)address - (uintptr_t)start < size;
}

bool board_holds(const struct board *board, const void *address)
{
    return holds(board->shared, board->size, address) ||
           holds(board->cells, (board->workers + 1) * CELLS_SIZE, address);
}

void board_settle(const struct board *board, unsigned worker)
{
    struct worker_stats *stats = board_stats(board, worker);

    if (atomic_load(&stats->last_words.aside) == 1) {
        memcpy(&stats->now, &stats->last_words.culprit, sizeof stats->now);
    } else if (atomic_load(&stats->now.hook) == HOOK_NONE &&
               atomic_load(&stats->misdeed.found) == 1) {
        memcpy(&stats->now, &stats->misdeed.culprit, sizeof stats->now);
        return;
    }
    /* It has ended of something else, before it came to leave. */
    atomic_store(&stats->misdeed.found, 0);
}

void board_bury(const struct board *board, unsigned worker)
{
    struct board_slot *slot = board_slot(board, worker);
    struct worker_stats *stats = board_stats(board, worker);

    atomic_store(&slot->state, WORKER_DOWN);
    atomic_store(&slot->pid, 0);
    stat_add(&slot->incarnation, 1);
    atomic_store(&stats->now.hook, HOOK_NONE);
    stat_set(&stats->now.conn, 0);
    memset(&stats->last_words, 0, sizeof stats->last_words);
    memset(&stats->misdeed, 0, sizeof stats->misdeed);
    board_remains(board, worker)->wall_ms = 0;
    board_remains(board, worker)->has_witness = 0;
    board_remains(board, worker)->recent.count = 0;
    stat_set(&stats->sockets, 0);
    stat_set(&stats->jobs_queued, 0);
    stat_set(&stats->jobs_long, 0);
    stat_set(&stats->timers, 0);
    stat_set(&stats->queued_bytes, 0);
    stat_set(&stats->incoming_bytes, 0);
    stat_set(&stats->topics, 0);
    stat_set(&stats->resident, 0);
    clear_addresses(board, worker);
    for (unsigned i = 0; i < board->routes; i++) {
        stat_set(&stats->routes[i].connections, 0);
        stat_set(&stats->routes[i].outdated, 0);
    }
}

void board_vacate(const struct board *board, unsigned worker, bool recycled)
{
    struct board_slot *slot = board_slot(board, worker);

    atomic_store(&slot->state, WORKER_SPARE);
    stat_add(&slot->recycled, recycled);
}

uint64_t board_restarts(const struct board *board, unsigned worker)
{
    const struct board_slot *slot = board_slot(board, worker);

    return stat_get(&slot->incarnation) - board->incarnation -
           stat_get(&slot->recycled);
}

uint64_t board_requests(const struct board *board, unsigned worker)
{
    const struct worker_stats *stats = board_stats(board, worker);
    uint64_t sum =
        stat_get(&stats->http_requests) + stat_get(&stats->handshake_errors);

    for (unsigned i = 0; i < board->routes; i++) {
        sum += stat_get(&stats->routes[i].accepted) +
               stat_get(&stats->routes[i].refused);
    }
    return sum;
}

/* The row of those who have gone is the master's to write. */
void board_count_crash(const struct board *board, unsigned route)
{
    stat_add(&board_stats(board, board->workers)->routes[route].crashes, 1);
}

void board_name(const struct board *board, unsigned route, const char *name,
                const char *plugin)
{
    struct board_route *names = &board->names[route];

    if (strcmp(names->name, name) != 0) {
        *names = (struct board_route){ 0 };
    } else if (strcmp(names->plugin, plugin) != 0) {
        memcpy(names->before, names->plugin, sizeof names->before);
    }
    snprintf(names->name, sizeof names->name, "%s", name);
    snprintf(names->plugin, sizeof names->plugin, "%s", plugin);
}

const char *board_state_name(uint32_t state)
{
    switch (state) {
    case WORKER_DOWN: return "down";
    case WORKER_STARTING: return "starting";
    case WORKER_RUNNING: return "running";
    case WORKER_DRAINING: return "draining";
    case WORKER_SPARE: return "spare";
    default: return "unknown";
    }
}

static void clear_own(const struct board *board, unsigned route)
{
    for (unsigned i = 0; i <= board->workers; i++) {
        for (size_t k = 0; k < ROUTE_NUMBERS; k++) {
            stat_set(&numbers_of(board, i, route)[k], 0);
        }
    }
}

void board_clear_route(const struct board *board, unsigned route)
{
    clear_own(board, route);
    for (size_t i = 0; i < board->older_count; i++) {
        clear_own(board->older[i], route);
    }
}

static uint64_t sum_own(const struct board *board, size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= board->workers; i++) {
        sum += stat_get(number_of(board, i, offset));
    }
    return sum;
}

uint64_t board_sum(const struct board *board, size_t offset)
{
    uint64_t sum = sum_own(board, offset);

    for (size_t i = 0; i < board->older_count; i++) {
        sum += sum_own(board->older[i], offset);
    }
    return sum;
}

uint64_t board_sum_route(const struct board *board, unsigned route,
                         size_t offset)
{
    return board_sum(board, offsetof(struct worker_stats, routes) +
                                route * sizeof(struct route_stats) + offset);
}

uint64_t board_connections(const struct board *board, unsigned route)
{
    return board_sum_route(board, route,
                           offsetof(struct route_stats, connections));
}

uint64_t board_all_connections(const struct board *board)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < board->routes; i++) {
        sum += board_connections(board, i);
    }
    return sum;
}

bool board_has_worker(const struct board *board, unsigned place)
{
    return atomic_load(&board_slot(board, place)->state) != WORKER_SPARE;
}

unsigned board_running(const struct board *board)
{
    unsigned running = 0;

    for (unsigned i = 0; i < board->workers; i++) {
        if (atomic_load(&board_slot(board, i)->state) == WORKER_RUNNING) {
            running++;
        }
    }
    return running;
}
