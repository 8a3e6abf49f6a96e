/*
 * publish.c - publishers and subscribers: who gets what, how soon, at what cost
 *
 * A published text is "m", the publisher, its number and the topic, in hex, and
 * something to fill it up. So each delivery is checked: the client has to have
 * the topic, each message has to come to each subscriber once, and those of a
 * publisher to a topic in order. The next is published when all have got one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "meter.h"

enum {
    PUBLISHERS_MAX = 64,
    AT_PUBLISHER = 1, /* digits of a text begin there */
    AT_NUMBER = 3,
    AT_TOPIC = 11,
    AT_FILL = 17,
    TOPICS_SAID = 100, /* in one command */
    TOPIC_TEXT = 16,
    TURN_MS = 50,
    SLOTS = 1 << 16 /* others may pass one whose worker has to wait */
};

struct slot {
    uint64_t sent_at;
    uint32_t number, topic;
    int missing; /* clients that have not got it */
};

struct publisher {
    struct member *member;
    uint32_t next; /* number */
    struct slot *slots;
};

struct work {
    const struct crowd_setup *setup;
    struct crowd crowd;
    struct publisher publishers[PUBLISHERS_MAX];
    uint32_t *last;     /* of each subscription and publisher: number + 1 */
    int subscribers;    /* of each topic */
    uint64_t under_way; /* messages */
    uint64_t done;      /* messages, within the window */
    bool publishing;    /* one more for each that is done */
    struct meter meter;
    struct crowd_cost before, after;
    char text[MEMBER_KEPT]; /* is filled up */
};

static void topic_name(char out[TOPIC_TEXT], uint32_t topic)
{
    snprintf(out, TOPIC_TEXT, "t%u", topic);
}

