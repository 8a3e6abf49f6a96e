/* processes.c - what the processes of a server use, all together */
#include "processes.h"

#include <stdlib.h>

#include "meter.h"

bool processes_read(struct processes *processes, const char *text)
{
    char *end = NULL;

    for (processes->count = 0; processes->count < PROCESSES_MAX; text++) {
        long pid = strtol(text, &end, 10);

        if (end == text || pid < 1 || pid > 1 << 22) {
            return false;
        }
        processes->pids[processes->count++] = (pid_t)pid;
        text = end;
        if (*text != ',') {
            return *text == 0;
        }
    }
    return false;
}

uint64_t processes_cpu(const struct processes *processes)
{
    uint64_t ns = 0;

    for (int i = 0; i < processes->count; i++) {
        ns += process_cpu(processes->pids[i]);
    }
    return ns;
}

int64_t processes_resident(const struct processes *processes)
{
    int64_t bytes = 0;

    for (int i = 0; i < processes->count; i++) {
        int64_t more = process_resident(processes->pids[i]);

        bytes += more > 0 ? more : 0;
    }
    return bytes;
}
