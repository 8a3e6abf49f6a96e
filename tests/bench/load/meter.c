/* meter.c - the measured time, and what the server and we used of it */
#include "meter.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t process_resident(pid_t pid)
{
    char path[64];
    long long pages = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    file = fopen(path, "re");
    if (!file) {
        return -1;
    }
    if (fscanf(file, "%*s %lld", &pages) != 1) {
        pages = -1;
    }
    fclose(file);
    return pages < 0 ? -1 : (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static uint64_t thread_cpu(pid_t pid, const char *thread)
{
    char path[sizeof "/proc//task//schedstat" + 300];
    uint64_t ns = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread);
    file = fopen(path, "re");
    if (!file) {
        return 0;
    }
    if (fscanf(file, "%" SCNu64, &ns) != 1) {
        ns = 0;
    }
    fclose(file);
    return ns;
}

uint64_t process_cpu(pid_t pid)
{
    char path[64];
    struct dirent *entry;
    uint64_t ns = 0;
    DIR *threads;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    threads = opendir(path);
    if (!threads) {
        return 0;
    }
    while ((entry = readdir(threads))) {
        if (entry->d_name[0] != '.') {
            ns += thread_cpu(pid, entry->d_name);
        }
    }
    closedir(threads);
    return ns;
}

void meter_init(struct meter *meter, double warm_up, double seconds,
                pid_t server)
{
    uint64_t now = now_ns();

    memset(meter, 0, sizeof *meter);
    meter->server = server;
    meter->opens = now + (uint64_t)(warm_up * 1e9);
    meter->closes = meter->opens + (uint64_t)(seconds * 1e9);
}

void meter_tick(struct meter *meter, uint64_t now)
{
    if (!meter->open && !meter->over && now >= meter->opens) {
        meter->open = true;
        meter->closes += now - meter->opens;
        meter->opens = now;
        meter->server_cpu = process_cpu(meter->server);
        meter->own_cpu = process_cpu(getpid());
    } else if (meter->open && now >= meter->closes) {
        meter->open = false;
        meter->over = true;
        meter->closes = now;
        meter->server_cpu = process_cpu(meter->server) - meter->server_cpu;
        meter->own_cpu = process_cpu(getpid()) - meter->own_cpu;
    }
}

int meter_wait(const struct meter *meter, uint64_t now)
{
    uint64_t next = meter->open ? meter->closes : meter->opens;

    return next > now ? (int)((next - now) / 1000000 + 1) : 0;
}

void meter_print(const struct meter *meter)
{
    double ns = (double)(meter->closes - meter->opens);

    printf("count=%" PRIu64 " seconds=%.3f per_s=%.0f", meter->count, ns / 1e9,
           (double)meter->count * 1e9 / ns);
    printf(" p50_us=%.1f p99_us=%.1f max_us=%.1f",
           (double)hist_quantile(&meter->delay, 0.50) / 1e3,
           (double)hist_quantile(&meter->delay, 0.99) / 1e3,
           (double)meter->delay.max / 1e3);
    if (meter->server && meter->count) {
        printf(" server_busy=%.3f server_us=%.3f",
               (double)meter->server_cpu / ns,
               (double)meter->server_cpu / 1e3 / (double)meter->count);
    }
    printf(" load_busy=%.3f", (double)meter->own_cpu / ns);
}
