/* redis_lease.c - a host's number is its own: a key in Redis that says whose */
#include "bus/redis_lease.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A script, so that nothing comes in between. What is there already is only
 * prolonged: that takes no memory, of which there may be none left. */
static const char ask[] =
    "local v = redis.call('GET', KEYS[1])\n"
    "if v == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[3]) return v "
    "end\n"
    "if v == false or v == ARGV[2] then\n"
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) return ARGV[1] end\n"
    "return v";

/* This boot of this machine, and the container in it. */
static void find_machine(char out[64])
{
    char boot[40] = "?";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    struct stat info = { 0 };

    if (file) {
        if (!fgets(boot, sizeof boot, file)) {
            strcpy(boot, "?");
        }
        fclose(file);
    }
    boot[strcspn(boot, "\n")] = '\0';
    (void)stat("/proc/self/ns/pid", &info);
    snprintf(out, 64, "%s.%ju", boot, (uintmax_t)info.st_ino);
}

void redis_lease_mark(char mark[LEASE_MARK], uint64_t token, pid_t master)
{
    char host[65] = "?";
    char machine[64];
    size_t i;

    (void)gethostname(host, sizeof host - 1);
    for (i = 0; host[i]; i++) {
        if (host[i] <= ' ' || host[i] > '~') {
            host[i] = '_';
        }
    }
    find_machine(machine);
    snprintf(mark, LEASE_MARK, "%016" PRIx64 " %s %d %s", token,
             host[0] ? host : "?", (int)master, machine);
}

/* Its parts; false: it is no mark. */
static bool parse(const char *mark, char host[65], int *pid, char machine[64])
{
    return sscanf(mark, "%*16[0-9a-f] %64s %d %63s", host, pid, machine) == 3 &&
           *pid > 0;
}

bool redis_lease_is_dead(const char *other, const char *mark)
{
    char host[2][65], machine[2][64];
    int pid[2];

    return parse(other, host[0], &pid[0], machine[0]) &&
           parse(mark, host[1], &pid[1], machine[1]) &&
           strcmp(host[0], host[1]) == 0 &&
           strcmp(machine[0], machine[1]) == 0 && kill(pid[0], 0) < 0 &&
           errno == ESRCH;
}

void redis_lease_owner(const char *mark, char *out, size_t size)
{
    char host[65], machine[64];
    int pid;

    if (parse(mark, host, &pid, machine)) {
        snprintf(out, size, "%s, process %d", host, pid);
    } else {
        snprintf(out, size, "something that is no host of patchbay");
    }
}

int redis_lease_ask(struct redis_link *link, const char *key, const char *mark,
                    const char *instead, uint64_t ttl_ms, redis_answer *answer,
                    void *arg)
{
    char ttl[24];
    struct resp_arg args[7] = { RESP_TEXT("EVAL"), RESP_TEXT(ask),
                                RESP_TEXT("1"),    RESP_TEXT(key),
                                RESP_TEXT(mark),   RESP_TEXT(instead) };

    snprintf(ttl, sizeof ttl, "%" PRIu64, ttl_ms);
    args[6] = RESP_TEXT(ttl);
    return redis_link_command(link, args, 7, answer, arg, 0, NULL);
}
