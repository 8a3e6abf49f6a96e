/* timers.c - the timers plugins set: a heap by time, a hash by key */
#include "core/timers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <patchbay.h>

#include "core/hash.h"

struct timer_key {
    struct instance *owner;
    uint64_t key;
};

struct timer {
    struct timer_key id;
    uint64_t at_ms;
    uint64_t serial;
    size_t place; /* in the heap */
    UT_hash_handle hh;
};

static bool before(const struct timer *a, const struct timer *b)
{
    return a->at_ms < b->at_ms ||
           (a->at_ms == b->at_ms && a->serial < b->serial);
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void sift(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;

    while (place > 0 && before(timer, timers->heap[(place - 1) / 2])) {
        put(timers, place, timers->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;

        if (child + 1 < timers->count &&
            before(timers->heap[child + 1], timers->heap[child])) {
            child++;
        }
        if (child >= timers->count || !before(timers->heap[child], timer)) {
            break;
        }
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

static void drop(struct timers *timers, struct timer *timer)
{
    struct timer *last = timers->heap[--timers->count];

    if (last != timer) {
        put(timers, timer->place, last);
        sift(timers, last);
    }
    HASH_DEL(timers->by_key, timer);
    free(timer);
}

static struct timer *find(const struct timers *timers, struct instance *owner,
                          uint64_t key)
{
    struct timer_key id;
    struct timer *timer;

    memset(&id, 0, sizeof id);
    id.owner = owner;
    id.key = key;
    HASH_FIND(hh, timers->by_key, &id, sizeof id, timer);
    return timer;
}

static struct timer *add(struct timers *timers, struct instance *owner,
                         uint64_t key)
{
    struct timer *timer;

    if (timers->count == timers->cap) {
        size_t cap = timers->cap > 0 ? 2 * timers->cap : 64;
        struct timer **heap = realloc(timers->heap, cap * sizeof(*heap));

        if (heap == NULL) {
            return NULL;
        }
        timers->heap = heap;
        timers->cap = cap;
    }
    timer = calloc(1, sizeof *timer);
    if (timer == NULL) {
        return NULL;
    }
    timer->id.owner = owner;
    timer->id.key = key;
    HASH_ADD(hh, timers->by_key, id, sizeof timer->id, timer);
    if (timer->hh.tbl == NULL) {
        free(timer);
        return NULL;
    }
    put(timers, timers->count++, timer);
    return timer;
}

int timers_set(struct timers *timers, struct instance *owner, uint64_t key,
               uint64_t at_ms)
{
    struct timer *timer = find(timers, owner, key);

    if (timer == NULL) {
        if (timers->count >= TIMERS_MAX) {
            return BAY_EFULL;
        }
        timer = add(timers, owner, key);
        if (timer == NULL) {
            return BAY_ENOMEM;
        }
    }
    timer->at_ms = at_ms;
    timer->serial = timers->serial++;
    sift(timers, timer);
    return BAY_OK;
}

int timers_clear(struct timers *timers, struct instance *owner, uint64_t key)
{
    struct timer *timer = find(timers, owner, key);

    if (timer == NULL) {
        return BAY_ENOTFOUND;
    }
    drop(timers, timer);
    return BAY_OK;
}

void timers_clear_all(struct timers *timers, const struct instance *owner)
{
    struct timer *timer, *next;

    HASH_ITER(hh, timers->by_key, timer, next)
    {
        if (timer->id.owner == owner) {
            drop(timers, timer);
        }
    }
}

struct instance *timers_take(struct timers *timers, uint64_t now_ms,
                             uint64_t *key)
{
    struct timer *timer;
    struct instance *owner;

    if (timers->count == 0 || timers->heap[0]->at_ms > now_ms) {
        return NULL;
    }
    timer = timers->heap[0];
    owner = timer->id.owner;
    *key = timer->id.key;
    drop(timers, timer);
    return owner;
}

uint64_t timers_next_ms(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0]->at_ms : UINT64_MAX;
}

void timers_finish(struct timers *timers)
{
    while (timers->count > 0) {
        drop(timers, timers->heap[0]);
    }
    free(timers->heap);
    *timers = (struct timers){ 0 };
}
