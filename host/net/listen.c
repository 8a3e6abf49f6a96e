/* listen.c - accepting connections on the sockets the master made */
#include "net/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "net/arrivals.h"
#include "net/link.h"
#include "net/server-t.h"

/* Connections taken in one go, so that those that are open get their turn. */
#define ACCEPT_BATCH 64

/* With no descriptor left the socket stays readable: asked again only then. */
#define PAUSE_MS 100

/* For so long after they ran out HTTP connections end with their answer. */
#define SCARCE_MS 10000

static void resume(uv_timer_t *timer)
{
    struct listener *listener = timer->data;

    if (listener->active) {
        listener_start(listener);
    }
}

static void tell(int error)
{
    struct rlimit limit = { 0 };

    if (error != EMFILE) {
        log_error("cannot accept connections: %s; they wait until others end",
                  strerror(error));
        return;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    log_error("cannot accept connections: %s, all %llu of this worker; they "
              "wait until others end. It has as many as the largest "
              "`connections` of a route needs, if ulimit -n, or LimitNOFILE= "
              "in systemd, allows it",
              strerror(error), (unsigned long long)limit.rlim_cur);
}

/* HTTP connections that are kept for a next request make room, the oldest
 * first: else a client that asks now and then could have all descriptors. */
static void let_idle_go(struct server *server)
{
    uint64_t now = uv_now(server->loop);
    uint64_t left_out, ended = 0;
    struct link *link;

    server->scarce_ms = now + SCARCE_MS;
    DL_FOREACH(server->links, link)
    {
        if (ended < ACCEPT_BATCH && link_is_idle(link)) {
            link_shut(link);
            ended++;
        }
    }
    if (ended == 0) {
        return;
    }
    stat_add(&server->stats->kept_ended, ended);
    if (seldom_due(&server->let_go, now, &left_out)) {
        log_info("limit descriptors: %llu idle HTTP connections are ended to "
                 "make room; %llu times more since this was last said",
                 (unsigned long long)ended, (unsigned long long)left_out);
    }
}

/* Once for each time that they run out, however often it is tried; and if
 * they do again and again, now and then. */
static void run_out(struct listener *listener, int error)
{
    struct server *server = listener->server;
    uint64_t now = uv_now(server->loop);
    uint64_t left_out;

    if (server->paused_ms == 0) {
        server->paused_ms = now;
        server->paused_told = seldom_due(&server->paused, now, &left_out);
        if (server->paused_told) {
            tell(error);
        }
    }
    let_idle_go(server);
    stat_add(&server->stats->accept_paused, 1);
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->pause, resume, PAUSE_MS, 0);
}

static void go_on(struct server *server)
{
    if (server->paused_told) {
        log_info(
            "connections are accepted again, after %llu ms",
            (unsigned long long)(uv_now(server->loop) - server->paused_ms));
    }
    server->paused_ms = 0;
}

/* No farewell, and no trace of it that the kernel would keep for a minute. */
static void turn_away(int fd)
{
    struct linger now = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void adopt(struct listener *listener, int fd)
{
    lws_adopt_desc_t info = { 0 };
    int one = 1;

    if (!listener->unix_socket) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    stat_add(&listener->server->stats->accepted, 1);
    info.vh = listener->vhost;
    info.type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP |
                (listener->tls ? LWS_ADOPT_ALLOW_SSL : 0);
    info.fd.sockfd = fd;
    info.opaque = listener;
    lws_adopt_descriptor_vhost_via_info(&info); /* closes fd if it fails */
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage addr = { .ss_family = AF_UNIX };
        socklen_t len = sizeof addr;
        int fd = accept4(listener->fd, (struct sockaddr *)&addr, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0 && listener->server->paused_ms > 0) {
            go_on(listener->server);
        }
        if (fd >= 0 && !arrivals_accept(listener->server, &addr)) {
            turn_away(fd);
        } else if (fd >= 0) {
            adopt(listener, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                   errno == ENOMEM) {
            run_out(listener, errno);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

int listener_init(struct listener *listener, struct server *server, int fd,
                  bool tls, struct lws_vhost *vhost)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    int error;

    listener->fd = fd;
    listener->tls = tls;
    listener->unix_socket =
        getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
        addr.ss_family == AF_UNIX;
    listener->server = server;
    listener->vhost = vhost;
    error = uv_poll_init(server->loop, &listener->poll, fd);
    if (error != 0) {
        return error;
    }
    listener->poll.data = listener;
    uv_timer_init(server->loop, &listener->pause);
    listener->pause.data = listener;
    return 0;
}

void listener_start(struct listener *listener)
{
    listener->active = true;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

void listener_stop(struct listener *listener)
{
    listener->active = false;
    uv_poll_stop(&listener->poll);
    uv_timer_stop(&listener->pause);
}

void listener_close(struct listener *listener)
{
    listener_stop(listener);
    uv_close((uv_handle_t *)&listener->poll, NULL);
    uv_close((uv_handle_t *)&listener->pause, NULL);
}
