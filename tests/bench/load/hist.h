/* hist.h - a histogram of times, exact to one part in 64 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

enum { HIST_STEPS = 64, HIST_OCTAVES = 36 }; /* up to an hour, in ns */

struct hist {
    uint64_t count;
    uint64_t max;
    uint64_t bins[HIST_OCTAVES][HIST_STEPS];
};

void hist_clear(struct hist *hist);
void hist_add(struct hist *hist, uint64_t ns, uint64_t times);

/* The time that this part of the entries, 0 to 1, did not exceed; 0 if there
 * are none. */
uint64_t hist_quantile(const struct hist *hist, double part);

#endif
