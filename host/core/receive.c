/* receive.c - from the pieces a socket delivers to the messages a hook sees */
#include "base/utf8.h"
#include "core/core-t.h"
#include "core/deflate.h"
#include "core/hooks.h"
#include "core/incoming.h"
#include "core/limits.h"
#include "core/rate.h"

#include <stdlib.h>
#include <string.h>

/* Fewer bytes at a time are a trickle, before the frame's end. */
#define TRICKLE 256u

/* What a message costs us is bounded by max_message but for its frames: each is
 * six bytes to the peer and a call to us, even an empty one. From here on most
 * of what it sends is payload, and such frames are not counted. */
#define SMALL_FRAGMENT 64u

/* The peer broke a rule: Close, and ignore what else it sends. */
void conn_fail(struct conn *conn, int code, const char *reason)
{
    struct log_subject subject = {
        .route = conn->instance->route->name,
        .plugin = conn->instance->plugin_name,
        .conn = conn->id,
        .remote = conn->remote,
    };

    stat_add(&conn->instance->stats->protocol_errors, 1);
    log_about(LOG_LEVEL_DEBUG, &subject, "closed with %d: %s", code, reason);
    conn_end(conn, code, reason);
}

/* The same bytes in a block that ends with their 0 byte; NULL: they stay where
 * they are. */
static char *copy_strictly(const struct conn *conn, const char *data,
                           size_t len)
{
    char *copy = conn->instance->core->setup.strict ? malloc(len + 1) : NULL;

    if (copy != NULL) {
        memcpy(copy, data, len);
        copy[len] = '\0';
    }
    return copy;
}

static void refuse_poison(struct conn *conn, size_t len)
{
    struct log_subject subject = {
        .route = conn->instance->route->name,
        .plugin = conn->instance->plugin_name,
        .conn = conn->id,
        .remote = conn->remote,
    };

    stat_add(&conn->instance->stats->poisoned, 1);
    log_about(LOG_LEVEL_WARN, &subject,
              "a message of %zu bytes is refused: the same ended workers "
              "before",
              len);
    conn_end(conn, BAY_CLOSE_INTERNAL, "this message is not taken any more");
}

/* data has a 0 byte behind it. */
static void deliver(struct conn *conn, const char *data, size_t len, bool fin)
{
    const struct core *core = conn->instance->core;
    char *copy = copy_strictly(conn, data, len);
    const bay_message message = { .data = copy != NULL ? copy : data,
                                  .len = len,
                                  .kind = conn->rx_kind,
                                  .fin = fin };
    int result;

    if (bans_any_poison(core->setup.bans) &&
        bans_message(core->setup.bans, conn->instance->code, data, len)) {
        refuse_poison(conn, len);
        free(copy);
        return;
    }
    if (fin) {
        conn->facts.messages_in++;
        stat_add(&conn->instance->stats->messages_in, 1);
    }
    conn->facts.bytes_in += len;
    stat_add(&conn->instance->stats->bytes_in, len);
    result = hook_message(conn, &message);
    free(copy);
    if (result != 0) {
        conn_result(conn, HOOK_MESSAGE, result);
    }
    conn_update_reading(conn);
}

/* A piece that needs no memory of others: copied once, since the 0 byte behind
 * it would overwrite what the socket delivered next. */
static void deliver_copy(struct conn *conn, const void *data, size_t len,
                         bool fin)
{
    struct buf *scratch = &conn->instance->core->scratch;

    buf_clear(scratch);
    if (len + 1 > scratch->cap && buf_reserve(scratch, len + 1) == NULL) {
        scratch->failed = false;
        conn_exceed(conn, LIMIT_MEMORY, BAY_CLOSE_INTERNAL, "out of memory");
        return;
    }
    memcpy(scratch->data, data, len);
    scratch->data[len] = '\0';
    deliver(conn, scratch->data, len, fin);
}

static void deliver_collected(struct conn *conn)
{
    struct buf whole = incoming_take(conn);

    deliver(conn, whole.data, whole.len, true);
    buf_free(&whole);
}

/* A frame of a message begins, of that length: whether there are too many small
 * ones. */
static bool is_crumbled(struct conn *conn, uint64_t frame)
{
    return frame < SMALL_FRAGMENT &&
           ++conn->rx_fragments > conn->instance->conf->limits.fragments;
}

/* Checks the piece against the limits and RFC 6455; false: a Close is due. */
static bool accept_piece(struct conn *conn, bool last, const void *data,
                         size_t len, uint64_t rest)
{
    const struct conf_limits *limits = &conn->instance->conf->limits;

    if (conn->rx_rest == 0 && is_crumbled(conn, len + rest)) {
        conn_exceed(conn, LIMIT_FRAGMENTS, BAY_CLOSE_TOO_BIG,
                    "too many small fragments");
        return false;
    }
    conn->rx_rest = rest;
    conn->rx_total += len;
    if (conn->rx_total > limits->max_message ||
        rest > limits->max_message - conn->rx_total) {
        conn_exceed(conn, LIMIT_MESSAGE, BAY_CLOSE_TOO_BIG, "message too big");
        return false;
    }
    if (conn->rx_kind == BAY_TEXT && (!utf8_check(&conn->rx_utf8, data, len) ||
                                      (last && conn->rx_utf8 != UTF8_START))) {
        conn_fail(conn, BAY_CLOSE_BAD_DATA, "text is not UTF-8");
        return false;
    }
    return true;
}

