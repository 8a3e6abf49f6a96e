/* incoming.c - messages that have come in part: bounded for all of a worker */
#include "core/incoming.h"

#include <utlist.h>

#include "core/limits.h"

struct buf incoming_take(struct conn *conn)
{
    struct core *core = conn->instance->core;
    struct buf whole = conn->rx;

    if (conn->prev_incoming != NULL) {
        DL_DELETE2(core->incoming, conn, prev_incoming, next_incoming);
        conn->prev_incoming = NULL;
        conn->next_incoming = NULL;
    }
    core->incoming_bytes -= whole.len;
    conn->rx = (struct buf){ 0 };
    return whole;
}

void incoming_drop(struct conn *conn)
{
    struct buf whole = incoming_take(conn);

    buf_free(&whole);
}

/* A message that is allowed has room by itself. */
static size_t room(const struct conn *conn)
{
    size_t most = conn->instance->conf->limits.max_message;
    size_t total = conn->instance->core->receive_total;

    return total > most ? total : most;
}

static void make_room(struct conn *conn, size_t len)
{
    struct core *core = conn->instance->core;

    while (core->incoming != NULL && core->incoming_bytes + len > room(conn)) {
        conn_exceed(core->incoming, LIMIT_RECEIVE_TOTAL, BAY_CLOSE_TRY_LATER,
                    "too many messages have come in part");
    }
}

void incoming_add(struct conn *conn, const void *data, size_t len,
                  uint64_t rest)
{
    struct core *core = conn->instance->core;

    make_room(conn, len);
    if (conn->state != CONN_OPEN) {
        return; /* it was the one */
    }
    /* Room for the frame at once, so that a large one is not moved again and
     * again; max_message has bounded it. */
    if (buf_reserve(&conn->rx, len + (size_t)rest + 1) == NULL) {
        conn_exceed(conn, LIMIT_MEMORY, BAY_CLOSE_INTERNAL, "out of memory");
        return;
    }
    if (conn->prev_incoming == NULL) {
        DL_APPEND2(core->incoming, conn, prev_incoming, next_incoming);
    }
    buf_add(&conn->rx, data, len);
    core->incoming_bytes += len;
}
