/* server.c - a worker's sockets: the libwebsockets context on a libuv loop */
#include "net/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "net/files.h"
#include "net/headers.h"
#include "net/keyring.h"
#include "net/link.h"
#include "net/server-t.h"
#include "net/tap.h"
#include "net/work.h"
#include "net/ws.h"

/* What comes on a WebSocket connection is read by us (intake.h). */
#define RX_BUFFER   256
#define SERVICE_BUF 65536
#define TX_CHUNK    (4 << 20)

#define KEEP_ALIVE_S 30

/* What it needs in its table for HEAD_FIELDS_MAX headers, beside their text. */
#define FIELDS_ROOM 2048

/* A turn that takes longer: a hook did not return, or the process was stopped.
 */
#define LATE_MS 2000

static const struct lws_protocols protocols[] = {
    { PLACE_NAME, ws_callback, sizeof(void *), RX_BUFFER, 0, NULL, TX_CHUNK },
    { NULL, NULL, 0, 0, 0, NULL, 0 }
};

/* Pings are ours (core/alive.c): the library's count its own only. */
static const lws_retry_bo_t no_validity = { 0 };

/* ---- the transport ----------------------------------------------------- */

static uint64_t now_ms(void *self)
{
    struct server *server = self;

    return uv_now(server->loop);
}

static void on_alarm(uv_timer_t *timer)
{
    struct server *server = timer->data;

    core_tick(server->core);
}

static void set_alarm(void *self, uint64_t at_ms)
{
    struct server *server = self;
    uint64_t now = uv_now(server->loop);

    if (server->closed) {
        return;
    }
    if (at_ms == UINT64_MAX) {
        uv_timer_stop(&server->alarm);
    } else {
        uv_timer_start(&server->alarm, on_alarm, at_ms > now ? at_ms - now : 0,
                       0);
    }
}

static void on_idle(uv_idle_t *idle)
{
    uv_idle_stop(idle);
}

void server_wake(struct server *server)
{
    if (!server->closed) {
        uv_idle_start(&server->wake, on_idle);
    }
}

static void wake(void *self)
{
    server_wake(self);
}

const struct transport *server_transport(void)
{
    static const struct transport table = {
        .send = link_send,
        .gathers = link_gathers,
        .send_rest = link_send_rest,
        .want_writable = link_want_writable,
        .set_reading = link_set_reading,
        .holds = link_holds,
        .finish = link_finish,
        .shut = link_shut,
        .hung_up = link_hung_up,
        .header = headers_find,
        .now_ms = now_ms,
        .alarm = set_alarm,
        .wake = wake,
        .job_start = work_start,
        .job_cancel = work_cancel,
    };

    return &table;
}

static unsigned whole_seconds(uint64_t ms)
{
    return (unsigned)((ms + 999) / 1000);
}

static void before_wait(uv_prepare_t *prepare)
{
    struct server *server = prepare->data;

    server->turned_ms = clock_coarse_ms();
    intake_run(server);
    if (server->core != NULL) {
        core_turn(server->core);
    }
}

/* The library's timers run before the sockets are read: whoever was in the
 * middle of a handshake while this process stood still would be cut off for
 * what it has long sent. A worker's loop turns at least once a second. */
static void forgive_handshakes(struct server *server)
{
    uint64_t now = clock_coarse_ms();

    if (now - server->turned_ms < LATE_MS) {
        return;
    }
    for (struct link *link = server->links; link != NULL; link = link->next) {
        if (link->conn == NULL && link->exchange == NULL && !link->ended) {
            lws_set_timeout(
                link->wsi, PENDING_TIMEOUT_ESTABLISH_WITH_SERVER,
                (int)whole_seconds(server->conf->limits.handshake_ms));
        }
    }
}

static void after_events(uv_check_t *check)
{
    struct server *server = check->data;

    forgive_handshakes(server);
    intake_run(server);
    if (server->core != NULL) {
        core_turn(server->core);
    }
    forgive_handshakes(server); /* it may have been stopped in the middle */
}

/* ---- setting up -------------------------------------------------------- */

/* What a peer can make the library say, it can make it say a million times:
 * one line a second is logged, and the next tells how many were not. */
static void log_library(int level, const char *line)
{
    static uint64_t last_ms;
    static unsigned left_out;
    uint64_t now = clock_coarse_ms();
    int len = (int)strcspn(line, "\n");

    if (now - last_ms < 1000) {
        left_out++;
        return;
    }
    last_ms = now;
    if (left_out > 0) {
        log_warn("libwebsockets: %u more lines were left out", left_out);
        left_out = 0;
    }
    log_about(level == LLL_ERR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, NULL,
              "libwebsockets: %.*s", len, line);
}

const char *server_library(void)
{
    return lws_get_library_version();
}

static void set_common(struct lws_context_creation_info *info,
                       struct server *server, void **loops)
{
    unsigned handshake = whole_seconds(server->conf->limits.handshake_ms);

