/* near_core.h - the near end of a bus: its core, siblings and clock
 *
 * Core is played: it looks at what it is told, and does something upon it, in
 * the middle of that, as the real one does. Time goes by only when it is said.
 * To be included by one file of a program: it defines core_bus_*.
 */
#ifndef PATCHBAY_TESTS_FUZZ_NEAR_CORE_H
#define PATCHBAY_TESTS_FUZZ_NEAR_CORE_H

#include "far_redis.h"

#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <uv.h>

#include "base/log.h"
#include "bus/redis.h"
#include "core/core.h"

#define TTL      12000 /* ms */
#define STEP     1500  /* ms: the bus does not think that it stood still */
#define QUEUE    16384
#define TOPICS   8
#define MESSAGES 256
#define TICKETS  256

/* What core does when it is told something, by bits of the first byte. */
enum { ASKS_AFTER_SETTLED = 1, ASKS_ON = 2, ASKS_WHEN_BACK = 4, LEAVES = 8 };

struct message {
    bool accepted, stored;
    bool late; /* for core to deliver */
    bool here; /* delivered before it was kept */
};

struct ticket {
    bool open;
    struct query query;
};

static struct core {
    uv_loop_t loop;
    uint64_t now_ns;
    uint64_t random;
    struct conf_cluster conf;
    struct worker_stats *stats;
    struct redis_bus *bus;
    unsigned does;
    bool asking; /* replay has not returned yet */
    bool wanted[TOPICS];
    struct message messages[MESSAGES];
    unsigned message_count;
    const struct message *last_stored;
    struct ticket tickets[TICKETS];
    unsigned ticket_count, answered;
    enum replay result; /* the last */
    size_t count;
    struct position last, head;
} core;

/* ---- time and chance --------------------------------------------------- */

/* For libuv and the host; the time of day is libFuzzer's, too. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    if (id == CLOCK_REALTIME) {
        return (int)syscall(SYS_clock_gettime, id, now);
    }
    now->tv_sec = (time_t)(core.now_ns / 1000000000);
    now->tv_nsec = (long)(core.now_ns % 1000000000);
    return 0;
}

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    (void)flags;
    core.random = core.random * 6364136223846793005u + 1442695040888963407u;
    memset(out, 0, len);
    memcpy(out, &core.random, len < 8 ? len : 8);
    return (ssize_t)len;
}

/* Until nothing follows any more. */
static inline void settle(void)
{
    bool some = true;

    for (int i = 0; some; i++) {
        fuzz_check(i < 20000); /* it would ask for ever */
        uv_run(&core.loop, UV_RUN_NOWAIT);
        redis_bus_table()->flush(core.bus);
        some = far_turn();
    }
}

static inline void pass(unsigned ms)
{
    for (; ms > 0; ms -= ms < STEP ? ms : STEP) {
        core.now_ns += (uint64_t)(ms < STEP ? ms : STEP) * 1000000;
        settle();
    }
}

/* ---- core -------------------------------------------------------------- */

static inline const char *topic_of(unsigned number)
{
    static const char *const topics[TOPICS] = { "a", "b", "c", "d",
                                                "e", "f", "g", "h" };

    return topics[number % TOPICS];
}

static inline int ask(const char *topic, struct query query)
{
    struct ticket *ticket = &core.tickets[core.ticket_count];
    int status;

    if (core.ticket_count == TICKETS) {
        return BAY_EFULL;
    }
    query.ticket = core.ticket_count++;
    *ticket = (struct ticket){ true, query };
    core.asking = true;
    status = redis_bus_table()->replay(core.bus, "r", topic, &query);
    core.asking = false;
    if (status != 0) {
        ticket->open = false;
        core.answered++;
    }
    return status;
}

static inline void want(unsigned topic, bool on)
{
    core.wanted[topic % TOPICS] = on;
    fuzz_check(
        redis_bus_table()->interest(core.bus, "r", topic_of(topic), on) == 0);
}

static inline void check_message(bay_kind kind, const void *data, size_t len)
{
    fuzz_check(kind == BAY_TEXT || kind == BAY_BINARY);
    fuzz_check(((const char *)data)[len] == '\0');
}

void core_bus_publish(struct core *self, const char *route, const char *topic,
                      bay_kind kind, const void *data, size_t len,
                      bay_id except)
{
    (void)self;
    (void)except;
    check_message(kind, data, len);
    fuzz_check(strlen(route) < 256 && *topic != '\0');
}

void core_bus_send(struct core *self, const char *route, bay_id id,
                   bay_kind kind, const void *data, size_t len)
{
    (void)self;
    (void)id;
    check_message(kind, data, len);
    fuzz_check(strlen(route) < 256);
}

void core_bus_close(struct core *self, const char *route, bay_id id, int code,
                    const char *reason)
{
    (void)self;
    (void)id;
    fuzz_check(code >= 0 && code <= 65535);
    fuzz_check(strlen(route) < 256 && (reason == NULL || *reason != '\0'));
}

void core_bus_peer(struct core *self, bay_id worker, bool there)
{
    (void)self;
    (void)there;
    fuzz_check(worker != 0 && (uint32_t)worker == 0);
}

void core_bus_back(struct core *self)
{
    if (self->does & ASKS_WHEN_BACK) {
        (void)ask("b", (struct query){ .max = 3 });
    }
}

