/* mode_idle.c - what connections that say nothing cost the server in memory */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client.h"
#include "load.h"
#include "meter.h"

enum { SETTLE_MS = 50, SETTLE_TURNS = 60 };

/* The server's memory once it has stayed the same four times over. */
static int64_t settled(pid_t server)
{
    const struct timespec pause = { .tv_nsec = SETTLE_MS * 1000000 };
    int64_t before = process_resident(server), same = 0;

    for (int i = 0; i < SETTLE_TURNS && same < 4; i++) {
        int64_t now;

        nanosleep(&pause, NULL);
        now = process_resident(server);
        same = now == before ? same + 1 : 0;
        before = now;
    }
    return before;
}

/* One message there and back. */
static int touch(struct client *client, const struct stream *stream)
{
    struct pollfd answer = { .fd = client->fd, .events = POLLIN };

    if (client_send(client, stream, 1) < 0) {
        return -1;
    }
    while (client->got < client->sent) {
        if (poll(&answer, 1, CLIENT_WAIT_S * 1000) <= 0) {
            fprintf(stderr, "load: connection %d: no answer\n", client->number);
            return -1;
        }
        if (client_receive(client, stream, 1) < 0) {
            return -1;
        }
    }
    return 0;
}

static int measure(const struct load *load, const struct stream *stream)
{
    int64_t before, open, used;
    struct client *clients;
    int status = 0;

    before = settled(load->server);
    clients = clients_open(load, stream, load->conns, true);
    if (!clients) {
        return -1;
    }
    open = settled(load->server);
    for (int i = 0; status == 0 && i < load->conns; i++) {
        status = touch(&clients[i], stream);
    }
    used = settled(load->server);
    if (status == 0 && (before < 0 || open < 0 || used < 0)) {
        fprintf(stderr, "load: no process %d to measure\n", (int)load->server);
        status = -1;
    }
    if (status == 0) {
        printf("mode=idle conns=%d before=%" PRId64 " open=%" PRId64
               " used=%" PRId64 " per_conn=%.0f per_used_conn=%.0f\n",
               load->conns, before, open, used,
               (double)(open - before) / load->conns,
               (double)(used - before) / load->conns);
    }
    clients_close(clients, load->conns);
    return status;
}

int mode_idle(const struct load *load)
{
    struct stream stream;
    int status;

    if (load->server == 0) {
        fputs("load: idle needs -P, the process to measure\n", stderr);
        return -1;
    }
    if (stream_init(&stream, load->payload, 16, load->opcode) < 0) {
        return -1;
    }
    status = measure(load, &stream);
    stream_finish(&stream);
    return status;
}
