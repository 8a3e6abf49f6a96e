/* mode_echo.c - each connection keeps its messages in flight and checks them */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"
#include "load.h"
#include "meter.h"

enum { EVENTS = 512, SPARE_SLOTS = 16 };

struct echo {
    const struct load *load;
    struct stream stream;
    struct client *clients;
    uint64_t *sent_at; /* mask + 1 of each client: its latest messages */
    uint64_t mask;
    uint64_t waiting; /* answers to come, of all */
    struct meter meter;
    int epoll;
};

static uint64_t *times_of(const struct echo *echo, const struct client *client)
{
    return echo->sent_at + (uint64_t)client->number * (echo->mask + 1);
}

static int send_more(struct echo *echo, struct client *client, int times,
                     uint64_t now)
{
    uint64_t *sent_at = times_of(echo, client);

    for (uint64_t i = 0; i < (uint64_t)times; i++) {
        sent_at[(client->sent + i) & echo->mask] = now;
    }
    echo->waiting += (uint64_t)times;
    return client_send(client, &echo->stream, (size_t)times);
}

static int on_answers(struct echo *echo, struct client *client)
{
    const uint64_t *sent_at = times_of(echo, client);
    uint64_t first = client->got, now;
    int whole =
        client_receive(client, &echo->stream, client->sent - client->got);

    if (whole <= 0) {
        return whole;
    }
    now = now_ns();
    while (first < client->got) { /* what was sent together, together */
        uint64_t at = sent_at[first & echo->mask], same = 0;

        while (first < client->got && sent_at[first & echo->mask] == at) {
            same++;
            first++;
        }
        meter_add(&echo->meter, now - at, same);
    }
    echo->waiting -= (uint64_t)whole;
    return echo->meter.over ? 0 : send_more(echo, client, whole, now);
}

static int turn(struct echo *echo, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(echo->epoll, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;

        if (events[i].events & EPOLLOUT &&
            client_send(client, &echo->stream, 0) < 0) {
            return -1;
        }
        if (events[i].events & ~(uint32_t)EPOLLOUT &&
            on_answers(echo, client) < 0) {
            return -1;
        }
    }
    return count;
}

/* The answers still to come have to come, and nothing after them. */
static int drain(struct echo *echo)
{
    uint64_t limit = now_ns() + CLIENT_WAIT_S * NS_PER_S;

    while (echo->waiting > 0 && now_ns() < limit) {
        if (turn(echo, 100) < 0) {
            return -1;
        }
    }
    if (echo->waiting > 0) {
        fprintf(stderr, "load: %llu answers are missing\n",
                (unsigned long long)echo->waiting);
        return -1;
    }
    return turn(echo, 20) < 0 ? -1 : 0;
}

static int converse(struct echo *echo)
{
    const struct load *load = echo->load;

    for (int i = 0; i < load->conns; i++) {
        if (client_watch(&echo->clients[i], echo->epoll) < 0) {
            return -1;
        }
    }
    meter_init(&echo->meter, load->warm_up, load->seconds, load->server);
    for (int i = 0; i < load->conns; i++) {
        if (send_more(echo, &echo->clients[i], load->flight, now_ns()) < 0) {
            return -1;
        }
    }
    while (!echo->meter.over) {
        uint64_t now = now_ns();

        meter_tick(&echo->meter, now);
        if (turn(echo, meter_wait(&echo->meter, now)) < 0) {
            return -1;
        }
    }
    if (echo->meter.count == 0) {
        fputs("load: not one answer\n", stderr);
        return -1;
    }
    return drain(echo);
}

int mode_echo(const struct load *load)
{
    struct echo *echo = calloc(1, sizeof *echo);
    int status = -1;

    if (!echo) {
        return -1;
    }
    echo->load = load;
    echo->epoll = epoll_create1(EPOLL_CLOEXEC);
    while (echo->mask + 1 < (uint64_t)load->flight) {
        echo->mask = echo->mask * 2 + 1;
    }
    echo->sent_at =
        calloc((size_t)load->conns * (echo->mask + 1), sizeof *echo->sent_at);
    if (echo->epoll >= 0 && echo->sent_at &&
        stream_init(&echo->stream, load->payload,
                    (size_t)load->flight + SPARE_SLOTS, load->opcode) == 0) {
        echo->clients = clients_open(load, &echo->stream, load->conns, true);
    }
    if (echo->clients && converse(echo) == 0) {
        printf("mode=echo conns=%d flight=%d payload=%zu ", load->conns,
               load->flight, load->payload);
        meter_print(&echo->meter);
        putchar('\n');
        status = 0;
    }
    clients_close(echo->clients, load->conns);
    stream_finish(&echo->stream);
    free(echo->sent_at);
    close(echo->epoll);
    free(echo);
    return status;
}
