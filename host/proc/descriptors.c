/* descriptors.c - how many files a process may have open */
#include "proc/descriptors.h"

#include <sys/resource.h>

#define MARGIN 1024  /* plain HTTP, siblings, files, the plugins' own */
#define CAP    65536 /* unless a single route asks for more */

size_t descriptors_of_worker(const struct conf *conf)
{
    size_t sum = 0, largest = 0, share, cap;

    for (size_t i = 0; i < conf->route_count; i++) {
        size_t wanted = conf->routes[i].limits.connections;

        sum += wanted == 0 ? CAP : wanted;
        largest = wanted > largest ? wanted : largest;
    }
    /* The kernel spreads clients by a hash: no worker gets twice its share,
     * unless they are few. */
    share = conf->workers > 2 ? sum / conf->workers * 2 : sum;
    cap = largest > CAP ? largest : CAP;
    return (share < cap ? share : cap) + MARGIN;
}

size_t descriptors_of_master(const struct conf *conf)
{
    /* A worker's listeners, its place on the bus and its channel. */
    return conf->workers * (conf->listen_count + 3) + MARGIN;
}

size_t descriptors_limit(size_t count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return count;
    }
    if (count > limit.rlim_max) {
        struct rlimit higher = { .rlim_cur = count, .rlim_max = count };

        if (setrlimit(RLIMIT_NOFILE, &higher) == 0) {
            return count;
        }
        count = limit.rlim_max;
    }
    limit.rlim_cur = count;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return count;
}
