/* processes.h - what the processes of a server use, all together */
#ifndef BENCH_PROCESSES_H
#define BENCH_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESSES_MAX = 64 };

struct processes {
    pid_t pids[PROCESSES_MAX];
    int count;
};

/* "12,34"; false: that is no list of processes, or a longer one. */
bool processes_read(struct processes *processes, const char *text);

/* Nanoseconds they have run, the kernel's work for them included. */
uint64_t processes_cpu(const struct processes *processes);

/* Resident bytes, what they share counted for each of them. */
int64_t processes_resident(const struct processes *processes);

#endif
