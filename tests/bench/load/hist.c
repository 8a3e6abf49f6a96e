/* hist.c - a histogram of times, exact to one part in 64 */
#include "hist.h"

#include <string.h>

void hist_clear(struct hist *hist)
{
    memset(hist, 0, sizeof *hist);
}

/* Octave 0 holds 0 to 127 ns in steps of two, octave n 64 << n to 128 << n. */
void hist_add(struct hist *hist, uint64_t ns, uint64_t times)
{
    int octave = 0;

    if (times == 0) {
        return;
    }
    if (ns >= 2 * HIST_STEPS) {
        octave = 63 - __builtin_clzll(ns) - 6;
        if (octave >= HIST_OCTAVES) {
            octave = HIST_OCTAVES - 1;
        }
        hist->bins[octave][(ns >> octave) & (HIST_STEPS - 1)] += times;
    } else {
        hist->bins[0][ns >> 1] += times;
    }
    hist->count += times;
    if (ns > hist->max) {
        hist->max = ns;
    }
}

uint64_t hist_quantile(const struct hist *hist, double part)
{
    uint64_t wanted = (uint64_t)((double)hist->count * part);
    uint64_t seen = 0;

    if (wanted >= hist->count) {
        return hist->max;
    }
    for (int octave = 0; octave < HIST_OCTAVES; octave++) {
        for (uint64_t step = 0; step < HIST_STEPS; step++) {
            seen += hist->bins[octave][step];
            if (seen > wanted) {
                return octave == 0 ? step * 2 : (HIST_STEPS + step) << octave;
            }
        }
    }
    return hist->max;
}
