/* spread.h - how long it takes to tell many connections to go */
#ifndef PATCHBAY_CORE_SPREAD_H
#define PATCHBAY_CORE_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#define SPREAD_FEW    200u
#define SPREAD_PER_MS 5u

/* A few leave at once; many are spread, so that they do not all come back in
 * the same moment; within a quarter of what there is time for. */
static inline uint64_t spread_ms(size_t connections, uint64_t limit_ms)
{
    uint64_t spread =
        connections > SPREAD_FEW ? connections / SPREAD_PER_MS : 0;

    return spread < limit_ms / 4 ? spread : limit_ms / 4;
}

#endif
