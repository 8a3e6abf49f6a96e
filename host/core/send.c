/* send.c - what is sent on a connection: queued in the hooks, written in turn */
#include "core/core-t.h"
#include "core/deflate.h"
#include "core/hooks.h"
#include "core/limits.h"
#include "core/relief.h"
#include "core/replay.h"
#include "core/resume.h"

/* Payloads from this size on are not copied into a chunk, if the socket takes
 * them at once. */
#define DIRECT_MIN 2048u
#define FLUSH_IOVS 64

/* What a queued message costs beside its bytes: tiny ones that are published
 * one by one would fill many times send_queue otherwise. */
#define NODE_COST 64u

static int may_send(const struct conn *conn, size_t len)
{
    size_t limit = conn->instance->conf->limits.send_queue;
    size_t queued = conn->sendq.bytes + conn->sendq.nodes * NODE_COST;

    if (conn->state != CONN_OPEN) {
        return conn->state == CONN_HANDSHAKE ? BAY_ESTATE : BAY_ECLOSED;
    }
    if (len > SEND_MAX) {
        return BAY_ETOOBIG;
    }
    /* Up to half, a message of any size gets in: what is not read from when
     * over half full can answer each message with one like it. */
    if (queued > limit / 2 && queued + len > limit) {
        return BAY_EFULL;
    }
    return BAY_OK;
}

static void count_sent(struct conn *conn, size_t len)
{
    conn->active_ms = core_now(conn->instance->core);
    conn->facts.messages_out++;
    conn->facts.bytes_out += len;
    stat_add(&conn->instance->stats->messages_out, 1);
    stat_add(&conn->instance->stats->bytes_out, len);
}

/* Gives the rest of a frame that was sent in part to the transport. */
static void sent(struct conn *conn, size_t n)
{
    struct core *core = conn->instance->core;
    struct packet *held;
    struct iovec rest;

    sendq_sent(&core->pool, &conn->sendq, n, &rest, &held);
    if (rest.iov_len > 0 && core->setup.transport->send_rest(
                                conn->link, rest.iov_base, rest.iov_len) != 0) {
        sendq_clear(&core->pool, &conn->sendq);
    }
    if (held != NULL) {
        packet_unref(&core->pool, held);
    }
}

static void block(struct conn *conn)
{
    conn->blocked = true;
    conn->instance->core->setup.transport->want_writable(conn->link);
}

/*
 * Whether it is worth to send a large payload by itself: of those that come
 * several in a turn, as the answers to one read do, one write for all is
 * cheaper than a copy less. The last turn tells.
 */
static bool is_single(struct conn *conn)
{
    uint32_t turn = conn->instance->core->turn;

    if (conn->large_turn != turn) {
        conn->large_turn = turn;
        conn->large_burst = conn->large_count > 1;
        conn->large_count = 0;
    }
    if (conn->large_count < UINT8_MAX) {
        conn->large_count++;
    }
    return conn->large_count == 1 && !conn->large_burst;
}

/*
 * A large payload goes to the socket from where it lies, if nothing waits
 * before it. True if that was tried; what was not taken is queued then.
 */
static bool send_direct(struct conn *conn, enum opcode opcode, const void *data,
                        size_t len, int *status)
{
    struct core *core = conn->instance->core;
    unsigned char head[FRAME_MAX_HEAD];
    struct iovec iov[2];
    ssize_t n;

    if (len < DIRECT_MIN || len > FRAME_MAX_PAYLOAD || !is_single(conn) ||
        conn->sendq.head != NULL || conn->blocked ||
        !core->setup.transport->gathers(conn->link)) {
        return false;
    }
    iov[0].iov_base = head;
    iov[0].iov_len = frame_head(head, opcode, true, len);
    iov[1].iov_base = (void *)(uintptr_t)data;
    iov[1].iov_len = len;
    core_tell_interests(core);
    n = core->setup.transport->send(conn->link, iov, 2);
    *status = BAY_OK;
    if (n < 0) {
        conn_lose(conn, "");
        *status = BAY_ECLOSED;
    } else if ((size_t)n < iov[0].iov_len + len) {
        *status = sendq_add(&core->pool, &conn->sendq, opcode, data, len) == 0
                      ? BAY_OK
                      : BAY_ENOMEM;
        if (*status == BAY_OK) {
            sent(conn, (size_t)n);
            block(conn);
        } else if (n > 0) { /* half a frame is out: nothing can follow it */
            conn_shut(conn);
        }
    }
    return true;
}