void core_bus_settled(struct core *self, const char *route, const char *topic)
{
    fuzz_check(strcmp(route, "r") == 0 && *topic != '\0');
    if (self->does & ASKS_AFTER_SETTLED) {
        (void)ask(topic, (struct query){ .whole = true, .max = UINT32_MAX });
    }
    if (self->does & LEAVES && !far.honest) {
        want((unsigned)(*topic - 'a'), false);
    }
}

/* The number that a message of this worker begins with. */
static struct message *message_of(const void *data)
{
    unsigned long number = strtoul(data, NULL, 10);

    fuzz_check(number < core.message_count);
    return &core.messages[number];
}

bool core_bus_wanted(struct core *self, const char *route, const char *topic)
{
    (void)self;
    (void)topic;
    return strcmp(route, "kept") == 0;
}

void core_bus_untold(struct core *self)
{
    (void)self;
}

void core_bus_kept(struct core *self, const char *route, const char *topic,
                   const struct kept *kept)
{
    fuzz_check(strlen(route) < 256 && *topic != '\0');
    check_message(kept->kind, kept->data, kept->len);
    fuzz_check((kept->at.epoch == 0) == (kept->at.offset == 0));
    if (kept->at.epoch == 0) { /* it is not known when it will be kept */
        struct message *message = message_of(kept->data);

        fuzz_check(!message->here && !message->late);
        message->here = true;
    } else if (self->does & LEAVES && !far.honest) {
        want((unsigned)(*topic - 'a'), false);
    }
}

/* In order; and without a gap, if nothing is said to be missing. */
static inline void check_order(const struct query *query, enum replay result,
                               const struct kept *kept, size_t count,
                               struct position head)
{
    uint64_t before = query->after.epoch != 0 ? query->after.offset : 0;
    bool whole =
        result == REPLAY_WHOLE && (query->after.epoch != 0 || query->whole);

    for (size_t i = 0; i < count; i++) {
        check_message(kept[i].kind, kept[i].data, kept[i].len);
        fuzz_check(kept[i].at.epoch == head.epoch && head.epoch != 0);
        fuzz_check(kept[i].publisher != 0);
        fuzz_check(i == 0 || kept[i].at.offset > before);
        fuzz_check(!whole || kept[i].at.offset == before + 1);
        before = kept[i].at.offset;
    }
    fuzz_check(!whole || query->after.epoch == 0 || count == 0 ||
               query->after.epoch == head.epoch);
}

void core_bus_replayed(struct core *self, uint64_t number, enum replay result,
                       const struct kept *kept, size_t count,
                       struct position head)
{
    struct ticket *ticket = &self->tickets[number % TICKETS];
    struct query query = ticket->query;

    fuzz_check(number < self->ticket_count && ticket->open && !self->asking);
    fuzz_check(result >= REPLAY_WHOLE && result <= REPLAY_FAILED);
    fuzz_check(result != REPLAY_FAILED || count == 0);
    ticket->open = false;
    self->answered++;
    check_order(&query, result, kept, count, head);
    self->result = result;
    self->count = count;
    self->head = head;
    if (count > 0) {
        self->last = kept[count - 1].at;
    }
    if (self->does & ASKS_ON && count > 0 && self->last.offset < head.offset) {
        query.after = self->last;
        (void)ask("a", query);
    }
}

void core_bus_each_interest(struct core *self,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg)
{
    (void)self;
    (void)each;
    (void)arg;
}

/* Redis keeps a message: none that was refused. If it has not lied, none twice,
 * and in core's order, but that what it refused comes behind what was given
 * since. */
static inline void stored(const char *bytes, size_t len)
{
    struct envelope envelope;
    struct message *message;
    bool delivered;

    fuzz_check(envelope_decode(&envelope, bytes, len) == NULL);
    fuzz_check(envelope.type == ENVELOPE_KEPT);
    message = message_of(envelope.data);
    fuzz_check(message->accepted && (!message->stored || far.lied));
    delivered = message->late || message->here;
    fuzz_check(envelope.late == delivered || (delivered && far.lied));
    fuzz_check(far.lied || far.refused || message > core.last_stored);
    message->stored = true;
    core.last_stored = message;
}

/* ---- the siblings ------------------------------------------------------ */

static inline int local_interest(void *self, const char *route,
                                 const char *topic, bool on)
{
    (void)self;
    (void)route;
    (void)topic;
    (void)on;
    return 0;
}

static inline int local_publish(void *self, const char *route,
                                const char *topic, bay_kind kind,
                                const void *data, size_t len, bay_id except)
{
    (void)self;
    (void)route;
    (void)topic;
    (void)kind;
    (void)data;
    (void)len;
    (void)except;
    return 0;
}

static inline int local_send_to(void *self, const char *route, bay_id id,
                                bay_kind kind, const void *data, size_t len)
{
    (void)self;
    (void)route;
    (void)kind;
    (void)data;
    (void)len;
    return id % 2 ? 0 : BAY_ENOTFOUND;
}

static inline int local_close_id(void *self, const char *route, bay_id id,
                                 int code, const char *reason)
{
    (void)self;
    (void)route;
    (void)code;
    (void)reason;
    return id % 2 ? 0 : BAY_ENOTFOUND;
}

static inline void local_flush(void *self)
{
    (void)self;
}

static const struct bus local = { .interest = local_interest,
                                  .publish = local_publish,
                                  .send_to = local_send_to,
                                  .close_id = local_close_id,
                                  .flush = local_flush };

#endif
