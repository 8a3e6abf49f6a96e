/* alive.c - pings, idle connections, deadlines: is a peer still there? */
#include "core/core-t.h"
#include "core/limits.h"

/* A Close that is not answered, with no byte taken by the peer in between; and
 * however much it takes. */
#define CLOSE_WAIT_MS 5000u
#define CLOSE_MAX_MS  60000u

/* How long a peer that broke the protocol may take to end its side, once our
 * Close is out: what it sends is read and dropped, so that the Close is not
 * lost to a reset. */
#define FINISH_WAIT_MS 1000u

/* A peer that is not read from is not seen to go: asked this often. */
#define HUNG_UP_MS 5000u

static const unsigned char ping_frame[] = { 0x80u | OPCODE_PING, 3, 'b', 'a',
                                            'y' };

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void conn_schedule(struct conn *conn)
{
    const struct conf_limits *limits = &conn->instance->conf->limits;
    struct core *core = conn->instance->core;
    uint64_t due = UINT64_MAX;

    if (conn->state == CONN_CLOSING && conn->finished) {
        due = conn->progress_ms + FINISH_WAIT_MS;
    } else if (conn->state == CONN_CLOSING) {
        due = earlier(conn->progress_ms + CLOSE_WAIT_MS,
                      conn->closing_ms + CLOSE_MAX_MS);
    } else if (conn->state == CONN_OPEN) {
        if (limits->ping_ms > 0) {
            due = conn->ping_sent_ms > 0
                      ? conn->ping_sent_ms + limits->ping_wait_ms
                      : conn->heard_ms + limits->ping_ms;
        }
        if (limits->idle_ms > 0) {
            due = earlier(due, conn->active_ms + limits->idle_ms);
        }
        if (!conn->reading || conn->blocked) {
            due = earlier(due, core_now(core) + HUNG_UP_MS);
        }
        if (conn->drain_due_ms > 0) {
            due = earlier(due, conn->drain_due_ms);
        }
    }
    if (due != UINT64_MAX) {
        wheel_set(&core->wheel, &conn->wheel, due);
    }
}

static void time_out(struct conn *conn, enum limit limit, const char *why)
{
    stat_add(&conn->instance->stats->timeouts, 1);
    conn_over(conn, limit, why);
    conn_lose(conn, why);
}

static void ping(struct conn *conn, uint64_t now)
{
    struct core *core = conn->instance->core;

    conn->ping_sent_ms = now;
    if (sendq_raw(&core->pool, &conn->sendq, ping_frame, sizeof ping_frame) ==
        0) {
        core_mark_dirty(core, conn);
    }
}

static void check_open(struct conn *conn, uint64_t now)
{
    const struct conf_limits *limits = &conn->instance->conf->limits;
    const struct core *core = conn->instance->core;
    bool pings = limits->ping_ms > 0;

    if (conn->drain_due_ms > 0 && now >= conn->drain_due_ms) {
        conn_leave(conn);
    } else if (limits->idle_ms > 0 &&
               now - conn->active_ms >= limits->idle_ms) {
        stat_add(&conn->instance->stats->timeouts, 1);
        conn_exceed(conn, LIMIT_IDLE, BAY_CLOSE_GOING_AWAY, "idle");
    } else if (!conn->reading && core->setup.transport->hung_up(conn->link)) {
        conn_lose(conn, "");
    } else if (pings && conn->blocked &&
               now - conn->progress_ms >=
                   limits->ping_ms + limits->ping_wait_ms) {
        time_out(conn, LIMIT_PING, "nothing could be sent");
    } else if (!conn->reading) {
        conn->ping_sent_ms = 0; /* its pong could not be seen */
        conn->heard_ms = now;
    } else if (pings && conn->ping_sent_ms > 0) {
        if (now - conn->ping_sent_ms >= limits->ping_wait_ms) {
            if (conn->heard_ms < conn->ping_sent_ms) {
                time_out(conn, LIMIT_PING, "no pong");
            } else {
                conn->ping_sent_ms = 0;
            }
        }
    } else if (pings && now - conn->heard_ms >= limits->ping_ms) {
        ping(conn, now);
    }
}

void conn_check(struct conn *conn)
{
    uint64_t now = core_now(conn->instance->core);

    if (conn->state == CONN_OPEN) {
        check_open(conn, now);
    } else if (conn->state == CONN_CLOSING && conn->finished) {
        if (now - conn->progress_ms >= FINISH_WAIT_MS) {
            conn_shut(conn);
        }
    } else if (conn->state == CONN_CLOSING &&
               (now - conn->progress_ms >= CLOSE_WAIT_MS ||
                now - conn->closing_ms >= CLOSE_MAX_MS)) {
        time_out(conn, LIMIT_CLOSE, "its Close did not come");
    }
    conn_schedule(conn);
}
