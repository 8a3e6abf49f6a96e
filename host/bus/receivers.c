/* receivers.c - the streams on which the siblings send to this worker */
#include "bus/receivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "bus/wire.h"
#include "core/bus.h"
#include "core/id.h"

/* One stream may not keep the others waiting for longer. */
#define READS_PER_EVENT 4

/* When descriptors have run out. */
#define ACCEPT_PAUSE_MS 100

#define NAME_SIZE 48

struct receiver {
    struct receiver *prev, *next;
    struct receivers *all;
    struct stream *stream;
    struct inbox inbox;
    struct sender *sender; /* to the same sibling; NULL before its hello */
    const char *fault;     /* of the frame that was read last */
};

static bool is_current(const struct receiver *receiver)
{
    return receiver->sender &&
           receiver->all->current[receiver->sender->worker] == receiver;
}

/* Its interests are not known any more, or not all of them: of what is published
 * until they are it may not have been told. */
static void doubt(struct receivers *all, unsigned worker)
{
    if (worker_set_has(&all->told, worker)) {
        worker_set_remove(&all->told, worker);
        worker_set_add(&all->owed, worker);
    }
}

static void drop(struct receiver *receiver)
{
    struct receivers *all = receiver->all;

    if (is_current(receiver)) {
        all->current[receiver->sender->worker] = NULL;
        doubt(all, receiver->sender->worker);
        interest_forget(all->setup->interest, receiver->sender->worker);
        sender_part(receiver->sender);
        siblings_lost(all->setup->siblings, receiver->sender->worker);
    }
    DL_DELETE(all->list, receiver);
    all->count--;
    stream_close(receiver->stream);
    inbox_finish(&receiver->inbox);
    free(receiver);
}

/* Whether hello a was said before b: by an earlier process in the worker's
 * place, or on an earlier stream of the same. Both numbers may wrap. */
static bool is_older(bay_id a, bay_id b)
{
    return (int64_t)((a - b) << 16) < 0;
}

static const char *take_hello(struct receiver *receiver,
                              const struct wire_frame *frame)
{
    const struct receivers_setup *setup = receiver->all->setup;
    unsigned worker = id_worker(frame->id);
    struct receiver **current;

    if (frame->type != WIRE_HELLO) {
        return "a frame before the hello";
    }
    if (frame->code != WIRE_VERSION) {
        return "another version of the bus: restart the server";
    }
    if (id_node(frame->id) != setup->node || worker >= setup->workers ||
        worker == setup->worker) {
        return "a hello from no sibling of this worker";
    }
    receiver->sender = &setup->senders[worker];
    receiver->inbox.max = WIRE_MAX;
    current = &receiver->all->current[worker];
    if (*current && is_older(frame->id, receiver->sender->hello)) {
        return NULL;
    }
    doubt(receiver->all, worker);
    /* On a later stream of the same process it tells its interests anew: until
     * it has (WIRE_SYNCED), those count that it had. */
    if (*current &&
        id_incarnation(frame->id) != id_incarnation(receiver->sender->hello)) {
        interest_forget(setup->interest, worker);
    }
    *current = receiver;
    sender_meet(receiver->sender, frame->id, receiver->stream);
    siblings_met(setup->siblings, frame->id);
    return NULL;
}

/* It may have missed news, or will do by itself. */
static void tell_news(const struct receiver *receiver, const char *route,
                      const char *topic)
{
    if (sender_news(receiver->sender, route, topic) != 0) {
        core_bus_untold(receiver->all->setup->core);
    }
}

static void synced(struct receiver *receiver)
{
    struct receivers *all = receiver->all;
    unsigned worker = receiver->sender->worker;

    interest_sweep(all->setup->interest, worker);
    worker_set_add(&all->told, worker);
    if (worker_set_has(&all->owed, worker)) {
        worker_set_remove(&all->owed, worker);
        tell_news(receiver, "", "");
    }
}

void receivers_owe_news(struct receivers *receivers)
{
    for (size_t i = 0; i < WORKER_SET_WORDS; i++) {
        receivers->owed.bits[i] |= ~receivers->told.bits[i];
    }
}