/* Compresses the message, if the peer takes that and it gets shorter. */
static void compress(struct conn *conn, enum opcode *opcode, const void **data,
                     size_t *len)
{
    const struct buf *out;

    if (conn->deflate_bits > 0 && *len >= DEFLATE_MIN &&
        deflate_message(&conn->instance->core->deflate, conn->deflate_bits,
                        *data, *len, &out)) {
        *opcode = *opcode == OPCODE_TEXT ? OPCODE_TEXT_DEFLATED
                                         : OPCODE_BINARY_DEFLATED;
        *data = out->data;
        *len = out->len;
    }
}

static int put(struct conn *conn, bay_kind kind, const void *data, size_t len)
{
    struct core *core = conn->instance->core;
    enum opcode opcode = kind == BAY_TEXT ? OPCODE_TEXT : OPCODE_BINARY;
    size_t payload = len;
    int status;

    if (relief_due(core, len)) {
        relief_make(core, len);
    }
    status = may_send(conn, len);
    if ((kind != BAY_TEXT && kind != BAY_BINARY) || (data == NULL && len > 0)) {
        return BAY_EINVAL;
    }
    if (status == BAY_EFULL) {
        conn->want_drained = true;
    }
    if (status != BAY_OK) {
        return status;
    }
    compress(conn, &opcode, &data, &len);
    if (!send_direct(conn, opcode, data, len, &status)) {
        if (sendq_add(&core->pool, &conn->sendq, opcode, data, len) != 0) {
            return BAY_ENOMEM;
        }
        core_mark_dirty(core, conn);
    }
    if (status == BAY_OK) {
        count_sent(conn, payload);
    }
    return status;
}

int conn_send_line(struct conn *conn, const char *line, size_t line_len,
                   bay_kind kind, const void *data, size_t len)
{
    struct buf *out = &conn->instance->core->envelope;

    if (len > SEND_MAX - RESUME_LINE) {
        return BAY_ETOOBIG;
    }
    buf_clear(out);
    buf_add(out, line, line_len);
    buf_add(out, data, len);
    return out->failed ? BAY_ENOMEM : put(conn, kind, out->data, out->len);
}

int conn_send(struct conn *conn, bay_kind kind, const void *data, size_t len)
{
    if (conn->resume != NULL && (data != NULL || len == 0)) {
        return conn_send_line(conn, "m\n", 2, kind, data, len);
    }
    return put(conn, kind, data, len);
}

int conn_send_kept(struct conn *conn, const char *topic,
                   const struct kept *message)
{
    char line[RESUME_LINE];

    if (conn->resume == NULL) {
        return put(conn, message->kind, message->data, message->len);
    }
    return conn_send_line(
        conn, line, resume_message_line(line, resume_key(topic), message->at),
        message->kind, message->data, message->len);
}

void conn_tell(struct conn *conn, const char *line, size_t len)
{
    struct core *core = conn->instance->core;

    if (conn->state != CONN_OPEN) {
        return;
    }
    if (sendq_add(&core->pool, &conn->sendq, OPCODE_TEXT, line, len) != 0) {
        conn_exceed(conn, LIMIT_MEMORY, BAY_CLOSE_INTERNAL, "out of memory");
        return;
    }
    count_sent(conn, len);
    core_mark_dirty(core, conn);
}

bool conn_has_room(const struct conn *conn)
{
    return conn->state == CONN_OPEN &&
           conn->sendq.bytes <= conn->instance->conf->limits.send_queue / 2;
}

