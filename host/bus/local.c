/* local.c - the bus between the workers of one machine: Unix sockets */
#include "bus/local.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/interest.h"
#include "bus/outbox.h"
#include "bus/receivers.h"
#include "bus/sender.h"
#include "bus/siblings.h"
#include "bus/wire.h"
#include "bus/worker_set.h"
#include "core/id.h"

struct local_bus {
    uv_loop_t *loop;
    unsigned node, worker, workers;
    char *run_dir;
    struct sender *senders; /* by number; this worker's own is not used */
    struct sender_setup sender_setup;
    struct receivers receivers;
    struct receivers_setup receivers_setup;
    struct siblings siblings;
    struct interest interest; /* of the siblings */
    struct worker_set dirty;  /* whose queues are to be written */
    struct chunk_pool pool;
    unsigned handles;         /* not closed yet */
    char small[OUTBOX_SHARE]; /* where a frame that is copied is encoded */
};

int local_bus_path(char *out, size_t size, const char *run_dir, unsigned worker)
{
    return sender_path(out, size, run_dir, worker);
}

/*
 * A message on its way to some workers. It is encoded once, and not before one
 * of them admits it: a small one to be copied to each queue, a large one to be
 * shared by them.
 */
struct parcel {
    const struct wire_frame *frame;
    size_t len;
    const char *bytes;   /* NULL: not encoded yet */
    struct chunk *chunk; /* that holds them; NULL: they are in bus->small */
};

static int encode(struct local_bus *bus, struct parcel *parcel)
{
    char *bytes = bus->small;

    if (parcel->len >= OUTBOX_SHARE) {
        parcel->chunk = chunk_create(parcel->len);
        if (!parcel->chunk) {
            return BAY_ENOMEM;
        }
        bytes = parcel->chunk->data;
    }
    wire_encode(bytes, parcel->frame);
    parcel->bytes = bytes;
    return 0;
}

static int post_one(struct local_bus *bus, struct sender *sender,
                    struct parcel *parcel)
{
    int status = sender_admit(sender, parcel->len);

    if (status == 0 && !parcel->bytes) {
        status = encode(bus, parcel);
    }
    if (status == 0) {
        status = sender_post(sender, parcel->bytes, parcel->len, parcel->chunk);
    }
    return status;
}

/* 0, or the last error. */
static int post(struct local_bus *bus, const struct worker_set *workers,
                const struct wire_frame *frame)
{
    struct parcel parcel = { .frame = frame, .len = wire_size(frame) };
    int worker, result = 0;

    if (parcel.len == 0) {
        return BAY_ETOOBIG;
    }
    for (worker = worker_set_next(workers, 0); worker >= 0;
         worker = worker_set_next(workers, (unsigned)worker + 1)) {
        int status = post_one(bus, &bus->senders[worker], &parcel);

        if (status < 0) {
            result = status;
        }
    }
    chunk_release(parcel.chunk);
    return result;
}

static int publish(void *self, const char *route, const char *topic,
                   bay_kind kind, const void *data, size_t len, bay_id except)
{
    struct local_bus *bus = self;
    const struct worker_set *workers =
        interest_find(&bus->interest, route, topic);
    struct wire_frame frame = { .type = WIRE_PUBLISH,
                                .kind = kind,
                                .id = except,
                                .route = route,
                                .text = topic,
                                .data = data,
                                .len = len };
    int status = workers ? post(bus, workers, &frame) : 0;

    if (kind == BUS_NEWS) {
        receivers_owe_news(&bus->receivers);
    }
    /* A sibling whose stream just broke: as good as a full queue. */
    return status == BAY_ENOTFOUND ? BAY_EFULL : status;
}

/* To the worker a connection belongs to: the process it belonged to, which may
 * have ended, and all of its connections with it. */
static int post_to_owner(struct local_bus *bus, const struct wire_frame *frame)
{
    unsigned worker = id_worker(frame->id);
    struct worker_set only = { { 0 } };
    const struct sender *sender;

    if (id_node(frame->id) != bus->node || worker >= bus->workers ||
        worker == bus->worker) {
        return BAY_ENOTFOUND;
    }
    sender = &bus->senders[worker];
    if (sender->there &&
        id_incarnation(frame->id) != id_incarnation(sender->hello)) {
        return BAY_ENOTFOUND;
    }
    worker_set_add(&only, worker);
    return post(bus, &only, frame);
}

static int send_to(void *self, const char *route, bay_id id, bay_kind kind,
                   const void *data, size_t len)
{
    struct wire_frame frame = { .type = WIRE_SEND,
                                .kind = kind,
                                .id = id,
                                .route = route,
                                .data = data,
                                .len = len };

    return post_to_owner(self, &frame);
}

