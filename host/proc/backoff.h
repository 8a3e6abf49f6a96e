/* backoff.h - how long to wait before something is tried again */
#ifndef PATCHBAY_PROC_BACKOFF_H
#define PATCHBAY_PROC_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   10000
#define BACKOFF_GOOD_MS  60000 /* what lived so long begins anew */

/* A zeroed struct is one that never failed. */
struct backoff {
    uint64_t delay_ms; /* before the next try */
    bool failed;
};

/* It failed after so long a life. The first time there is no delay, then it
 * doubles. */
static inline void backoff_next(struct backoff *backoff, uint64_t lived_ms)
{
    if (!backoff->failed || lived_ms >= BACKOFF_GOOD_MS) {
        backoff->delay_ms = 0;
    } else if (backoff->delay_ms == 0) {
        backoff->delay_ms = BACKOFF_FIRST_MS;
    } else {
        backoff->delay_ms *= 2;
        if (backoff->delay_ms > BACKOFF_MAX_MS) {
            backoff->delay_ms = BACKOFF_MAX_MS;
        }
    }
    backoff->failed = true;
}

#endif
