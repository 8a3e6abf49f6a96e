/* timers.h - the timers plugins set: a heap by time, a hash by key */
#ifndef PATCHBAY_CORE_TIMERS_H
#define PATCHBAY_CORE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct instance;
struct timer;

/* More than that in one worker: BAY_EFULL. */
#define TIMERS_MAX (1u << 20)

/* A zeroed struct has no timers. */
struct timers {
    struct timer **heap;
    size_t count;
    size_t cap;
    uint64_t serial; /* of two timers for one time, the older goes first */
    struct timer *by_key;
};

/* Sets or moves the timer of that key: 0, BAY_ENOMEM or BAY_EFULL. */
int timers_set(struct timers *timers, struct instance *owner, uint64_t key,
               uint64_t at_ms);
/* 0 or BAY_ENOTFOUND. */
int timers_clear(struct timers *timers, struct instance *owner, uint64_t key);
void timers_clear_all(struct timers *timers, const struct instance *owner);

/* Takes off one that is due; NULL if there is none. */
struct instance *timers_take(struct timers *timers, uint64_t now_ms,
                             uint64_t *key);

/* When the next is due; UINT64_MAX: none is set. */
uint64_t timers_next_ms(const struct timers *timers);
void timers_finish(struct timers *timers);

#endif
