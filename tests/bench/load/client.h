/* client.h - one WebSocket connection of the load generator */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

enum {
    CLIENT_WAIT_S = 5,       /* the longest wait for a server's next step */
    CLIENT_READ = 1 << 18,   /* bytes per receive */
    CLIENT_CONTROL_MAX = 127 /* a control frame of a server */
};

struct client {
    int fd;
    int number;
    int epoll;       /* where it is watched; -1: nowhere */
    bool want_write; /* as epoll knows it */
    bool pong_due;
    size_t tx_at, rx_at; /* place in the stream, in bytes */
    size_t tx_owed;      /* bytes not yet taken by the socket */
    uint64_t sent, got;  /* whole messages */
    unsigned char control[CLIENT_CONTROL_MAX];
    size_t control_len;
};

/* A TCP connection to 127.0.0.1, without delay of small segments, blocking up
 * to CLIENT_WAIT_S; -1, said why. */
int client_connect(int port);

/*
 * The upgrade request for a path and the answer it has to have. Made once: the
 * key may be used again, as far as a server can tell.
 */
struct upgrade {
    char request[512];
    size_t request_len;
    char accept[32];
};
int upgrade_init(struct upgrade *upgrade, int port, const char *path);

/* Whether data is the whole head of the right answer: its length, 0 if more is
 * to come, -1 if it is wrong, said why. */
int upgrade_check(const struct upgrade *upgrade, const char *data, size_t len);

/* Connects and upgrades. first: the slot of the stream it begins with. */
int client_open(struct client *client, const struct upgrade *upgrade, int port,
                int number, const struct stream *stream, size_t first);
void client_close(struct client *client);

/* From now on that epoll reports it; data.ptr is the client. */
int client_watch(struct client *client, int epoll);

/* Sends the next messages of the stream, or as much as the socket takes and
 * the rest when it can. times of 0: just that rest. */
int client_send(struct client *client, const struct stream *stream,
                size_t times);

/*
 * Receives once and compares. How many messages became whole, or -1, said why.
 * expected: how many more there may be.
 */
int client_receive(struct client *client, const struct stream *stream,
                   uint64_t expected);

#endif