/* What a sibling says of its interests counts on its latest stream only. */
static const char *take_interest(struct receiver *receiver,
                                 const struct wire_frame *frame)
{
    const struct receivers_setup *setup = receiver->all->setup;
    unsigned worker = receiver->sender->worker;

    if (!is_current(receiver)) {
        return NULL;
    }
    if (frame->type == WIRE_RESYNC) {
        interest_mark(setup->interest, worker);
        doubt(receiver->all, worker);
    } else if (frame->type == WIRE_SYNCED) {
        synced(receiver);
    } else if (interest_set(setup->interest, frame->route, frame->text, worker,
                            frame->kind) < 0) {
        return "an interest there is no room for";
    } else if (frame->kind && worker_set_has(&receiver->all->told, worker) &&
               core_bus_wanted(setup->core, frame->route, frame->text)) {
        tell_news(receiver, frame->route, frame->text);
    }
    return NULL;
}

static const char *take_frame(struct receiver *receiver,
                              const struct wire_frame *frame)
{
    const struct receivers_setup *setup = receiver->all->setup;

    if (!receiver->sender) {
        return take_hello(receiver, frame);
    }
    switch (frame->type) {
    case WIRE_HELLO: return "a second hello";
    case WIRE_INTEREST:
    case WIRE_RESYNC:
    case WIRE_SYNCED: return take_interest(receiver, frame);
    case WIRE_PUBLISH:
        stat_add(&setup->stats->bus_in, 1);
        core_bus_publish(setup->core, frame->route, frame->text, frame->kind,
                         frame->data, frame->len, frame->id);
        break;
    case WIRE_SEND:
        stat_add(&setup->stats->bus_in, 1);
        core_bus_send(setup->core, frame->route, frame->id, frame->kind,
                      frame->data, frame->len);
        break;
    case WIRE_CLOSE:
        stat_add(&setup->stats->bus_in, 1);
        core_bus_close(setup->core, frame->route, frame->id, frame->code,
                       *frame->text ? frame->text : NULL);
        break;
    }
    return NULL;
}

static bool take_bytes(void *arg, const char *bytes, size_t len)
{
    struct receiver *receiver = arg;
    struct wire_frame frame;

    receiver->fault = wire_decode(&frame, bytes, len);
    if (!receiver->fault) {
        receiver->fault = take_frame(receiver, &frame);
    }
    return receiver->fault == NULL;
}

/* Who is at the other end, for the log. */
static const char *name_of(const struct receiver *receiver, char out[NAME_SIZE])
{
    if (receiver->sender) {
        snprintf(out, NAME_SIZE, "worker %u", receiver->sender->worker);
    } else {
        snprintf(out, NAME_SIZE, "a worker that has not said its number");
    }
    return out;
}

/* 1: there may be more; 0: not now; -1: the stream is over, logged. */
static int read_some(struct receiver *receiver)
{
    char name[NAME_SIZE];
    const char *why;
    size_t space;
    char *at = inbox_space(&receiver->inbox, &space);
    ssize_t n;

    if (!at) {
        log_error("bus: out of memory for a message from %s; its stream is "
                  "dropped",
                  name_of(receiver, name));
        return -1;
    }
    n = stream_read(receiver->stream, at, space);
    if (n < 0) {
        log_debug("bus: stream from %s ended: %s", name_of(receiver, name),
                  errno ? strerror(errno) : "closed by it");
        return -1;
    }
    if (n == 0) {
        return 0;
    }
    why = inbox_take(&receiver->inbox, (size_t)n, take_bytes, receiver);
    why = why ? why : receiver->fault;
    if (why) {
        log_error("bus: %s sent %s; its stream is dropped",
                  name_of(receiver, name), why);
        return -1;
    }
    return (size_t)n == space;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct receiver *receiver = poll->data;
    int reads, more = 1;

    (void)status;
    (void)events;
    for (reads = 0; more > 0 && reads < READS_PER_EVENT; reads++) {
        more = read_some(receiver);
    }
    if (more < 0) {
        drop(receiver);
    }
}

/* Each sibling has one stream here, and for a moment some more while it is
 * being replaced. Above that, the oldest that is of no use goes. */