static void hex(char *out, uint32_t value, int digits)
{
    while (digits-- > 0) {
        out[digits] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static uint32_t unhex(const char *text, int digits)
{
    uint32_t value = 0;

    for (int i = 0; i < digits; i++) {
        int digit = text[i];

        value = value << 4 |
                (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return value;
}

static int publish(struct work *work, uint32_t by, uint64_t now)
{
    struct publisher *publisher = &work->publishers[by];
    uint32_t number = publisher->next++;
    struct slot *slot = &publisher->slots[number & (SLOTS - 1)];
    char topic[TOPIC_TEXT];

    if (slot->missing > 0) {
        fprintf(stderr, "crowd: message %u of publisher %u is late by %u\n",
                slot->number, by, SLOTS);
        return -1;
    }
    slot->number = number;
    slot->sent_at = now;
    slot->missing = work->subscribers;
    slot->topic =
        (uint32_t)(((uint64_t)number * (uint32_t)work->setup->publishers + by) %
                   (uint32_t)work->setup->topics);
    work->under_way++;
    topic_name(topic, slot->topic);
    hex(work->text + AT_PUBLISHER, by, 2);
    hex(work->text + AT_NUMBER, number, 8);
    hex(work->text + AT_TOPIC, slot->topic, 6);
    return member_say(publisher->member, 'p', topic, work->text);
}

static int wrong(const struct member *member, const char *text, const char *why)
{
    fprintf(stderr, "crowd: client %d got %.17s: %s\n", member->number, text,
            why);
    return -1;
}

/* Which of its topics it is; negative: it has not this one. */
static int which(const struct work *work, const struct member *member,
                 uint32_t topic)
{
    const struct crowd_setup *setup = work->setup;
    long long first = (long long)member->number * setup->each % setup->topics;
    long long place = (long long)topic - first;

    place += place < 0 ? setup->topics : 0;
    return place < setup->each ? (int)place : -1;
}

static int on_delivery(struct work *work, const struct member *member,
                       const char *text, size_t kept)
{
    const struct crowd_setup *setup = work->setup;
    uint32_t by, number, topic, *last;
    struct slot *slot;
    uint64_t now;
    int place;

    if (kept != setup->payload) {
        return wrong(member, text, "another length");
    }
    by = unhex(text + AT_PUBLISHER, 2);
    number = unhex(text + AT_NUMBER, 8);
    topic = unhex(text + AT_TOPIC, 6);
    if (by >= (uint32_t)setup->publishers ||
        number >= work->publishers[by].next ||
        memcmp(text + AT_FILL, work->text + AT_FILL, kept - AT_FILL) != 0) {
        return wrong(member, text, "nobody has published that");
    }
    slot = &work->publishers[by].slots[number & (SLOTS - 1)];
    place = member->number < setup->conns ? which(work, member, topic) : -1;
    if (place < 0 || slot->topic != topic) {
        return wrong(member, text, "not a topic of its own");
    }
    last = &work->last[((size_t)member->number * (size_t)setup->each +
                        (size_t)place) *
                           (size_t)setup->publishers +
                       by];
    if (number < *last) {
        return wrong(member, text, "again, or out of order");
    }
    if (slot->number != number || slot->missing == 0) {
        return wrong(member, text, "more often than there are subscribers");
    }
    *last = number + 1;
    now = now_ns();
    meter_add(&work->meter, now - slot->sent_at, 1);
    if (--slot->missing > 0) {
        return 0;
    }
    work->under_way--;
    work->done += work->meter.open;
    return work->publishing ? publish(work, by, now) : 0;
}

static int on_text(void *arg, struct member *member, const char *text,
                   size_t kept, uint64_t len)
{
    struct work *work = arg;

    if (len == kept && kept >= AT_FILL && *text == 'm') {
        return on_delivery(work, member, text, kept);
    }
    if (kept > 0 && *text == 'a') {
        return crowd_answered(&work->crowd, member);
    }
    fprintf(stderr, "crowd: client %d: %.*s\n", member->number, (int)kept,
            text);
    return -1;
}

/* All topics of a client, in as many commands as it takes. */
static int subscribe(struct work *work, struct member *member)
{
    const struct crowd_setup *setup = work->setup;
    char list[TOPICS_SAID * TOPIC_TEXT] = "";
    size_t len = 0;

    for (int i = 0; i < setup->each; i++) {
        long long place = (long long)member->number * setup->each + i;

        len += (size_t)snprintf(list + len, sizeof list - len, "%st%lld",
                                len ? " " : "", place % setup->topics);
        if ((i + 1) % TOPICS_SAID == 0 || i + 1 == setup->each) {
            if (crowd_ask(&work->crowd, member, 's', list, NULL) < 0) {
                return -1;
            }
            len = 0;
        }
    }
    return crowd_turn(&work->crowd, 0);
}

/* Waits for deliveries; -1, said why, if they do not come. */
static int turn(struct work *work, int wait_ms)
{
    if (crowd_turn(&work->crowd, wait_ms) < 0) {
        return -1;
    }
    if (work->under_way > 0 && crowd_late(&work->crowd)) {
        fprintf(stderr, "crowd: %llu messages did not reach everybody\n",
                (unsigned long long)work->under_way);
        return -1;
    }
    return 0;
}

static int begin(struct work *work)
{
    const struct crowd_setup *setup = work->setup;
    int count = setup->flight / setup->publishers * setup->publishers;

    meter_init(&work->meter, setup->warm_up, setup->seconds, 0);
    work->crowd.heard_at = now_ns();
    work->publishing = true;
    for (int i = 0; i < count; i++) {
        if (publish(work, (uint32_t)(i % setup->publishers), now_ns()) < 0) {
            return -1;
        }
    }
    return 0;
}

static int measure(struct work *work)
{
    bool open = false;

    while (!work->meter.over) {
        uint64_t now = now_ns();
        bool waits = work->meter.open && work->done == 0;
        int wait;

        if (!waits) {
            meter_tick(&work->meter, now); /* not before there is any figure */
        }
        wait = waits ? TURN_MS : meter_wait(&work->meter, now);
        if (open != work->meter.open) {
            open = work->meter.open;
            crowd_look(&work->crowd, open ? &work->before : &work->after);
        }
        if (turn(work, wait < TURN_MS ? wait : TURN_MS) < 0) {
            return -1;
        }
    }
    work->publishing = false;
    return 0;
}

/* What is on its way still; and that nothing comes after that. */
static int drain(struct work *work)
{
    while (work->under_way > 0) {
        if (turn(work, TURN_MS) < 0) {
            return -1;
        }
    }
    return crowd_turn(&work->crowd, 20);
}

static void print(const struct work *work, int64_t memory, int64_t redis)
{
    const struct crowd_setup *setup = work->setup;
    double ns = (double)(work->after.at - work->before.at);
    double hosts = (double)(work->after.hosts - work->before.hosts);
    double of_redis = (double)(work->after.redis - work->before.redis);
    double own = (double)(work->after.own - work->before.own);
    double done = (double)work->done, count = (double)work->meter.count;

    printf("mode=publish conns=%d topics=%d subscribers=%d publishers=%d "
           "flight=%d payload=%zu ",
           setup->conns, setup->topics, work->subscribers, setup->publishers,
           setup->flight, setup->payload);
    meter_print(&work->meter);
    printf(" publishes_per_s=%.1f publish_us=%.2f host_publish_us=%.2f "
           "redis_publish_us=%.2f delivery_us=%.3f",
           done * 1e9 / ns, (hosts + of_redis) / done / 1e3, hosts / done / 1e3,
           of_redis / done / 1e3, (hosts + of_redis) / count / 1e3);
    printf(" server_busy=%.3f redis_busy=%.3f own_busy=%.3f memory=%lld "
           "redis_memory=%lld\n",
           (hosts + of_redis) / ns, of_redis / ns, own / ns, (long long)memory,
           (long long)redis);
}

static int run(struct work *work)
{
    const struct crowd_setup *setup = work->setup;
    int64_t memory = processes_resident(&setup->hosts);
    int64_t redis = processes_resident(&setup->redis);

    if (crowd_open(&work->crowd, setup, setup->publishers) < 0) {
        return -1;
    }
    for (int i = 0; i < setup->publishers; i++) {
        work->publishers[i].member = &work->crowd.members[setup->conns + i];
    }
    for (int i = 0; i < setup->conns; i++) {
        if (subscribe(work, &work->crowd.members[i]) < 0) {
            return -1;
        }
    }
    if (crowd_wait(&work->crowd) < 0 || crowd_rest(&work->crowd) < 0) {
        return -1;
    }
    memory = processes_resident(&setup->hosts) - memory;
    redis = processes_resident(&setup->redis) - redis;
    if (begin(work) < 0 || measure(work) < 0 || drain(work) < 0) {
        return -1;
    }
    print(work, memory, redis);
    return 0;
}

/* Each topic has the same number of subscribers. */
static bool fits(const struct crowd_setup *setup)
{
    const char *why =
        setup->each > setup->topics ||
                (long long)setup->conns * setup->each % setup->topics != 0
            ? "topics have to have as many subscribers each"
        : setup->publishers > PUBLISHERS_MAX ||
                setup->flight < setup->publishers
            ? "more publishers than messages on their way, or than 64"
        : setup->payload < AT_FILL || setup->payload > MEMBER_KEPT - 16
            ? "a payload has from 17 to 112 bytes"
            : NULL;

    if (why) {
        fprintf(stderr, "crowd: %s\n", why);
    }
    return !why;
}

int crowd_publish(const struct crowd_setup *setup)
{
    struct work *work = fits(setup) ? calloc(1, sizeof *work) : NULL;
    int status = -1;

    if (!work) {
        return -1;
    }
    work->setup = setup;
    work->crowd.on_text = on_text;
    work->crowd.arg = work;
    work->subscribers =
        (int)((long long)setup->conns * setup->each / setup->topics);
    memset(work->text, '.', setup->payload);
    work->text[0] = 'm';
    work->last = calloc((size_t)setup->conns * (size_t)setup->each *
                            (size_t)setup->publishers,
                        sizeof *work->last);
    bool enough = work->last;

    for (int i = 0; i < setup->publishers; i++) {
        work->publishers[i].slots =
            calloc(SLOTS, sizeof *work->publishers[i].slots);
        enough = enough && work->publishers[i].slots;
    }
    if (enough) {
        status = run(work);
    }
    crowd_close(&work->crowd);
    for (int i = 0; i < setup->publishers; i++) {
        free(work->publishers[i].slots);
    }
    free(work->last);
    free(work);
    return status;
}
