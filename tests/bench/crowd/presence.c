/*
 * presence.c - many members of one topic: joining, changing, leaving, the list
 *
 * First all clients join, until each worker knows of all of them; then some
 * leave and join again, all the time; then one asks for the list, again and
 * again; then all leave.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "meter.h"

#define TOPIC "room"

enum { ASKED = 64, PAUSE_MS = 20, KNOW_S = 20, DATA = 200 };

struct act {
    uint64_t count;
    struct crowd_cost before, after;
};

struct work {
    const struct crowd_setup *setup;
    struct crowd crowd;
    enum { STEADY, CHURN, COUNT, LIST } phase;
    bool open;        /* CHURN, LIST: one more for each that is answered */
    int next;         /* client */
    int short_of_all; /* COUNT: who does not know of all */
    uint64_t asked_at, list_bytes;
    uint64_t *at; /* CHURN: when each client asked */
    bool *out;    /* and whether it has left */
    struct hist delay, list_delay;
    struct act join, change, list, leave;
    char info[DATA];
};

static int join(struct work *work, struct member *member)
{
    char data[DATA + 32];

    snprintf(data, sizeof data, "member-%05d %s", member->number, work->info);
    return crowd_ask(&work->crowd, member, 'j', TOPIC, data);
}

static int change(struct work *work)
{
    struct member *member;

    do { /* there are more of them than commands on their way */
        member = &work->crowd.members[work->next];
        work->next = (work->next + 1) % work->setup->conns;
    } while (member->asks > 0);
    work->out[member->number] = true;
    work->at[member->number] = now_ns();
    return crowd_ask(&work->crowd, member, 'l', TOPIC, NULL);
}

static int ask_list(struct work *work)
{
    work->asked_at = now_ns();
    return crowd_ask(&work->crowd, &work->crowd.members[0], 'w', TOPIC, NULL);
}

static int on_changed(struct work *work, struct member *member)
{
    uint64_t now = now_ns();

    hist_add(&work->delay, now - work->at[member->number], work->open);
    work->change.count += work->open;
    if (work->out[member->number]) {
        work->out[member->number] = false;
        work->at[member->number] = now;
        return join(work, member);
    }
    return work->open ? change(work) : 0;
}

static int on_text(void *arg, struct member *member, const char *text,
                   size_t kept, uint64_t len)
{
    struct work *work = arg;

    if (kept == 0 || *text != 'a') {
        fprintf(stderr, "crowd: client %d: %.*s\n", member->number, (int)kept,
                text);
        return -1;
    }
    if (crowd_answered(&work->crowd, member) < 0) {
        return -1;
    }
    switch (work->phase) {
    case STEADY: return 0;
    case CHURN: return on_changed(work, member);
    case COUNT: {
        char number[MEMBER_KEPT] = "";

        memcpy(number, text + 1, kept - 1);
        work->short_of_all += atoi(number) != work->setup->conns;
        return 0;
    }
    case LIST:
        hist_add(&work->list_delay, now_ns() - work->asked_at, work->open);
        work->list_bytes = len;
        work->list.count += work->open;
        return work->open ? ask_list(work) : 0;
    }
    return -1;
}

/* So many clients, of all hosts, that each worker has one of them but for a
 * chance of nothing. */
static int count(struct work *work)
{
    int step = work->setup->conns > ASKED ? work->setup->conns / ASKED : 1;

    work->phase = COUNT;
    work->short_of_all = 0;
    for (int i = 0; i < work->setup->conns; i += step + step % 2) {
        for (int j = i; j < i + 2 && j < work->setup->conns; j++) {
            if (crowd_ask(&work->crowd, &work->crowd.members[j], 'n', TOPIC,
                          NULL) < 0) {
                return -1;
            }
        }
    }
    if (crowd_wait(&work->crowd) < 0) {
        return -1;
    }
    work->phase = STEADY;
    return 0;
}

static int until_all_know(struct work *work)
{
    uint64_t limit = now_ns() + KNOW_S * NS_PER_S;

    do {
        uint64_t until = now_ns() + PAUSE_MS * (NS_PER_S / 1000);

        while (now_ns() < until) {
            if (crowd_turn(&work->crowd, PAUSE_MS) < 0) {
                return -1;
            }
        }
        if (count(work) < 0) {
            return -1;
        }
        if (now_ns() > limit) {
            fprintf(stderr, "crowd: %d clients do not see all others\n",
                    work->short_of_all);
            return -1;
        }
    } while (work->short_of_all > 0);
    return 0;
}

