/* serve.h - the real net and core in this process, for bytes from a client
 *
 * The server is booted once; each input gets connections of its own, over a
 * Unix socket, and all that can happen without waiting has happened when
 * serve_send returns. What the server said is kept, to be checked.
 */
#ifndef PATCHBAY_TESTS_FUZZ_SERVE_H
#define PATCHBAY_TESTS_FUZZ_SERVE_H

#include "fuzz.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <uv.h>

#include "base/log.h"
#include "core/core.h"
#include "net/server.h"

/* Few: libwebsockets looks at each possible descriptor with each close. */
#define SERVE_DESCRIPTORS 64

static struct serve {
    uv_loop_t loop;
    struct conf conf;
    struct conf_route routes[4];
    unsigned route_count;
    struct worker_stats *stats;
    struct server *server;
    struct core *core;
    int listen_fd;
    bool tls;
    struct sockaddr_un addr;
    socklen_t addr_len;
} serve;

/* ---- the plugins ------------------------------------------------------- */

/* Looks at all there is to see of a request. */
static inline void serve_look(bay_request *req)
{
    static const char *const names[] = { "host",   "cookie",  "x-own",
                                         "origin", "X-Empty", "user-agent",
                                         "" };
    size_t sum = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = bay_req_header(req, names[i]);

        sum += value != NULL ? strlen(value) : 0;
        value = bay_req_query(req, names[i]);
        sum += value != NULL ? strlen(value) : 0;
    }
    sum += strlen(bay_req_method(req)) + strlen(bay_req_path(req)) +
           strlen(bay_req_remote(req));
    fuzz_check(sum > 0);
}

static inline int serve_handshake(bay_conn *conn, bay_request *req)
{
    const char *own = bay_req_header(req, "x-own");

    serve_look(req);
    fuzz_check(bay_conn_path(conn)[0] == '/');
    if (own != NULL) {
        bay_req_add_header(req, "x-own", own);
        bay_req_add_header(req, own, "name");
    }
    return bay_req_query(req, "refuse") != NULL ? 403 : 0;
}

static inline int serve_echo(bay_conn *conn, const bay_message *msg)
{
    fuzz_check(msg->data[msg->len] == '\0');
    fuzz_check(msg->fin);
    return bay_send(conn, msg->kind, msg->data, msg->len) == BAY_EFULL ? 1013
                                                                       : 0;
}

/* Takes pieces, and says how long the whole was. */
static inline int serve_piece(bay_conn *conn, const bay_message *msg)
{
    fuzz_check(msg->data[msg->len] == '\0');
    if (!msg->fin) {
        return 0;
    }
    return bay_sendf(conn, "%zu", msg->len) == BAY_EFULL ? 1013 : 0;
}

static inline int serve_http(bay_route *route, bay_request *req)
{
    const bay_message *body = bay_req_body(req);
    const char *own = bay_req_header(req, "x-own");

    (void)route;
    serve_look(req);
    if (own != NULL) {
        bay_req_add_header(req, "x-own", own);
    }
    return bay_req_reply(req, 200, "text/plain", body->data, body->len);
}

static const char *const serve_words[] = { "v2", "v1", NULL };

static const bay_plugin serve_echoes = { BAY_INIT,
                                         .name = "echo",
                                         .subprotocols = serve_words,
                                         .handshake = serve_handshake,
                                         .message = serve_echo,
                                         .http = serve_http };
static const bay_plugin serve_pieces = { BAY_INIT, .name = "pieces",
                                         .flags = BAY_PIECES,
                                         .message = serve_piece };

/* ---- the server -------------------------------------------------------- */

static inline int serve_health(void *arg, struct buf *buf)
{
    (void)arg;
    buf_adds(buf, "{\"status\":\"ok\"}");
    return 200;
}

static inline void serve_metrics(void *arg, struct buf *buf)
{
    (void)arg;
    buf_adds(buf, "patchbay_up 1\n");
}

/* path: static; with a star at its end for all below. */
static inline void serve_route(const char *name, const char *path,
                               const bay_plugin *plugin)
{
    struct conf_route *route = &serve.routes[serve.route_count];
    char why[256];

    route->name = (char *)(uintptr_t)name;
    route->path = (char *)(uintptr_t)path;
    route->path_len = strlen(path);
    route->prefix = path[route->path_len - 1] == '*';
    route->path_len -= route->prefix;
    route->plugin = (char *)(uintptr_t)plugin->name;
    route->limits = serve.conf.limits;
    route->slot = serve.route_count++;
    fuzz_check(
        core_add_route(serve.core,
                       &(struct core_route){ .conf = route, .plugin = plugin },
                       why, sizeof why) == 0);
}

static char *serve_origins[] = { (char[]){ "https://example.org" } };