    loops[0] = server->loop;
    info->options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info->foreign_loops = loops;
    info->user = server;
    info->pt_serv_buf_size = SERVICE_BUF;
    info->max_http_header_data = SERVER_HEADERS_MAX + FIELDS_ROOM;
    info->timeout_secs = handshake;
    info->timeout_secs_ah_idle = handshake;
    info->keepalive_timeout = KEEP_ALIVE_S;
    info->retry_and_idle_policy = &no_validity;
    if (server->conf->tls_cert != NULL) {
        info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    }
}

static int create_vhost(struct server *server,
                        struct lws_context_creation_info *info, unsigned at,
                        const char *name)
{
    struct protocol_place *place = &server->places[at];

    info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info->vhost_name = name;
    info->protocols = protocols;
    info->alpn = "http/1.1"; /* over HTTP/2 the upgrade is not checked by us */
    place->vhost = lws_create_vhost(server->context, info);
    if (place->vhost == NULL) {
        return -1;
    }
    place->entry =
        (struct lws_protocols *)(uintptr_t)lws_vhost_name_to_protocol(
            place->vhost, PLACE_NAME);
    return place->entry != NULL ? 0 : -1;
}

/* libwebsockets reads files only, if they hold more than one certificate: this
 * one lies in memory. The descriptor, or -1. */
static int put_in_memory(const char *text, char *path, size_t size)
{
    int fd = memfd_create("patchbay.pem", MFD_CLOEXEC);
    size_t len = strlen(text);

    if (fd >= 0 && write(fd, text, len) != (ssize_t)len) {
        close(fd);
        return -1;
    }
    snprintf(path, size, "/proc/self/fd/%d", fd);
    return fd;
}

/* The vhost has a certificate, as it must; clients get what the keyring has. */
static int create_tls_of(struct server *server,
                         struct lws_context_creation_info *info,
                         const struct pems *pems)
{
    char cert[32], key[32], why[512];
    int fds[2] = { -1, -1 };
    int result = -1;

    server->keyring = keyring_read(server->conf, pems, why, sizeof why);
    if (server->keyring == NULL) {
        log_error("%s", why);
        return -1;
    }
    fds[0] = put_in_memory(pems->texts[0].data, cert, sizeof cert);
    fds[1] = put_in_memory(pems->texts[1].data, key, sizeof key);
    if (fds[0] < 0 || fds[1] < 0) {
        log_error("TLS cannot be set up: %s", strerror(errno));
    } else {
        info->ssl_cert_filepath = cert;
        info->ssl_private_key_filepath = key;
        result = create_vhost(server, info, 1, "tls");
    }
    if (result == 0 && server->ssl_ctx != NULL) {
        keyring_use(&server->keyring, server->ssl_ctx);
    } else {
        log_error("TLS cannot be set up with %s and %s", server->conf->tls_cert,
                  server->conf->tls_key);
        result = -1;
    }
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    return result;
}

static int create_tls(struct server *server,
                      struct lws_context_creation_info *info)
{
    struct pems pems;
    char why[512];
    int result;

    if (server->setup.pems != NULL) {
        return create_tls_of(server, info, server->setup.pems);
    }
    if (pems_read(&pems, server->conf, why, sizeof why) != 0) {
        log_error("[tls] %s", why);
        return -1;
    }
    result = create_tls_of(server, info, &pems);
    pems_free(&pems);
    return result;
}

static int create_context(struct server *server)
{
    struct lws_context_creation_info info = { 0 };
    void *loops[1];

    lws_set_log_level(LLL_ERR | LLL_WARN, log_library);
    set_common(&info, server, loops);
    info.port = CONTEXT_PORT_NO_LISTEN;
    server->context = lws_create_context(&info);
    if (server->context == NULL) {
        log_error("libwebsockets cannot be set up: is the package "
                  "libwebsockets-evlib-uv installed?");
        return -1;
    }
    if (create_vhost(server, &info, 0, "plain") != 0) {
        log_error("libwebsockets cannot make its virtual host");
        return -1;
    }
    return server->conf->tls_cert == NULL ? 0 : create_tls(server, &info);
}

static int create_listeners(struct server *server)
{
    const struct server_setup *setup = &server->setup;

    server->listeners =
        calloc(setup->listen_count + 1, sizeof *server->listeners);
    if (server->listeners == NULL) {
        log_error("out of memory");
        return -1;
    }
    for (size_t i = 0; i < setup->listen_count; i++) {
        bool tls = setup->listen_tls[i];
        int error =
            listener_init(&server->listeners[i], server, setup->listen_fds[i],
                          tls, server->places[tls].vhost);

        if (error != 0) {
            log_error("a listening socket cannot be polled: %s",
                      uv_strerror(error));
            return -1;
        }
        server->listener_count++;
    }
    return 0;
}

