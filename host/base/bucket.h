/* bucket.h - how often something may happen: a token bucket in one number
 *
 * Kept is when the bucket will be full again. Before that it lacks what was
 * taken; nothing has to be filled in between, and a number that lies in the
 * past is a full bucket. Whoever takes and whoever asks use the same unit of
 * time.
 */
#ifndef PATCHBAY_BASE_BUCKET_H
#define PATCHBAY_BASE_BUCKET_H

#include <stdint.h>

/* Takes what it takes so long to fill in. Returns how long the bucket now needs
 * to be full: more than it holds means that there was not enough. */
static inline uint64_t bucket_take(uint64_t *full_at, uint64_t now,
                                   uint64_t cost)
{
    *full_at = (*full_at > now ? *full_at : now) + cost;
    return *full_at - now;
}

#endif
