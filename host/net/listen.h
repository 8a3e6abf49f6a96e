/* listen.h - accepting connections on the sockets the master made */
#ifndef PATCHBAY_NET_LISTEN_H
#define PATCHBAY_NET_LISTEN_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <uv.h>

struct server;

struct listener {
    int fd; /* borrowed */
    bool tls;
    bool unix_socket;
    bool active;
    struct server *server;
    struct lws_vhost *vhost;
    uv_poll_t poll;
    uv_timer_t pause; /* while descriptors have run out */
};

/* 0, or a negative libuv error. */
int listener_init(struct listener *listener, struct server *server, int fd,
                  bool tls, struct lws_vhost *vhost);
void listener_start(struct listener *listener);
void listener_stop(struct listener *listener);

/* Closes its handles; memory may be freed when the loop has run. */
void listener_close(struct listener *listener);

#endif
