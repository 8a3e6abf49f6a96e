/* arrivals.c - how often an address may connect (connect_rate)
 *
 * Each worker accepts what the kernel gives it, so the buckets of the addresses
 * lie in memory that all workers share.
 */
#include "net/arrivals.h"

#include <inttypes.h>
#include <uv.h>

#include "base/log.h"
#include "core/addresses.h"
#include "net/headers.h"
#include "net/link.h"
#include "net/server-t.h"

#define US_PER_S UINT64_C(1000000)

static void tell(struct server *server, const char *remote)
{
    struct log_subject subject = { .remote = remote };
    uint64_t left_out = 0;
    enum log_level level =
        seldom_due(&server->too_often, uv_now(server->loop), &left_out)
            ? LOG_LEVEL_INFO
            : LOG_LEVEL_DEBUG;

    if (log_wants(level)) {
        log_about(level, &subject,
                  "limit connect_rate: the address connects too often; "
                  "%" PRIu64 " times more since this was last said",
                  left_out);
    }
}

static bool take(struct server *server, const char *remote)
{
    const struct conf *conf = server->conf;
    const struct addresses *connects = server->setup.connects;
    uint64_t burst =
        conf->connect_burst > 0 ? conf->connect_burst : conf->connect_rate;
    uint64_t cost = US_PER_S / conf->connect_rate;
    uint64_t key = address_key(connects->seed, remote, 0);

    if (key == 0 || address_take(connects, key, uv_now(server->loop) * 1000,
                                 cost, burst * cost)) {
        return true;
    }
    stat_add(&server->stats->connects_refused, 1);
    tell(server, remote);
    return false;
}

static bool is_limited(const struct server *server)
{
    return server->conf->connect_rate > 0 && server->setup.connects != NULL;
}

bool arrivals_accept(struct server *server, const struct sockaddr_storage *addr)
{
    const struct conf *conf = server->conf;
    char remote[64];

    if (!is_limited(server) || addr->ss_family == AF_UNIX ||
        conf_net_match(conf->proxies, conf->proxy_count,
                       (const struct sockaddr *)addr)) {
        return true;
    }
    headers_address(addr, remote, sizeof remote);
    return take(server, remote);
}

bool arrivals_forwarded(const struct link *link, const char *remote)
{
    return !is_limited(link->server) || !headers_proxied(link) ||
           take(link->server, remote);
}
