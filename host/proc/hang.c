/* hang.c - does a worker still get on with it? asked again and again */
#include "proc/hang.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define PERIOD_MIN_MS 25
#define PERIOD_MAX_MS 1000
#define BEAT_MS       2000  /* one a second is due; and a turn of the loop */
#define BEGIN_MS      60000 /* for a start hook, while nobody is served */

uint64_t hang_elapsed(uint64_t last_ms, uint64_t now_ms, uint64_t due_ms)
{
    uint64_t elapsed = now_ms > last_ms ? now_ms - last_ms : 0;

    return elapsed < 2 * due_ms ? elapsed : 2 * due_ms;
}

static uint64_t shorter(uint64_t a, uint64_t b)
{
    return b != 0 && (a == 0 || b < a) ? b : a;
}

uint64_t hang_period_ms(const struct conf *conf)
{
    uint64_t least = conf->limits.hook_timeout_ms;
    uint64_t period;

    for (size_t i = 0; i < conf->route_count; i++) {
        least = shorter(least, conf->routes[i].limits.hook_timeout_ms);
    }
    period = least / 4;
    period = period < PERIOD_MIN_MS ? PERIOD_MIN_MS : period;
    return least == 0 ? 0 : period < PERIOD_MAX_MS ? period : PERIOD_MAX_MS;
}

static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    ssize_t len = 0;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, text, size - 1);
        close(fd);
    }
    text[len > 0 ? len : 0] = 0;
}

/* The third word of /proc/PID/stat, behind the name in parentheses. */
static bool is_stopped(pid_t pid)
{
    char text[512];
    const char *end;

    read_proc(pid, "stat", text, sizeof text);
    end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
}

/* In a line of /proc/PID/status like "SigBlk:\t0000000000000020". */
static bool has_signal(const char *text, const char *line, int number)
{
    const char *at = strstr(text, line);

    return at != NULL &&
           (strtoull(at + strlen(line), NULL, 16) >> (number - 1) & 1) != 0;
}

const char *hang_deaf(pid_t pid, int number)
{
    char text[4096];

    read_proc(pid, "status", text, sizeof text);
    return has_signal(text, "\nSigBlk:", number)   ? "is blocked in it"
           : has_signal(text, "\nSigIgn:", number) ? "is ignored by it"
                                                   : "does not reach it";
}

/* The limit of the route whose hook runs. */
static uint64_t limit_of(const struct conf *conf, uint32_t route)
{
    for (size_t i = 0; i < conf->route_count; i++) {
        if (conf->routes[i].slot == route) {
            return conf->routes[i].limits.hook_timeout_ms;
        }
    }
    return conf->limits.hook_timeout_ms;
}

/* What a start hook loads may take its time as long as no client waits for the
 * worker. In a reload one does, and what is to come says how long it may. */
static uint64_t limit_of_start(const struct hang_rule *rule, uint32_t route)
{
    const struct conf *conf = rule->next != NULL ? rule->next : rule->conf;
    uint64_t limit = limit_of(conf, route);

    return limit != 0 && !rule->beats && limit < BEGIN_MS ? BEGIN_MS : limit;
}

/* mark: what it does now. Returns for how long, as far as it was seen. */
static uint64_t see(struct hang *hang, uint64_t mark, uint64_t since_ms,
                    uint64_t elapsed_ms)
{
    uint64_t now = clock_coarse_ms();
    uint64_t age = now > since_ms ? now - since_ms : 0;

    if (hang->mark != mark) {
        hang->mark = mark;
        hang->for_ms = age < elapsed_ms ? age : elapsed_ms;
    } else {
        hang->for_ms += elapsed_ms;
    }
    return hang->for_ms;
}

bool hang_look(struct hang *hang, const struct worker_stats *stats,
               const struct hang_rule *rule, pid_t pid, uint64_t elapsed_ms,
               char *why, size_t why_size)
{
    uint32_t hook = atomic_load(&stats->now.hook);
    uint32_t route = atomic_load(&stats->now.route);
    uint64_t since, limit;
    const char *name = hook_name((enum hook)hook);

    if (hook != HOOK_NONE) {
        limit = hook == HOOK_START ? limit_of_start(rule, route)
                                   : limit_of(rule->conf, route);
        since = stat_get(&stats->now.since_ms);
    } else if (rule->beats) {
        limit = rule->conf->limits.hook_timeout_ms;
        limit = limit != 0 && limit < BEAT_MS ? BEAT_MS : limit;
        since = stat_get(&stats->heartbeat_ms);
    } else {
        *hang = (struct hang){ 0 };
        return false;
    }
    /* Hooks and heartbeats that begin in one millisecond are told apart. */
    if (see(hang, since * 2 + (hook != HOOK_NONE), since, elapsed_ms) <=
            limit ||
        limit == 0) {
        return false;
    }
    if (is_stopped(pid)) {
        hang->for_ms = 0;
        return false;
    }
    if (hook != HOOK_NONE) {
        snprintf(why, why_size,
                 "the %s hook has not returned for %" PRIu64
                 " ms (%s is %" PRIu64 " ms)",
                 name != NULL ? name : "unknown", hang->for_ms,
                 hook == HOOK_START && !rule->beats && limit == BEGIN_MS
                     ? "the limit before a worker serves"
                     : "hook_timeout",
                 limit);
    } else {
        snprintf(why, why_size,
                 "no hook runs, but it has not come back to its loop for "
                 "%" PRIu64 " ms",
                 hang->for_ms);
    }
    return true;
}
