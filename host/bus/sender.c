/* sender.c - sends to one sibling: its stream, its queue, its reconnects */
#include "bus/sender.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/log.h"
#include "bus/wire.h"
#include "core/bus.h"
#include "core/id.h"

#define RETRY_MIN_MS 10
#define RETRY_MAX_MS 1000

/* A stream that held so long was no failure. */
#define PROVEN_MS 1000

#define WARN_EVERY_MS 1000

int sender_path(char *out, size_t size, const char *run_dir, unsigned worker)
{
    int len = snprintf(out, size, "%s/bus.%u.sock", run_dir, worker);
    struct sockaddr_un addr;

    return len < 0 || (size_t)len >= size || (size_t)len >= sizeof addr.sun_path
               ? -1
               : 0;
}

static void count_dropped(struct sender *sender, size_t messages)
{
    stat_add(&sender->setup->stats->bus_dropped, messages);
}

static void connect_later(struct sender *sender);

/* Gives the stream up, with all that waits for it. */
static void disconnect(struct sender *sender)
{
    count_dropped(sender, outbox_messages(&sender->outbox));
    outbox_clear(&sender->outbox);
    stream_close(sender->stream);
    sender->stream = NULL;
    sender->blocked = false;
    sender->synced = false;
    sender->told = 0;
    if (uv_now(sender->setup->loop) - sender->connected_ms >= PROVEN_MS) {
        sender->delay_ms = RETRY_MIN_MS;
    }
}

/* error: an errno, 0 if the sibling ended it. */
static void fail(struct sender *sender, int error)
{
    log_debug("bus: stream to worker %u ended: %s; %zu messages lost",
              sender->worker, error ? strerror(error) : "closed by it",
              outbox_messages(&sender->outbox));
    if (sender->told) {
        core_bus_untold(sender->setup->core); /* news may be among them */
    }
    disconnect(sender);
    connect_later(sender);
}

/* A sibling never writes to the stream it is sent to: there is its end to
 * read, or nothing. */
static bool check_end(struct sender *sender)
{
    char byte;
    ssize_t n = stream_read(sender->stream, &byte, 1);

    if (n == 0) {
        return false;
    }
    fail(sender, n < 0 ? errno : EPROTO);
    return true;
}

static int add(struct sender *sender, const struct wire_frame *frame)
{
    char bytes[OUTBOX_SHARE];
    size_t len = wire_size(frame);

    if (len > sizeof bytes) {
        errno = EMSGSIZE;
        return -1;
    }
    wire_encode(bytes, frame);
    if (outbox_add(&sender->outbox, bytes, len) < 0) {
        errno = ENOMEM;
        return -1;
    }
    worker_set_add(sender->setup->dirty, sender->worker);
    return 0;
}

/* What an interest of core goes through in tell. */
struct telling {
    struct sender *sender;
    int error;
};

static void tell_interest(void *arg, const char *route, const char *topic)
{
    struct telling *telling = arg;
    struct wire_frame frame = {
        .type = WIRE_INTEREST, .kind = 1, .route = route, .text = topic
    };

    if (!telling->error && add(telling->sender, &frame) < 0) {
        telling->error = errno;
    }
}

/* Its last word is still to be read: on a stream that was connected since then
 * its successor listens. */
static bool has_ended(const struct sender *sender)
{
    return sender->heard && stream_has_ended(sender->heard);
}

/* Tells all interests, if the sibling is there, does not know them, and what
 * waits leaves room. They may go over the limit: their number is bounded by
 * core, and they are not told again before this has been sent. */
static bool tell(struct sender *sender)
{
    struct telling telling = { .sender = sender };
    struct wire_frame resync = { .type = WIRE_RESYNC };
    struct wire_frame synced = { .type = WIRE_SYNCED };

    if (!sender->stream || !sender->there || sender->synced ||
        sender->outbox.bytes > sender->setup->queue_limit / 2 ||
        has_ended(sender)) {
        return false;
    }
    if (add(sender, &resync) < 0) {
        telling.error = errno;
    } else {
        core_bus_each_interest(sender->setup->core, tell_interest, &telling);
    }
    if (!telling.error && add(sender, &synced) < 0) {
        telling.error = errno;
    }
    if (telling.error) {
        fail(sender, telling.error);
        return false;
    }
    sender->told = sender->hello;
    sender->synced = true;
    return true;
}

static void on_event(uv_poll_t *poll, int status, int events);

static void write_out(struct sender *sender)
{
    int more;

    if (!sender->stream || sender->blocked || sender->outbox.bytes == 0) {
        return;
    }
    more = stream_write(sender->stream, &sender->outbox);
    if (more < 0) {
        fail(sender, errno);
    } else if (more) {
        sender->blocked = true;
        stream_watch(sender->stream, UV_READABLE | UV_DISCONNECT | UV_WRITABLE,
                     on_event);
    }
}

void sender_flush(struct sender *sender)
{
    worker_set_remove(sender->setup->dirty, sender->worker);
    write_out(sender);
    if (tell(sender)) {
        worker_set_remove(sender->setup->dirty, sender->worker);
        write_out(sender);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct sender *sender = poll->data;

    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT))) {
        if (check_end(sender)) {
            return;
        }
    }
    if (events & UV_WRITABLE) {
        sender->blocked = false;
        stream_watch(sender->stream, UV_READABLE | UV_DISCONNECT, on_event);
        sender_flush(sender);
    }
}