static int close_id(void *self, const char *route, bay_id id, int code,
                    const char *reason)
{
    struct wire_frame frame = { .type = WIRE_CLOSE,
                                .code = code,
                                .id = id,
                                .route = route,
                                .text = reason };

    return post_to_owner(self, &frame);
}

static int interest(void *self, const char *route, const char *topic, bool on)
{
    struct local_bus *bus = self;
    struct wire_frame frame = {
        .type = WIRE_INTEREST, .kind = on, .route = route, .text = topic
    };
    size_t len = wire_size(&frame);
    unsigned worker;

    if (len == 0 || len > sizeof bus->small) {
        return BAY_EINVAL;
    }
    wire_encode(bus->small, &frame);
    for (worker = 0; worker < bus->workers; worker++) {
        if (worker != bus->worker) {
            sender_interest(&bus->senders[worker], bus->small, len);
        }
    }
    return 0;
}

static void flush(void *self)
{
    struct local_bus *bus = self;
    int worker = worker_set_next(&bus->dirty, 0);

    while (worker >= 0) {
        sender_flush(&bus->senders[worker]);
        worker = worker_set_next(&bus->dirty, (unsigned)worker + 1);
    }
}

const struct bus *local_bus_table(void)
{
    static const struct bus table = { .interest = interest,
                                      .publish = publish,
                                      .send_to = send_to,
                                      .close_id = close_id,
                                      .flush = flush };

    return &table;
}

static void describe(struct local_bus *bus, const struct local_bus_setup *setup)
{
    bus->loop = setup->loop;
    bus->node = setup->node;
    bus->worker = setup->worker;
    bus->workers = setup->workers;
    bus->sender_setup = (struct sender_setup){
        .loop = setup->loop,
        .core = setup->core,
        .stats = setup->stats,
        .run_dir = bus->run_dir,
        .node = setup->node,
        .worker = setup->worker,
        .incarnation = setup->incarnation,
        .queue_limit = setup->queue_limit,
        .pool = &bus->pool,
        .dirty = &bus->dirty,
        .handles = &bus->handles,
    };
    bus->receivers_setup = (struct receivers_setup){
        .loop = setup->loop,
        .core = setup->core,
        .stats = setup->stats,
        .node = setup->node,
        .worker = setup->worker,
        .workers = setup->workers,
        .listen_fd = setup->listen_fd,
        .run_dir = bus->run_dir,
        .senders = bus->senders,
        .interest = &bus->interest,
        .siblings = &bus->siblings,
        .handles = &bus->handles,
    };
}

static void tell_core(void *core, bay_id worker, bool there)
{
    core_bus_peer(core, worker, there);
}

static void run_until_closed(struct local_bus *bus)
{
    while (bus->handles > 0) {
        uv_run(bus->loop, UV_RUN_NOWAIT);
    }
}

static void free_bus(struct local_bus *bus)
{
    interest_finish(&bus->interest);
    chunk_pool_finish(&bus->pool);
    free(bus->senders);
    free(bus->run_dir);
    free(bus);
}

struct local_bus *local_bus_create(const struct local_bus_setup *setup)
{
    struct local_bus *bus = calloc(1, sizeof *bus);
    unsigned worker;

    if (!bus) {
        log_error("bus: out of memory");
        return NULL;
    }
    bus->senders = calloc(setup->workers, sizeof *bus->senders);
    bus->run_dir = strdup(setup->run_dir);
    if (!bus->senders || !bus->run_dir) {
        log_error("bus: out of memory");
        goto fail;
    }
    describe(bus, setup);
    siblings_init(&bus->siblings, bus->loop, &bus->handles,
                  setup->peer ? setup->peer : tell_core,
                  setup->peer ? setup->peer_arg : setup->core);
    if (receivers_init(&bus->receivers, &bus->receivers_setup) < 0) {
        siblings_close(&bus->siblings);
        run_until_closed(bus);
        goto fail;
    }
    for (worker = 0; worker < bus->workers; worker++) {
        if (worker != bus->worker) {
            sender_init(&bus->senders[worker], &bus->sender_setup, worker);
        }
    }
    return bus;
fail:
    free_bus(bus);
    return NULL;
}

bool local_bus_knows(const struct local_bus *bus, unsigned worker)
{
    return worker_set_has(&bus->receivers.told, worker);
}

void local_bus_destroy(struct local_bus *bus)
{
    unsigned worker;

    if (!bus) {
        return;
    }
    flush(bus);
    receivers_close(&bus->receivers);
    siblings_close(&bus->siblings);
    for (worker = 0; worker < bus->workers; worker++) {
        if (worker != bus->worker) {
            sender_close(&bus->senders[worker]);
        }
    }
    run_until_closed(bus);
    for (worker = 0; worker < bus->workers; worker++) {
        sender_finish(&bus->senders[worker]);
    }
    free_bus(bus);
}
