/* rate.c - how fast a client may send: messages and bytes per second */
#include "core/rate.h"

#include <utlist.h>

#include "base/bucket.h"
#include "core/limits.h"

#define NS_PER_MS 1000000u
#define NS_PER_S  UINT64_C(1000000000)

/* How long is to be waited; 0: it was not too fast. */
static uint64_t take(uint64_t *full_ns, uint64_t now_ns, uint64_t amount,
                     uint64_t rate, uint64_t burst)
{
    uint64_t depth = (burst > 0 ? burst : rate) * NS_PER_S / rate;
    uint64_t lacks = bucket_take(full_ns, now_ns, amount * NS_PER_S / rate);

    return lacks > depth ? lacks - depth : 0;
}

static void wait(struct conn *conn, uint64_t wait_ns)
{
    struct core *core = conn->instance->core;
    uint64_t due = core_now(core) + (wait_ns + NS_PER_MS - 1) / NS_PER_MS;

    if (conn->slowed_ms == 0) {
        DL_APPEND2(core->slowed, conn, prev_slowed, next_slowed);
    }
    if (due > conn->slowed_ms) {
        conn->slowed_ms = due;
    }
    if (conn->slowed_ms < core->slowed_due_ms) {
        core->slowed_due_ms = conn->slowed_ms;
    }
    conn_update_reading(conn);
}

static void too_fast(struct conn *conn, enum limit limit, uint64_t wait_ns,
                     const char *reason)
{
    if (conn->instance->conf->limits.over_rate == CONF_RATE_CLOSE) {
        conn_exceed(conn, limit, BAY_CLOSE_POLICY, reason);
        return;
    }
    if (conn->slowed_ms == 0) {
        conn_over(conn, limit, "not read from for a while");
    }
    wait(conn, wait_ns);
}

void rate_charge(struct conn *conn, size_t len, bool last)
{
    const struct conf_limits *limits = &conn->instance->conf->limits;
    uint64_t now_ns = core_now(conn->instance->core) * NS_PER_MS;
    uint64_t wait_ns;

    if (limits->rate > 0 && last) {
        wait_ns = take(&conn->rate_ns, now_ns, 1, limits->rate, limits->burst);
        if (wait_ns > 0) {
            too_fast(conn, LIMIT_RATE, wait_ns, "too many messages");
        }
    }
    if (limits->rate_bytes > 0 && conn->state == CONN_OPEN) {
        wait_ns = take(&conn->rate_bytes_ns, now_ns, len, limits->rate_bytes,
                       limits->burst_bytes);
        if (wait_ns > 0) {
            too_fast(conn, LIMIT_RATE_BYTES, wait_ns, "too many bytes");
        }
    }
}

static void end_wait(struct conn *conn)
{
    DL_DELETE2(conn->instance->core->slowed, conn, prev_slowed, next_slowed);
    conn->slowed_ms = 0;
}

void rate_resume(struct core *core, uint64_t now_ms)
{
    struct conn *conn, *next;
    uint64_t due = UINT64_MAX;

    if (now_ms < core->slowed_due_ms) {
        return;
    }
    DL_FOREACH_SAFE2(core->slowed, conn, next, next_slowed)
    {
        if (conn->slowed_ms <= now_ms) {
            end_wait(conn);
            conn_update_reading(conn);
        } else if (conn->slowed_ms < due) {
            due = conn->slowed_ms;
        }
    }
    core->slowed_due_ms = due;
}

void rate_forget(struct conn *conn)
{
    if (conn->slowed_ms > 0) {
        end_wait(conn);
    }
}
