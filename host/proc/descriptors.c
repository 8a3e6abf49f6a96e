/* descriptors.c - how many files a process may have open */
#include "proc/descriptors.h"

#include <sys/resource.h>

#include "base/log.h"

#define MARGIN    1024  /* plain HTTP, siblings, files, the plugins' own */
#define CHEAP     12288 /* for all routes together, without a second thought */
#define UNLIMITED 65536 /* what `connections = 0` stands for */

static size_t wanted_by(const struct conf_route *route)
{
    return route->limits.connections == 0 ? UNLIMITED
                                          : route->limits.connections;
}

static size_t largest(const struct conf *conf)
{
    size_t most = 0;

    for (size_t i = 0; i < conf->route_count; i++) {
        size_t wanted = wanted_by(&conf->routes[i]);

        most = wanted > most ? wanted : most;
    }
    return most;
}

/* The kernel spreads clients by a hash: no worker gets twice its share, unless
 * they are few. */
static size_t share_of(const struct conf *conf, size_t connections)
{
    return conf->workers > 2 ? connections / conf->workers * 2 : connections;
}

size_t descriptors_of_worker(const struct conf *conf)
{
    size_t most = share_of(conf, largest(conf));
    size_t sum = 0;

    for (size_t i = 0; i < conf->route_count; i++) {
        sum += wanted_by(&conf->routes[i]);
    }
    sum = share_of(conf, sum);
    if (sum > CHEAP) {
        sum = most > CHEAP ? most : CHEAP;
    }
    return sum + MARGIN;
}

size_t descriptors_at_least(const struct conf *conf)
{
    return share_of(conf, largest(conf));
}

bool descriptors_suffice(size_t count, const struct conf *conf)
{
    return descriptors_at_least(conf) + MARGIN <= count;
}

size_t descriptors_of_master(const struct conf *conf)
{
    /* A worker's listeners, its place on the bus and its channel. */
    return conf_places(conf) * (conf->listen_count + 3) + MARGIN;
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

void descriptors_prepare(const struct conf *conf)
{
    size_t wanted = descriptors_of_worker(conf);
    size_t master = descriptors_of_master(conf);
    size_t got = descriptors_limit(wanted > master ? wanted : master);

    if (got < descriptors_at_least(conf)) {
        log_warn("this system allows %zu open files to a process, so a worker "
                 "holds fewer connections than [limits] allows, which takes "
                 "%zu: raise it with ulimit -n, or LimitNOFILE in systemd",
                 got, wanted);
    }
    descriptors_limit(master);
}
