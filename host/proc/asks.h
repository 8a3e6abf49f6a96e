/* asks.h - questions the master has put to workers, and waits for in no hurry
 *
 * A worker that hangs must not hang the master, so each question has a limit:
 * what came until then is the answer.
 */
#ifndef PATCHBAY_PROC_ASKS_H
#define PATCHBAY_PROC_ASKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/crew.h"
#include "proc/poller.h"

#define ASKS_MAX      16
#define ASKS_KEPT     2 /* beside them, for what is vital */
#define ASKS_LIMIT_MS 2000

struct ask {
    json_int_t id; /* 0: free */
    uint64_t ticket;
    struct asks *asks;
    unsigned left; /* workers that have not answered */
    bool waits[CONF_MAX_PLACES];
    json_t *answers; /* an array of what they said */
    json_t *missing; /* an array of the numbers of those that did not */
    void (*done)(void *arg, const struct ask *ask);
    void *arg;
    int64_t limit;        /* for who asks */
    uint64_t patience_ms; /* 0: ASKS_LIMIT_MS */
    bool vital;           /* has to be asked: one of a reload, which puts its
                           * second while its first is told of */
    struct alarm_clock alarm;
};

struct asks {
    struct poller *poller;
    struct crew *crew;
    json_int_t last_id;
    struct ask list[ASKS_MAX + ASKS_KEPT]; /* the last: vital ones */
};

void asks_init(struct asks *asks, struct poller *poller);

/*
 * Sends order, which it takes, to the workers from first to last (one that is
 * vital, to none that leaves), and calls done, perhaps at once, when all have
 * answered, died or were too slow. The rest of *ask is for done to look at.
 * False if there are too many questions already, or no memory.
 */
bool asks_put(struct asks *asks, unsigned first, unsigned last, json_t *order,
              const struct ask *ask);

void asks_answered(struct asks *asks, unsigned worker, json_int_t id,
                   const json_t *answer);
void asks_died(struct asks *asks, unsigned worker);
void asks_finish(struct asks *asks);

#endif