static inline void serve_conf(void)
{
    static struct conf_net proxies[] = {
        { .family = AF_UNIX },
        { .family = AF_INET, .addr = { 10 }, .prefix = 8 }
    };

    serve.conf.limits.max_message = 1 << 16;
    serve.conf.limits.send_queue = 1 << 18;
    serve.conf.limits.slow_peer = CONF_SLOW_CLOSE;
    serve.conf.limits.slow_hook_ms = 60000;
    serve.conf.limits.handshake_ms = 60000;
    serve.conf.limits.origins = serve_origins;
    serve.conf.limits.origin_count = 1;
    serve.conf.http_root = (char *)(uintptr_t)FUZZ_DIR "/root";
    serve.conf.http_health = (char *)(uintptr_t) "/-/health";
    serve.conf.http_metrics = (char *)(uintptr_t) "/-/metrics";
    serve.conf.proxies = proxies;
    serve.conf.proxy_count = 2;
}

/* Before the first input: all of the above, on an abstract socket. */
static inline void serve_begin(void)
{
    struct rlimit limit;
    struct server_setup setup = { .loop = &serve.loop,
                                  .conf = &serve.conf,
                                  .listen_fds = &serve.listen_fd,
                                  .listen_tls = &serve.tls,
                                  .listen_count = 1,
                                  .health = serve_health,
                                  .metrics = serve_metrics };
    struct core_setup to_core = { .transport = server_transport(),
                                  .workers = 1,
                                  .log_access = true,
                                  .log_trace = true };

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = SERVE_DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
    log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    serve_conf();
    uv_loop_init(&serve.loop);
    serve.stats =
        calloc(1, sizeof *serve.stats + 4 * sizeof(struct route_stats));
    setup.stats = to_core.stats = serve.stats;
    serve.listen_fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    serve.addr.sun_family = AF_UNIX;
    fuzz_check(bind(serve.listen_fd, (struct sockaddr *)&serve.addr,
                    sizeof(sa_family_t)) == 0);
    serve.addr_len = sizeof serve.addr;
    getsockname(serve.listen_fd, (struct sockaddr *)&serve.addr,
                &serve.addr_len);
    fuzz_check(listen(serve.listen_fd, 16) == 0);
    serve.server = server_create(&setup);
    fuzz_check(serve.server != NULL);
    to_core.transport_self = serve.server;
    serve.core = core_create(&to_core);
    server_set_core(serve.server, serve.core);
    serve_route("echo", "/echo", &serve_echoes);
    serve_route("all", "/all/*", &serve_echoes);
    serve_route("pieces", "/pieces", &serve_pieces);
    serve_route("deflated", "/deflated", &serve_echoes);
    serve.routes[3].limits.compress = true;
    server_start(serve.server);
}

/* ---- a client ---------------------------------------------------------- */

struct serve_client {
    int fd;
    char said[1 << 18]; /* by the server; what is beyond it is not kept */
    size_t len;
    bool ended;
};

static inline void serve_connect(struct serve_client *client)
{
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    client->len = 0;
    client->ended = false;
    fuzz_check(client->fd >= 0);
    fuzz_check(connect(client->fd, (struct sockaddr *)&serve.addr,
                       serve.addr_len) == 0);
}

static inline bool serve_hear(struct serve_client *client)
{
    static char rest[1 << 16];
    size_t room = sizeof client->said - client->len;
    ssize_t n = room > 0 ? recv(client->fd, client->said + client->len, room, 0)
                         : recv(client->fd, rest, sizeof rest, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        client->ended = true;
    }
    if (n > 0 && room > 0) {
        client->len += (size_t)n;
    }
    return n > 0;
}

/* Until all that was sent was read, or never will be, and nothing follows. */
static inline void serve_settle(struct serve_client *client)
{
    int quiet = 0;

    for (int i = 0; quiet < 3 && i < 20000; i++) {
        int unread = 0;

        uv_run(&serve.loop, UV_RUN_NOWAIT);
        ioctl(client->fd, SIOCOUTQ, &unread);
        quiet = serve_hear(client) ? 0 : quiet + 1;
        /* One that is closed, or that waits for its end, reads no more. */
        if (unread > 0 && !client->ended && i < 50) {
            quiet = 0;
        }
    }
    fuzz_check(quiet >= 3); /* it would send for ever */
}

/* In pieces of that many bytes, and what comes back is heard. */
static inline void serve_send(struct serve_client *client, const void *data,
                              size_t len, size_t cut)
{
    const char *at = data;

    while (len > 0 && !client->ended) {
        ssize_t n = send(client->fd, at, cut < len ? cut : len, MSG_NOSIGNAL);

        if (n <= 0) {
            break;
        }
        at += n;
        len -= (size_t)n;
        serve_settle(client);
    }
}

/* Hangs up; after that the server has nothing of it any more. */
static inline void serve_leave(struct serve_client *client)
{
    close(client->fd);
    for (int i = 0; stat_get(&serve.stats->sockets) > 0; i++) {
        fuzz_check(i < 10000); /* a connection that nobody is at stays */
        uv_run(&serve.loop, UV_RUN_NOWAIT);
    }
    fuzz_check(core_connections(serve.core) == 0);
}

#endif