static void init_handles(struct server *server)
{
    uv_prepare_init(server->loop, &server->prepare);
    uv_check_init(server->loop, &server->check);
    uv_timer_init(server->loop, &server->alarm);
    uv_idle_init(server->loop, &server->wake);
    server->prepare.data = server;
    server->check.data = server;
    server->alarm.data = server;
    server->wake.data = server;
    uv_prepare_start(&server->prepare, before_wait);
    uv_check_start(&server->check, after_events);
    /* What keeps a loop running is sockets and signals, not these. */
    uv_unref((uv_handle_t *)&server->prepare);
    uv_unref((uv_handle_t *)&server->check);
}

static const struct tap_calls reads = { .recv = intake_recv,
                                        .ssl_read = intake_ssl_read };

struct server *server_create(const struct server_setup *setup)
{
    struct server *server = calloc(1, sizeof *server);

    if (server == NULL) {
        log_error("out of memory");
        return NULL;
    }
    server->setup = *setup;
    server->conf = setup->conf;
    server->stats = setup->stats;
    server->loop = setup->loop;
    init_handles(server);
    if (!tap_init(&reads)) {
        log_error("out of memory");
        server_destroy(server);
        return NULL;
    }
    if (server->conf->http_root != NULL) {
        server->files = files_create(server->conf->http_root);
        if (server->files == NULL) {
            log_error("[http] root: cannot open the folder %s: %s",
                      server->conf->http_root, strerror(errno));
            server_destroy(server);
            return NULL;
        }
    }
    if (create_context(server) != 0 || create_listeners(server) != 0) {
        server_destroy(server);
        return NULL;
    }
    return server;
}

/* ---- another conf ------------------------------------------------------ */

int server_prepare(struct server *server, const struct conf *conf,
                   const struct pems *pems, char *why, size_t why_size)
{
    if (pems->count > 0) {
        server->next_keyring = keyring_read(conf, pems, why, why_size);
        if (server->next_keyring == NULL) {
            return -1;
        }
    }
    if (conf->http_root != NULL) {
        server->next_files = files_create(conf->http_root);
        if (server->next_files == NULL) {
            snprintf(why, why_size,
                     "[http] root: cannot open the folder %s: %s",
                     conf->http_root, strerror(errno));
            server_abort(server);
            return -1;
        }
    }
    server->next_conf = conf;
    return 0;
}

void server_commit(struct server *server)
{
    files_destroy(server->files);
    server->files = server->next_files;
    server->next_files = NULL;
    server->conf = server->next_conf;
    server->next_conf = NULL;
    if (server->next_keyring != NULL && server->ssl_ctx != NULL) {
        keyring_free(server->keyring);
        server->keyring = server->next_keyring;
        server->next_keyring = NULL;
        keyring_use(&server->keyring, server->ssl_ctx);
    }
}

void server_abort(struct server *server)
{
    files_destroy(server->next_files);
    server->next_files = NULL;
    server->next_conf = NULL;
    keyring_free(server->next_keyring);
    server->next_keyring = NULL;
}

void server_set_core(struct server *server, struct core *core)
{
    server->core = core;
}

void server_start(struct server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_start(&server->listeners[i]);
    }
}

/* Their memory stays: links go on to point at what they came in by. */
static void close_listeners(struct server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_close(&server->listeners[i]);
    }
    server->listener_count = 0;
}

void server_stop_listening(struct server *server)
{
    close_listeners(server);
}

void server_stop_accepting(struct server *server)
{
    struct link *link;

    server->stopping = true;
    close_listeners(server);
    DL_FOREACH(server->links, link)
    {
        if (link->conn == NULL && link->exchange == NULL &&
            !lws_partial_buffered(link->wsi)) {
            link_shut(link);
        }
    }
}

void server_kill(struct server *server)
{
    struct link *link;

    DL_FOREACH(server->links, link)
    {
        link_shut(link);
    }
}

void server_close(struct server *server)
{
    struct link *link;

    if (server == NULL || server->closed) {
        return;
    }
    server->closed = true;
    close_listeners(server);
    DL_FOREACH(server->links, link)
    {
        link->ended = true; /* by us: no fault of the peer's */
    }
    uv_close((uv_handle_t *)&server->prepare, NULL);
    uv_close((uv_handle_t *)&server->check, NULL);
    uv_close((uv_handle_t *)&server->alarm, NULL);
    uv_close((uv_handle_t *)&server->wake, NULL);
    if (server->context != NULL) {
        /* On a foreign loop the first call begins to close the sockets, and
         * the second frees the context. */
        lws_context_destroy(server->context);
        uv_run(server->loop, UV_RUN_DEFAULT);
        lws_context_destroy(server->context);
    }
    uv_run(server->loop, UV_RUN_DEFAULT);
}

void server_destroy(struct server *server)
{
    if (server == NULL) {
        return;
    }
    server_close(server);
    files_destroy(server->files);
    server_abort(server);
    keyring_free(server->keyring);
    free(server->listeners);
    free(server);
}
