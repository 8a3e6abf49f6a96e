/* settle.c - a worker that takes another's place knows its siblings first */
#include "proc/settle.h"

#include "base/log.h"

#define LOOK_MS  2
#define LIMIT_MS 2000

static bool has_clients(const struct board *board, unsigned worker)
{
    uint32_t state = atomic_load(&board_slot(board, worker)->state);

    return state == WORKER_RUNNING || state == WORKER_DRAINING;
}

/* The first that has clients and has not told; -1: there is none. */
static int find_unknown(const struct settle *settle)
{
    for (unsigned i = 0; settle->bus != NULL && i < settle->board->workers;
         i++) {
        if (i != settle->worker && has_clients(settle->board, i) &&
            !local_bus_knows(settle->bus, i)) {
            return (int)i;
        }
    }
    return -1;
}

static void look(uv_timer_t *timer)
{
    struct settle *settle = timer->data;
    int unknown = find_unknown(settle);

    if (unknown >= 0 && uv_now(timer->loop) < settle->until_ms) {
        return;
    }
    if (unknown >= 0) {
        log_warn("worker %d does not tell what its clients subscribe to: they "
                 "may miss messages until it does",
                 unknown);
    }
    uv_timer_stop(timer);
    settle->done(settle->arg);
}

void settle_init(struct settle *settle, uv_loop_t *loop,
                 const struct board *board, const struct local_bus *bus,
                 unsigned worker)
{
    settle->board = board;
    settle->bus = bus;
    settle->worker = worker;
    uv_timer_init(loop, &settle->timer);
    settle->timer.data = settle;
}

void settle_begin(struct settle *settle)
{
    uv_update_time(settle->timer.loop);
    settle->until_ms = uv_now(settle->timer.loop) + LIMIT_MS;
    uv_timer_start(&settle->timer, look, LOOK_MS, LOOK_MS);
    look(&settle->timer);
}

void settle_close(struct settle *settle)
{
    if (settle->timer.type == UV_TIMER) {
        uv_close((uv_handle_t *)&settle->timer, NULL);
    }
}