static void connect_now(struct sender *sender)
{
    const struct sender_setup *setup = sender->setup;
    struct wire_frame hello = { .type = WIRE_HELLO, .code = WIRE_VERSION };
    char path[sizeof((struct sockaddr_un *)0)->sun_path];

    uv_timer_stop(&sender->retry);
    sender->connected_ms = uv_now(setup->loop);
    if (sender_path(path, sizeof path, setup->run_dir, sender->worker) == 0) {
        sender->stream =
            stream_connect(setup->loop, path, sender, setup->handles);
    } else {
        path[0] = '\0';
        errno = ENAMETOOLONG;
    }
    if (!sender->stream) {
        int error = errno;

        if (error == EMFILE || error == ENFILE) {
            stat_add(&setup->stats->bus_paused, 1);
        }
        if (!sender->complained) {
            log_warn("bus: cannot connect to worker %u at %s: %s; trying "
                     "again",
                     sender->worker, path, strerror(error));
            sender->complained = true;
        }
        connect_later(sender);
        return;
    }
    sender->complained = false;
    stream_watch(sender->stream, UV_READABLE | UV_DISCONNECT, on_event);
    hello.id = id_make(setup->node, setup->worker, setup->incarnation,
                       ++sender->streams);
    if (add(sender, &hello) < 0) {
        fail(sender, errno);
        return;
    }
    sender_flush(sender);
}

static void on_retry(uv_timer_t *timer)
{
    connect_now(timer->data);
}

static void connect_later(struct sender *sender)
{
    uv_timer_start(&sender->retry, on_retry, sender->delay_ms, 0);
    sender->delay_ms *= 2;
    if (sender->delay_ms > RETRY_MAX_MS) {
        sender->delay_ms = RETRY_MAX_MS;
    }
}

void sender_init(struct sender *sender, const struct sender_setup *setup,
                 unsigned worker)
{
    memset(sender, 0, sizeof *sender);
    sender->setup = setup;
    sender->worker = worker;
    sender->delay_ms = RETRY_MIN_MS;
    sender->outbox.pool = setup->pool;
    uv_timer_init(setup->loop, &sender->retry);
    sender->retry.data = sender;
    ++*setup->handles;
    connect_now(sender);
}

void sender_meet(struct sender *sender, bay_id hello,
                 const struct stream *heard)
{
    sender->there = true;
    sender->hello = hello;
    sender->heard = heard;
    if (sender->stream && sender->told &&
        id_incarnation(sender->told) != id_incarnation(hello)) {
        /* To its predecessor; whose end may have been missed, if a child of
         * it still holds the socket. */
        disconnect(sender);
    } else if (sender->stream) {
        check_end(sender);
    }
    if (!sender->stream) {
        connect_now(sender);
    }
    sender_flush(sender);
}

void sender_part(struct sender *sender)
{
    sender->there = false;
    sender->heard = NULL;
}

/* One line a second at most, with the number since the line before. */
static void warn_full(struct sender *sender)
{
    uint64_t now = uv_now(sender->setup->loop);

    sender->dropped++;
    if (sender->warned_ms && now - sender->warned_ms < WARN_EVERY_MS) {
        return;
    }
    log_warn("bus: worker %u does not keep up: %zu bytes wait for it, of at "
             "most %zu; %" PRIu64 " messages dropped",
             sender->worker, sender->outbox.bytes, sender->setup->queue_limit,
             sender->dropped);
    sender->warned_ms = now;
    sender->dropped = 0;
}

int sender_admit(struct sender *sender, size_t len)
{
    size_t limit = sender->setup->queue_limit;

    if (!sender->stream || !sender->there) {
        count_dropped(sender, 1);
        return BAY_ENOTFOUND;
    }
    if (sender->outbox.bytes > limit || len > limit - sender->outbox.bytes) {
        count_dropped(sender, 1);
        warn_full(sender);
        return BAY_EFULL;
    }
    return 0;
}

int sender_post(struct sender *sender, const char *frame, size_t len,
                struct chunk *chunk)
{
    if ((chunk ? outbox_share(&sender->outbox, chunk)
               : outbox_add(&sender->outbox, frame, len)) < 0) {
        count_dropped(sender, 1);
        return BAY_ENOMEM;
    }
    stat_add(&sender->setup->stats->bus_out, 1);
    worker_set_add(sender->setup->dirty, sender->worker);
    return 0;
}

int sender_news(struct sender *sender, const char *route, const char *topic)
{
    struct wire_frame frame = { .type = WIRE_PUBLISH,
                                .kind = BUS_NEWS,
                                .route = route,
                                .text = topic,
                                .data = "" };
    char bytes[OUTBOX_SHARE];
    size_t len = wire_size(&frame);
    int status = len == 0 || len > sizeof bytes ? BAY_ETOOBIG
                                                : sender_admit(sender, len);

    if (status != 0) {
        return status;
    }
    wire_encode(bytes, &frame);
    return sender_post(sender, bytes, len, NULL);
}

void sender_interest(struct sender *sender, const char *frame, size_t len)
{
    size_t limit = sender->setup->queue_limit;

    if (!sender->synced) {
        return;
    }
    if (sender->outbox.bytes > limit || len > limit - sender->outbox.bytes) {
        sender->synced = false;
        return;
    }
    if (outbox_add(&sender->outbox, frame, len) < 0) {
        fail(sender, ENOMEM);
        return;
    }
    worker_set_add(sender->setup->dirty, sender->worker);
}

static void on_closed(uv_handle_t *handle)
{
    struct sender *sender = handle->data;

    --*sender->setup->handles;
}

void sender_close(struct sender *sender)
{
    disconnect(sender);
    uv_close((uv_handle_t *)&sender->retry, on_closed);
}

void sender_finish(struct sender *sender)
{
    outbox_finish(&sender->outbox);
}
