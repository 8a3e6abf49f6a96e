/* relief.c - when too much waits to be sent in this worker: who is given up
 *
 * A connection's own queue is bounded by send_queue, but ten thousand of them
 * are ten thousand times that. Those who read slowest have the longest queues:
 * what waits for them is thrown away, and they are closed with 1013. It is at
 * once that memory is needed, so they do not get the rest first, as those do
 * whose own queue is full.
 */
#include "core/relief.h"

#include "core/limits.h"

/* No more than that: whoever sends may be in the midst of a topic's messages, or
 * of what one subscriber is given. The turn sees to the rest. */
static void write_all(struct core *core)
{
    struct conn *conn, *next;

    HASH_ITER(hh, core->by_id, conn, next)
    {
        if (conn->sendq.head != NULL && !conn->blocked) {
            conn_write(conn);
            core_mark_dirty(core, conn);
        }
    }
}

static void give_up(struct conn *conn)
{
    sendq_clear(&conn->instance->core->pool, &conn->sendq);
    if (conn->state == CONN_OPEN) {
        stat_add(&conn->instance->stats->slow_closed, 1);
        conn_exceed(conn, LIMIT_QUEUE_TOTAL, BAY_CLOSE_TRY_LATER,
                    "too much waits to be sent");
    } else if (conn->state == CONN_CLOSING) {
        conn_shut(conn); /* its Close was in there */
    }
}

static size_t longest(const struct core *core)
{
    struct conn *conn, *next;
    size_t most = 0;

    HASH_ITER(hh, core->by_id, conn, next)
    {
        most = conn->sendq.bytes > most ? conn->sendq.bytes : most;
    }
    return most;
}

/* In few rounds, whatever they have: those over half of the longest go. */
void relief_make(struct core *core, size_t len)
{
    size_t target = core->queue_total / 2;
    struct conn *conn, *next;
    size_t most;

    write_all(core);
    if (!relief_due(core, len)) {
        return;
    }
    while (core->pool.held > target && (most = longest(core)) > 0) {
        HASH_ITER(hh, core->by_id, conn, next)
        {
            if (conn->sendq.bytes > most / 2 && core->pool.held > target) {
                give_up(conn);
            }
        }
    }
}
