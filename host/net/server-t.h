/* server-t.h - the struct of net, for its own files only */
#ifndef PATCHBAY_NET_SERVER_T_H
#define PATCHBAY_NET_SERVER_T_H

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <uv.h>

#include "base/seldom.h"
#include "net/keyring.h"
#include "net/listen.h"
#include "net/server.h"

/*
 * libwebsockets knows subprotocols as protocols of the vhost, chosen from the
 * client's list without a look at the path. So there is one protocol, whose
 * name is rewritten while a handshake runs, which it does without another in
 * between: to the client's first word, so that it is bound; then to the one
 * that the plugin has, so that the answer names it. This is its name otherwise;
 * it cannot occur in a request.
 */
#define PLACE_NAME "\x01patchbay"

/* All that libwebsockets keeps of a request: its path, query and headers. */
#define SERVER_HEADERS_MAX 8192

/* One read takes what the kernel holds for a busy peer. */
#define INTAKE_SIZE (256u << 10)

struct protocol_place {
    struct lws_vhost *vhost;
    struct lws_protocols *entry; /* the vhost's own copy */
};

struct server {
    struct server_setup setup;
    const struct conf *conf;
    struct worker_stats *stats;
    struct seldom too_often; /* said of connect_rate, in the log */
    struct seldom too_late;  /* of handshake */
    struct seldom too_long;  /* of headers */
    struct seldom paused;    /* of descriptors */
    uint64_t paused_ms;      /* accepting since then not; 0: it does */
    bool paused_told;        /* in the log */
    struct seldom let_go;    /* said of HTTP connections that made room */
    struct seldom crowded;   /* said of bodies that have come in part */
    size_t body_bytes;       /* of these */
    uint64_t scarce_ms;      /* descriptors are scarce until then */
    struct core *core;
    uv_loop_t *loop;
    struct lws_context *context;
    struct protocol_place places[2]; /* plain and TLS */
    struct listener *listeners;
    size_t listener_count;
    struct link *links;
    struct link *pumps; /* have something to go on with */
    bool stopping;      /* plain HTTP ends with the answer that is being sent */
    bool closed;
    struct files *files;     /* NULL: no [http] root */
    SSL_CTX *ssl_ctx;        /* of the vhost with TLS; NULL: there is none */
    struct keyring *keyring; /* that it has; NULL: there is no TLS */
    const struct conf *next_conf; /* prepared; NULL: nothing is */
    struct files *next_files;
    struct keyring *next_keyring;

    uv_prepare_t prepare; /* before the loop waits */
    uint64_t turned_ms;   /* clock_coarse_ms when it last did */
    uv_check_t check;     /* after a batch of events */
    uv_timer_t alarm;
    uv_idle_t wake;
    struct work *works; /* deferred work on the thread pool */

    /* The handshake that is running. */
    char first[64];  /* the client's first subprotocol */
    char chosen[64]; /* the plugin's */

    unsigned char bytes[INTAKE_SIZE]; /* what was just read */
};

/* Lets the loop turn once more without waiting. */
void server_wake(struct server *server);

#endif
