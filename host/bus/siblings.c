/* siblings.c - which workers of this machine are there, and which are no more
 */
#include "bus/siblings.h"

#include <string.h>

#include "core/id.h"

static void tell_gone(struct siblings *siblings, unsigned worker)
{
    bool was_there = siblings->is_there[worker];

    siblings->is_there[worker] = false;
    siblings->lost_ms[worker] = 0;
    if (was_there) {
        siblings->told(siblings->arg, siblings->there[worker], false);
    }
}

static void look(uv_timer_t *timer);

/* To the time when the next is given up. */
static void wait_for_next(struct siblings *siblings, uint64_t now)
{
    uint64_t next = 0;
    unsigned i;

    for (i = 0; i < CONF_MAX_PLACES; i++) {
        uint64_t lost = siblings->lost_ms[i];

        if (lost && (!next || lost < next)) {
            next = lost;
        }
    }
    if (next) {
        next += SIBLINGS_WAIT_MS;
        uv_timer_start(&siblings->timer, look, next > now ? next - now : 0, 0);
    }
}

static void look(uv_timer_t *timer)
{
    struct siblings *siblings = timer->data;
    uint64_t now = uv_now(timer->loop);
    unsigned i;

    for (i = 0; i < CONF_MAX_PLACES; i++) {
        if (siblings->lost_ms[i] &&
            now - siblings->lost_ms[i] >= SIBLINGS_WAIT_MS) {
            tell_gone(siblings, i);
        }
    }
    wait_for_next(siblings, now);
}

void siblings_init(struct siblings *siblings, uv_loop_t *loop,
                   unsigned *handles,
                   void (*told)(void *arg, bay_id worker, bool there),
                   void *arg)
{
    memset(siblings, 0, sizeof *siblings);
    siblings->handles = handles;
    siblings->told = told;
    siblings->arg = arg;
    uv_timer_init(loop, &siblings->timer);
    siblings->timer.data = siblings;
    ++*handles;
}

void siblings_met(struct siblings *siblings, bay_id hello)
{
    unsigned worker = id_worker(hello);
    bay_id id = id_make(id_node(hello), worker, id_incarnation(hello), 0);

    siblings->lost_ms[worker] = 0;
    if (siblings->is_there[worker] && siblings->there[worker] == id) {
        return;
    }
    tell_gone(siblings, worker);
    siblings->is_there[worker] = true;
    siblings->there[worker] = id;
    siblings->told(siblings->arg, id, true);
}

void siblings_lost(struct siblings *siblings, unsigned worker)
{
    uint64_t now = uv_now(siblings->timer.loop);

    if (siblings->is_there[worker] && !siblings->lost_ms[worker]) {
        siblings->lost_ms[worker] = now ? now : 1;
        wait_for_next(siblings, now);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct siblings *siblings = handle->data;

    --*siblings->handles;
}

void siblings_close(struct siblings *siblings)
{
    uv_close((uv_handle_t *)&siblings->timer, on_closed);
}