/* All of them: join or leave. */
static int everybody(struct work *work, struct act *act, bool in)
{
    struct crowd *crowd = &work->crowd;

    crowd_look(crowd, &act->before);
    for (int i = 0; i < work->setup->conns; i++) {
        struct member *member = &crowd->members[i];

        if ((in ? join(work, member)
                : crowd_ask(crowd, member, 'l', TOPIC, NULL)) < 0 ||
            crowd_turn(crowd, 0) < 0) {
            return -1;
        }
        act->count++;
        while (crowd->asks >= (unsigned long long)work->setup->flight) {
            if (crowd_turn(crowd, 100) < 0) {
                return -1;
            }
        }
    }
    if (crowd_wait(crowd) < 0 || crowd_rest(crowd) < 0) {
        return -1;
    }
    crowd_look(crowd, &act->after);
    return 0;
}

/* For the given time; what it costs includes what comes of it later. */
static int go_on(struct work *work, struct act *act, double seconds)
{
    uint64_t until;

    if (crowd_rest(&work->crowd) < 0) {
        return -1;
    }
    crowd_look(&work->crowd, &act->before);
    work->open = true;
    for (int i = 0; i < (work->phase == LIST ? 1 : work->setup->flight); i++) {
        if ((work->phase == LIST ? ask_list(work) : change(work)) < 0) {
            return -1;
        }
    }
    until = now_ns() + (uint64_t)(seconds * 1e9);
    while (now_ns() < until) {
        if (crowd_turn(&work->crowd, 10) < 0) {
            return -1;
        }
    }
    work->open = false;
    if (crowd_wait(&work->crowd) < 0 || crowd_rest(&work->crowd) < 0) {
        return -1;
    }
    crowd_look(&work->crowd, &act->after);
    work->phase = STEADY;
    return 0;
}

static double cost_us(const struct act *act, bool redis)
{
    const struct crowd_cost *a = &act->before, *b = &act->after;
    uint64_t ns = redis ? b->redis - a->redis : b->hosts - a->hosts;

    return act->count ? (double)ns / 1e3 / (double)act->count : 0;
}

static void print_act(const char *name, const struct act *act)
{
    printf(" %s=%llu %s_us=%.2f %s_redis_us=%.2f", name,
           (unsigned long long)act->count, name, cost_us(act, false), name,
           cost_us(act, true));
}

static int run(struct work *work)
{
    const struct crowd_setup *setup = work->setup;
    bool counts = !setup->socketio; /* which knows of its own only */
    int64_t memory, joined;

    if (crowd_open(&work->crowd, setup, 0) < 0 ||
        crowd_rest(&work->crowd) < 0) {
        return -1;
    }
    memory = processes_resident(&setup->hosts);
    if (everybody(work, &work->join, true) < 0) {
        return -1;
    }
    if (counts) {
        if (until_all_know(work) < 0 || crowd_rest(&work->crowd) < 0) {
            return -1;
        }
    }
    joined = processes_resident(&setup->hosts);
    work->phase = CHURN;
    if (go_on(work, &work->change, setup->seconds) < 0 ||
        (counts && until_all_know(work) < 0)) {
        return -1;
    }
    work->phase = LIST;
    if (go_on(work, &work->list, setup->seconds) < 0 ||
        everybody(work, &work->leave, false) < 0) {
        return -1;
    }
    printf("mode=presence conns=%d flight=%d info=%zu", setup->conns,
           setup->flight, setup->payload);
    print_act("join", &work->join);
    print_act("change", &work->change);
    print_act("list", &work->list);
    print_act("leave", &work->leave);
    printf(" change_p50_us=%.1f change_p99_us=%.1f list_p50_us=%.1f "
           "list_p99_us=%.1f list_bytes=%llu memory=%lld per_member=%.0f\n",
           (double)hist_quantile(&work->delay, 0.5) / 1e3,
           (double)hist_quantile(&work->delay, 0.99) / 1e3,
           (double)hist_quantile(&work->list_delay, 0.5) / 1e3,
           (double)hist_quantile(&work->list_delay, 0.99) / 1e3,
           (unsigned long long)work->list_bytes, (long long)(joined - memory),
           (double)(joined - memory) / setup->conns);
    return 0;
}

int crowd_presence(const struct crowd_setup *setup)
{
    struct work *work = calloc(1, sizeof *work);
    int status = -1;

    if (!work || setup->payload >= sizeof work->info ||
        setup->flight >= setup->conns) {
        fputs(
            "crowd: more bytes than a member may have, or as many commands as "
            "clients\n",
            stderr);
        free(work);
        return -1;
    }
    work->setup = setup;
    work->crowd.on_text = on_text;
    work->crowd.arg = work;
    work->crowd.epoll = -1;
    work->at = calloc((size_t)setup->conns, sizeof *work->at);
    work->out = calloc((size_t)setup->conns, sizeof *work->out);
    memset(work->info, 'i', setup->payload);
    if (work->at && work->out) {
        status = run(work);
    }
    crowd_close(&work->crowd);
    free(work->at);
    free(work->out);
    free(work);
    return status;
}
