/* clock.h - the two clocks: one that never goes back, and the time of day */
#ifndef PATCHBAY_BASE_CLOCK_H
#define PATCHBAY_BASE_CLOCK_H

#include <stdint.h>

/* Never goes back. coarse: as of the last kernel tick (1 to 4 ms), but a few
 * nanoseconds cheap: for the hot path. */
uint64_t clock_now_ms(void);
uint64_t clock_now_ns(void);
uint64_t clock_coarse_ms(void);

/* Milliseconds since 1970, for people. */
uint64_t clock_wall_ms(void);

#endif