static void bound(struct receivers *all)
{
    const struct receivers_setup *setup = all->setup;
    struct receiver *receiver;

    if (all->count <= 4 * setup->workers + 16) {
        return;
    }
    for (receiver = all->list; receiver; receiver = receiver->next) {
        if (!is_current(receiver)) {
            log_warn("bus: %u streams to worker %u, more than it has "
                     "siblings: the oldest is dropped",
                     all->count, setup->worker);
            drop(receiver);
            return;
        }
    }
}

static void on_listen(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct receivers *all = timer->data;

    uv_poll_start(&all->listen, UV_READABLE, on_listen);
}

static void refuse_stranger(struct receivers *all)
{
    const struct receivers_setup *setup = all->setup;
    uint64_t left_out;

    if (seldom_due(&all->strangers, uv_now(setup->loop), &left_out)) {
        log_error("bus: a process of another user connected to worker %u: "
                  "refused; look at the rights of run_dir %s",
                  setup->worker, setup->run_dir);
    }
}

/* Said once each time that descriptors run out, however often it is tried; and
 * if they do again and again, now and then. */
static void pause_accepting(struct receivers *all, int error)
{
    const struct receivers_setup *setup = all->setup;
    uint64_t left_out;

    if (!all->pausing) {
        all->pausing = true;
        all->pause_told =
            seldom_due(&all->failed, uv_now(setup->loop), &left_out);
        if (all->pause_told) {
            log_error("bus: cannot accept a sibling of worker %u: %s; trying "
                      "again",
                      setup->worker, strerror(error));
        }
    }
    stat_add(&setup->stats->bus_paused, 1);
    uv_poll_stop(&all->listen);
    uv_timer_start(&all->pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
}

static void go_on(struct receivers *all)
{
    if (all->pausing && all->pause_told) {
        log_info("bus: worker %u accepts its siblings again",
                 all->setup->worker);
    }
    all->pausing = false;
}

static void accept_failed(struct receivers *all, int error)
{
    if (error == EPERM) {
        refuse_stranger(all);
    } else if (error == EBADF || error == ENOTSOCK || error == EINVAL) {
        uv_poll_stop(&all->listen); /* a plugin has closed it; see custody */
    } else if (error != EAGAIN && error != EINTR && error != ECONNABORTED) {
        pause_accepting(all, error);
    }
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
    struct receivers *all = poll->data;
    const struct receivers_setup *setup = all->setup;
    struct receiver *receiver = calloc(1, sizeof *receiver);

    (void)status;
    (void)events;
    if (!receiver) {
        accept_failed(all, ENOMEM);
        return;
    }
    receiver->stream =
        stream_accept(setup->loop, setup->listen_fd, receiver, setup->handles);
    if (!receiver->stream) {
        accept_failed(all, errno);
        free(receiver);
        return;
    }
    go_on(all);
    receiver->all = all;
    receiver->inbox.area = all->area;
    receiver->inbox.max = WIRE_HELLO_MAX;
    DL_APPEND(all->list, receiver);
    all->count++;
    stream_watch(receiver->stream, UV_READABLE | UV_DISCONNECT, on_event);
    bound(all);
}

static void on_closed(uv_handle_t *handle)
{
    struct receivers *all = handle->data;

    --*all->setup->handles;
}

int receivers_init(struct receivers *all, const struct receivers_setup *setup)
{
    int error;

    memset(all, 0, sizeof *all);
    all->setup = setup;
    error = uv_poll_init(setup->loop, &all->listen, setup->listen_fd);
    if (error) {
        log_error("bus: cannot listen for the siblings of worker %u: %s",
                  setup->worker, uv_strerror(error));
        return -1;
    }
    uv_timer_init(setup->loop, &all->pause);
    all->listen.data = all->pause.data = all;
    *setup->handles += 2;
    uv_poll_start(&all->listen, UV_READABLE, on_listen);
    return 0;
}

void receivers_close(struct receivers *all)
{
    while (all->list) {
        drop(all->list);
    }
    uv_close((uv_handle_t *)&all->listen, on_closed);
    uv_close((uv_handle_t *)&all->pause, on_closed);
}
