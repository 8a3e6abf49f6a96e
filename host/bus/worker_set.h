/* worker_set.h - a set of workers, by their numbers */
#ifndef PATCHBAY_BUS_WORKER_SET_H
#define PATCHBAY_BUS_WORKER_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

#define WORKER_SET_WORDS ((CONF_MAX_PLACES + 63) / 64)

/* A zeroed struct is empty. Numbers are below CONF_MAX_PLACES. */
struct worker_set {
    uint64_t bits[WORKER_SET_WORDS];
};

static inline void worker_set_add(struct worker_set *set, unsigned worker)
{
    set->bits[worker / 64] |= (uint64_t)1 << worker % 64;
}

static inline void worker_set_remove(struct worker_set *set, unsigned worker)
{
    set->bits[worker / 64] &= ~((uint64_t)1 << worker % 64);
}

static inline bool worker_set_has(const struct worker_set *set, unsigned worker)
{
    return set->bits[worker / 64] >> worker % 64 & 1;
}

/* The lowest member that is not below `from`, or -1. The set may change while
 * one walks through it so. */
static inline int worker_set_next(const struct worker_set *set, unsigned from)
{
    unsigned word = from / 64;
    uint64_t bits;

    if (word >= WORKER_SET_WORDS) {
        return -1;
    }
    bits = set->bits[word] & ~(uint64_t)0 << from % 64;
    while (bits == 0) {
        if (++word == WORKER_SET_WORDS) {
            return -1;
        }
        bits = set->bits[word];
    }
    return (int)(word * 64) + __builtin_ctzll(bits);
}

static inline bool worker_set_empty(const struct worker_set *set)
{
    return worker_set_next(set, 0) < 0;
}

#endif
