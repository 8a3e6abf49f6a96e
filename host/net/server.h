/* server.h - a worker's sockets: the libwebsockets context on a libuv loop */
#ifndef PATCHBAY_NET_SERVER_H
#define PATCHBAY_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "core/core.h"
#include "net/pems.h"

struct addresses;
struct server;

struct server_setup {
    uv_loop_t *loop;
    const struct conf *conf;
    struct worker_stats *stats;
    /* How often addresses connect, for connect_rate; NULL: it is not kept. */
    const struct addresses *connects;
    /* Bound, listening and non-blocking; borrowed until
     * server_stop_accepting. tls tells which of them speak TLS. */
    const int *listen_fds;
    const bool *listen_tls;
    size_t listen_count;
    /* The texts of [tls], needed for server_create only; NULL: its files are
     * read. */
    const struct pems *pems;
    /* What [http] health and metrics answer; buf is the body. health returns
     * the HTTP status. */
    int (*health)(void *arg, struct buf *buf);
    void (*metrics)(void *arg, struct buf *buf);
    void *pages_arg;
};

/* NULL on failure, logged; the loop was run then until it was empty, so nothing
 * that keeps it running may be on it yet. TLS files are read here: call it
 * before privileges are dropped. */
struct server *server_create(const struct server_setup *setup);

/* The version of libwebsockets that runs. */
const char *server_library(void);

/* The table and its self for core_setup. */
const struct transport *server_transport(void);

/* The core that serves the upgrades; before server_start. */
void server_set_core(struct server *server, struct core *core);

/*
 * Gets ready for another conf, changing nothing that a client could see; then
 * takes it up, or leaves it. Borrows conf, which has to stay if it is taken up;
 * the one before is not looked at any more then. pems: the texts of [tls],
 * empty if it has none. What cannot change: whether there is TLS, and the time
 * for a handshake. 0, or -1 and one sentence in why.
 */
int server_prepare(struct server *server, const struct conf *conf,
                   const struct pems *pems, char *why, size_t why_size);
void server_commit(struct server *server);
void server_abort(struct server *server);

/* Takes no more connections, for good: the listening sockets may be closed when
 * it returns. Those that are there go on as ever. */
void server_stop_listening(struct server *server);

/* Begins and ends to accept, the latter for good: the listening sockets may be
 * closed when it returns. Connections that are in the middle of nothing are
 * closed then, and those of plain HTTP after their answer; WebSockets are for
 * core_drain. */
void server_start(struct server *server);
void server_stop_accepting(struct server *server);

/* Ends every connection at once. */
void server_kill(struct server *server);

/* Ends every connection and closes all handles, running the loop for that,
 * also until deferred work is done; the loop must not be running. When it
 * returns, conn_lost has been called for every connection: core_destroy is
 * next, then server_destroy. */
void server_close(struct server *server);

/* Frees it, closing it first if need be. After core_destroy, since core calls
 * the transport to the end. NULL is allowed. */
void server_destroy(struct server *server);

#endif