bool conn_is_drained(const struct conn *conn)
{
    return conn->sendq.bytes <= conn->instance->conf->limits.send_queue / 4;
}

void conn_share(struct conn *conn, struct packet *packet, size_t off,
                size_t payload)
{
    struct core *core = conn->instance->core;
    int status;

    /* What it adds is an entry: the packet is held by whoever shares it, too. */
    if (relief_due(core, 0)) {
        relief_make(core, 0);
    }
    status = may_send(conn, packet->len - off);
    if (status == BAY_EFULL) {
        stat_add(&conn->instance->stats->dropped, 1);
        if (conn->instance->conf->limits.slow_peer == CONF_SLOW_CLOSE) {
            stat_add(&conn->instance->stats->slow_closed, 1);
            conn_exceed(conn, LIMIT_SEND_QUEUE, BAY_CLOSE_TRY_LATER,
                        "too slow");
        } else {
            conn_over(conn, LIMIT_SEND_QUEUE, "a message was dropped");
        }
        return;
    }
    if (status != BAY_OK) {
        return;
    }
    if (sendq_share(&core->pool, &conn->sendq, packet, off) != 0) {
        stat_add(&conn->instance->stats->dropped, 1);
        return;
    }
    count_sent(conn, payload);
    core_mark_dirty(core, conn);
}

static void drained_task(struct core *core, struct task *task)
{
    struct conn *conn =
        (struct conn *)((char *)task - offsetof(struct conn, drained_task));

    (void)core;
    if (conn->state == CONN_OPEN) {
        hook_drained(conn);
    }
}

void conn_write(struct conn *conn)
{
    struct core *core = conn->instance->core;
    const struct transport *transport = core->setup.transport;
    struct iovec iov[FLUSH_IOVS];

    core_tell_interests(core);
    while (conn->sendq.head != NULL && !conn->blocked && conn->link != NULL &&
           conn->state != CONN_ENDED) {
        int count = sendq_peek(&conn->sendq, iov, FLUSH_IOVS);
        size_t total = 0;
        ssize_t n;

        for (int i = 0; i < count; i++) {
            total += iov[i].iov_len;
        }
        n = transport->send(conn->link, iov, count);
        if (n < 0) {
            conn_lose(conn, "");
            return;
        }
        if (n > 0) {
            conn->progress_ms = core_now(core);
            sent(conn, (size_t)n);
        }
        if ((size_t)n < total) {
            block(conn);
        }
    }
}

void conn_flush(struct conn *conn)
{
    struct core *core = conn->instance->core;

    conn_write(conn);
    conn_end_when_sent(conn);
    conn_update_reading(conn);
    if (conn->replays > 0 && conn->state == CONN_OPEN &&
        conn_is_drained(conn)) {
        replay_go_on(conn);
    }
    if (conn->want_drained && conn->state == CONN_OPEN &&
        conn_is_drained(conn)) {
        conn->want_drained = false;
        conn->drained_task.run = drained_task;
        core_post(core, &conn->drained_task);
    }
}

void conn_writable(struct conn *conn)
{
    conn->blocked = false;
    conn->progress_ms = core_now(conn->instance->core);
    conn_flush(conn);
}

void conn_update_reading(struct conn *conn)
{
    size_t limit = conn->instance->conf->limits.send_queue;
    bool reading;

    if (conn->link == NULL || conn->state == CONN_ENDED) {
        return;
    }
    if (conn->state == CONN_CLOSING) {
        reading = true; /* the peer's Close is what we wait for */
    } else if (conn->paused || conn->instance->frozen || conn->slowed_ms > 0) {
        reading = false;
    } else {
        /* Stops over half full, goes on when a quarter is left. */
        reading = conn->sendq.bytes <= (conn->reading ? limit / 2 : limit / 4);
    }
    if (reading != conn->reading) {
        conn->reading = reading;
        conn->instance->core->setup.transport->set_reading(conn->link, reading);
    }
}
