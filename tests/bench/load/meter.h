/* meter.h - the measured time, and what the server and we used of it */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hist.h"

#define NS_PER_S UINT64_C(1000000000)

uint64_t now_ns(void);

/* Resident bytes of a process; -1 if it is not there. */
int64_t process_resident(pid_t pid);

/* Nanoseconds its threads have run, children not counted; 0 if unknown. */
uint64_t process_cpu(pid_t pid);

/* Warm-up, then the measured window, then no new work. */
struct meter {
    uint64_t opens, closes; /* the window */
    bool open, over;
    pid_t server; /* 0: none given */
    uint64_t server_cpu, own_cpu;
    uint64_t count; /* finished within the window */
    struct hist delay;
};

void meter_init(struct meter *meter, double warm_up, double seconds,
                pid_t server);

/* To be called once per turn of the loop. */
void meter_tick(struct meter *meter, uint64_t now);

/* times results, each of which took this long. */
static inline void meter_add(struct meter *meter, uint64_t delay,
                             uint64_t times)
{
    if (meter->open) {
        meter->count += times;
        hist_add(&meter->delay, delay, times);
    }
}

/* Milliseconds to the next change, for epoll_wait. */
int meter_wait(const struct meter *meter, uint64_t now);

/* The figures, as key=value, without a line's end. */
void meter_print(const struct meter *meter);

#endif
