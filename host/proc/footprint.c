/* footprint.c - how much memory this process has */
#include "proc/footprint.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* "1234 567 ...": pages of the address space, and of them those in memory. The
 * worker looks at itself: a master of another user may not be allowed to. */
void footprint_keep(stat_value *resident)
{
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    uint64_t size, pages;
    char text[128];
    ssize_t got;

    if (fd < 0) {
        return;
    }
    got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0) {
        return;
    }
    text[got] = 0;
    if (sscanf(text, "%" SCNu64 " %" SCNu64, &size, &pages) == 2) {
        stat_set(resident, pages * (uint64_t)sysconf(_SC_PAGESIZE));
    }
}