static void begin_message(struct conn *conn, bay_kind kind)
{
    conn->rx_kind = kind;
    conn->rx_total = 0;
    conn->rx_rest = 0;
    conn->rx_fragments = 0;
    conn->rx_utf8 = UTF8_START;
}

/* A frame that trickles in byte by byte is no sign of life: else a client could
 * stay for ever without a word. */
static void note_life(struct conn *conn, size_t len, uint64_t rest)
{
    if (rest == 0 || len >= TRICKLE) {
        conn->heard_ms = core_now(conn->instance->core);
        conn->active_ms = conn->heard_ms;
        conn->facts.last_message_ms = conn->heard_ms;
    }
}

/* One that speaks after another: what the first was answered goes out now, so
 * that its client works while we serve the second. */
static void take_turn(struct core *core, struct conn *conn)
{
    struct conn *before = core->speaker;

    core->speaker = conn;
    if (before != NULL && before != conn && before->sendq.head != NULL) {
        conn_flush(before);
    }
}

void conn_receive(struct conn *conn, bay_kind kind, bool first, bool last,
                  const void *data, size_t len, uint64_t rest)
{
    struct core *core = conn->instance->core;

    if (conn->state != CONN_OPEN) {
        return;
    }
    take_turn(core, conn);
    note_life(conn, len, rest);
    if (first) {
        begin_message(conn, kind);
    }
    if (!accept_piece(conn, last, data, len, rest) || (len == 0 && rest > 0)) {
        return; /* the head of a frame alone is no piece */
    }
    if (rate_limited(conn)) {
        rate_charge(conn, len, last);
        if (conn->state != CONN_OPEN) {
            return;
        }
    }
    if ((first && last) || (conn->instance->plugin.flags & BAY_PIECES) != 0) {
        deliver_copy(conn, data, len, last);
    } else {
        incoming_add(conn, data, len, rest);
        if (last && conn->state == CONN_OPEN) {
            deliver_collected(conn);
        }
    }
}

/* The message is whole: restores it and hands it over. */
static void inflate_whole(struct conn *conn, bay_kind kind, const void *data,
                          size_t len)
{
    const struct conf_limits *limits = &conn->instance->conf->limits;
    struct core *core = conn->instance->core;
    const struct buf *message;

    switch (inflate_message(&core->deflate, data, len, limits->max_message,
                            limits->compress_ratio, &message)) {
    case INFLATED:
        conn_receive(conn, kind, true, true,
                     message->data != NULL ? message->data : "", message->len,
                     0);
        return;
    case INFLATE_BAD:
        conn_fail(conn, BAY_CLOSE_BAD_DATA, "compressed data is broken");
        return;
    case INFLATE_TOO_BIG:
        conn_exceed(conn, LIMIT_MESSAGE, BAY_CLOSE_TOO_BIG, "message too big");
        return;
    case INFLATE_RATIO:
        conn_exceed(conn, LIMIT_RATIO, BAY_CLOSE_TOO_BIG,
                    "message inflates too much");
        return;
    case INFLATE_NO_MEMORY:
        conn_exceed(conn, LIMIT_MEMORY, BAY_CLOSE_INTERNAL, "out of memory");
        return;
    }
}

/*
 * One stream restores the messages of all connections, so each is collected
 * first, compressed as it is, and none is restored in part.
 */
void conn_inflate(struct conn *conn, bay_kind kind, bool first, bool last,
                  const void *data, size_t len, uint64_t rest)
{
    struct core *core = conn->instance->core;
    struct buf whole;

    if (conn->state != CONN_OPEN) {
        return;
    }
    if (first && last) {
        inflate_whole(conn, kind, data, len);
        return;
    }
    take_turn(core, conn);
    note_life(conn, len, rest);
    if (first) {
        begin_message(conn, BAY_BINARY); /* as it comes it is no text */
    }
    if (!accept_piece(conn, false, data, len, rest)) {
        return;
    }
    incoming_add(conn, data, len, rest);
    if (last && conn->state == CONN_OPEN) {
        whole = incoming_take(conn);
        inflate_whole(conn, kind, whole.data, whole.len);
        buf_free(&whole);
    }
}

void conn_ping(struct conn *conn, const void *payload, size_t len)
{
    struct core *core = conn->instance->core;
    unsigned char frame[FRAME_PONG_MAX];

    conn_heard(conn);
    if (conn->state == CONN_OPEN && rate_limited(conn)) {
        rate_charge(conn, len, true);
    }
    if (conn->state != CONN_OPEN) {
        return;
    }
    len = frame_pong(frame, payload, len);
    if (sendq_raw(&core->pool, &conn->sendq, frame, len) == 0) {
        core_mark_dirty(core, conn);
    }
    conn_update_reading(conn);
}

void conn_pong(struct conn *conn, size_t len)
{
    bool asked = conn->ping_sent_ms > 0;

    conn_heard(conn);
    if (!asked && conn->state == CONN_OPEN && rate_limited(conn)) {
        rate_charge(conn, len, true);
    }
}

void conn_heard(struct conn *conn)
{
    conn->heard_ms = core_now(conn->instance->core);
    if (conn->ping_sent_ms > 0) {
        conn->ping_sent_ms = 0;
        conn_schedule(conn); /* the next ping may be due before its pong was */
    }
}
