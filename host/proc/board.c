/* board.c - memory that master and workers share: who does what now */
#include "proc/board.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"

#define LINE 128 /* two cache lines: they are fetched in pairs */

static size_t round_up(size_t size)
{
    return (size + LINE - 1) / LINE * LINE;
}

/* In front of the slots. */
struct head {
    atomic_bool draining;
};

struct board *board_create(unsigned workers, unsigned routes)
{
    size_t stride = round_up(sizeof(struct board_slot)) +
                    round_up(sizeof(struct worker_stats) +
                             routes * sizeof(struct route_stats));
    struct board *board = malloc(sizeof *board);

    if (board == NULL) {
        return NULL;
    }
    *board = (struct board){ .workers = workers,
                             .routes = routes,
                             .started_ms = clock_now_ms(),
                             .started_wall_ms = clock_wall_ms(),
                             .size = LINE + workers * stride,
                             .stride = stride };
    board->shared = mmap(NULL, board->size, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board->shared == MAP_FAILED) {
        free(board);
        return NULL;
    }
    for (unsigned i = 0; i < workers; i++) {
        atomic_store(&board_slot(board, i)->state, WORKER_DOWN);
    }
    return board;
}

void board_destroy(struct board *board)
{
    if (board != NULL) {
        munmap(board->shared, board->size);
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

void board_set_draining(const struct board *board)
{
    atomic_store(&head(board)->draining, true);
}

bool board_draining(const struct board *board)
{
    return atomic_load(&head(board)->draining);
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

void board_begin(const struct board *board, unsigned worker, int pid)
{
    struct board_slot *slot = board_slot(board, worker);

    stat_set(&slot->since_ms, clock_now_ms());
    stat_set(&board_stats(board, worker)->heartbeat_ms, clock_coarse_ms());
    atomic_store(&slot->pid, pid);
    atomic_store(&slot->state, WORKER_STARTING);
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
    stat_set(&stats->sockets, 0);
    stat_set(&stats->jobs_queued, 0);
    stat_set(&stats->timers, 0);
    stat_set(&stats->topics, 0);
    for (unsigned i = 0; i < board->routes; i++) {
        stat_set(&stats->routes[i].connections, 0);
    }
}

const char *board_state_name(uint32_t state)
{
    switch (state) {
    case WORKER_DOWN: return "down";
    case WORKER_STARTING: return "starting";
    case WORKER_RUNNING: return "running";
    case WORKER_DRAINING: return "draining";
    default: return "unknown";
    }
}

uint64_t board_connections(const struct board *board, unsigned route)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < board->workers; i++) {
        sum += stat_get(&board_stats(board, i)->routes[route].connections);
    }
    return sum;
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
