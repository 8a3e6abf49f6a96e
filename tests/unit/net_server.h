/* net_server.h - the real net on loopback, served by the thread that tests it
 *
 * A server and a core on a loop of their own, which turns whenever a test waits
 * for something: net_until does, with a deadline. The plugin is that of
 * core_script.h. A test changes net.conf before net_start, and the limits of a
 * route before anyone connects.
 */
#ifndef PATCHBAY_TESTS_NET_SERVER_H
#define PATCHBAY_TESTS_NET_SERVER_H

#include "core_script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <uv.h>

#include "base/clock.h"
#include "caught_log.h"
#include "net/server-t.h"
#include "net/server.h"
#include "patience.h"

#define NET_DEADLINE_MS patience(10000)
#define NET_LISTEN_MAX  4

/* Few: libwebsockets looks at each possible descriptor with each close. */
#define NET_DESCRIPTORS 256

struct net {
    uv_loop_t loop;
    struct conf conf;
    struct conf_route routes[4];
    unsigned route_count;
    struct worker_stats *stats;
    struct server *server;
    struct core *core;
    int listen_fds[NET_LISTEN_MAX];
    bool listen_tls[NET_LISTEN_MAX];
    size_t listen_count;
};

static struct net net;

/* ---- the server -------------------------------------------------------- */

static inline void net_turn(void)
{
    struct pollfd ask = { .fd = uv_backend_fd(&net.loop), .events = POLLIN };

    uv_run(&net.loop, UV_RUN_NOWAIT);
    poll(&ask, 1, 1);
}

static inline void net_give_up(const char *condition)
{
    fprintf(stderr, "%s", caught_log());
    fail_msg("waited in vain for: %s", condition);
}

#define net_until(condition)                                  \
    do {                                                      \
        uint64_t until_ms = clock_now_ms() + NET_DEADLINE_MS; \
                                                              \
        while (!(condition)) {                                \
            if (clock_now_ms() > until_ms) {                  \
                net_give_up(#condition);                      \
            }                                                 \
            net_turn();                                       \
        }                                                     \
    } while (0)

/* Serves for a while: to see that nothing happens. */
static inline void net_serve_ms(uint64_t ms)
{
    uint64_t end = clock_now_ms() + ms;

    while (clock_now_ms() < end) {
        net_turn();
    }
}

static inline int net_health(void *arg, struct buf *buf)
{
    (void)arg;
    buf_adds(buf, "{\"status\":\"ok\"}");
    return 200;
}

static inline void net_metrics(void *arg, struct buf *buf)
{
    (void)arg;
    buf_adds(buf, "patchbay_up 1\n");
}

/* Adds a bound socket to those the server accepts on. */
static inline void net_listen_on(int fd, bool tls)
{
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 128), 0);
    net.listen_fds[net.listen_count] = fd;
    net.listen_tls[net.listen_count++] = tls;
}

static inline void net_listen(bool tls)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    net_listen_on(fd, tls);
}

static inline struct server *net_create_server(void)
{
    struct server_setup setup = { .loop = &net.loop,
                                  .conf = &net.conf,
                                  .stats = net.stats,
                                  .listen_fds = net.listen_fds,
                                  .listen_tls = net.listen_tls,
                                  .listen_count = net.listen_count,
                                  .health = net_health,
                                  .metrics = net_metrics };

    return server_create(&setup);
}

/* Begins to accept; listens on a port of its own if the test has not. */
static inline void net_start(void)
{
    struct core_setup setup = { .transport = server_transport(),
                                .stats = net.stats,
                                .workers = 1 };

    if (net.listen_count == 0) {
        net_listen(false);
    }
    net.server = net_create_server();
    assert_non_null(net.server);
    setup.transport_self = net.server;
    net.core = core_create(&setup);
    assert_non_null(net.core);
    server_set_core(net.server, net.core);
    server_start(net.server);
}

static inline struct conf_route *net_route(const char *path,
                                           const bay_plugin *plugin)
{
    static char names[4][8] = { "one", "two", "three", "four" };
    struct conf_route *route = &net.routes[net.route_count];
    char why[256];

    route->name = names[net.route_count];
    route->path = (char *)(uintptr_t)path;
    route->path_len = strlen(path);
    route->prefix = path[route->path_len - 1] == '*';
    route->path_len -= route->prefix;
    route->plugin = (char *)(uintptr_t)plugin->name;
    route->limits = net.conf.limits;
    route->slot = net.route_count;
    assert_int_equal(
        core_add_route(net.core,
                       &(struct core_route){ .conf = route, .plugin = plugin },
                       why, sizeof why),
        0);
    net.route_count++;
    return route;
}

/* The usual: one route, with the plugin of core_script.h. */
static inline struct conf_route *net_start_route(const char *path)
{
    net_start();
    return net_route(path, &script_plugin);
}

static inline struct route_stats *net_stats(void)
{
    return &net.stats->routes[0];
}

static inline int net_setup(void **state)
{
    struct rlimit limit;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = NET_DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
    memset(&script, 0, sizeof script);
    memset(&net, 0, sizeof net);
    uv_loop_init(&net.loop);
    net.stats = calloc(1, sizeof *net.stats + 4 * sizeof(struct route_stats));
    net.conf.limits.max_message = 1 << 20;
    net.conf.limits.fragments = 1024;
    net.conf.limits.over_rate = CONF_RATE_WAIT;
    net.conf.limits.send_queue = 1 << 20;
    net.conf.limits.slow_peer = CONF_SLOW_CLOSE;
    net.conf.limits.slow_hook_ms = 10000;
    net.conf.limits.handshake_ms = 5000;
    return caught_log_begin();
}

static inline void net_finish(void)
{
    if (net.server != NULL) {
        server_close(net.server);
        core_destroy(net.core);
        server_destroy(net.server);
        net.server = NULL;
    }
}

static inline int net_teardown(void **state)
{
    (void)state;
    net_finish();
    caught_log_end();
    for (size_t i = 0; i < net.listen_count; i++) {
        close(net.listen_fds[i]);
    }
    free(net.stats);
    buf_free(&script.heard);
    assert_int_equal(uv_loop_close(&net.loop), 0);
    return 0;
}

#define NET_TEST(f) cmocka_unit_test_setup_teardown(f, net_setup, net_teardown)

#endif
