/* mode_fan.c - one publishes, it and all subscribers have to receive it */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"
#include "load.h"
#include "meter.h"

enum { EVENTS = 512, SPARE_SLOTS = 16 };

/* A message is on its way until the last client has got it. */
struct publish {
    uint64_t sent_at;
    int missing; /* clients that have not got it */
};

struct fan {
    const struct load *load;
    struct stream stream;
    struct client *clients;    /* the first one publishes */
    int count;                 /* of them */
    struct publish *publishes; /* number modulo the stream's slots */
    uint64_t done;             /* messages that all have got */
    struct meter meter;
    int epoll;
};

static int publish(struct fan *fan, int times, uint64_t now)
{
    struct client *publisher = &fan->clients[0];

    for (int i = 0; i < times; i++) {
        uint64_t number = publisher->sent + (uint64_t)i;

        fan->publishes[number % fan->stream.slots] =
            (struct publish){ .sent_at = now, .missing = fan->count };
    }
    return client_send(publisher, &fan->stream, (size_t)times);
}

static int on_delivery(struct fan *fan, struct client *client)
{
    uint64_t first = client->got, now;
    uint64_t sent = fan->clients[0].sent;
    int whole = client_receive(client, &fan->stream, sent - first);
    int done = 0;

    if (whole <= 0) {
        return whole;
    }
    now = now_ns();
    for (uint64_t i = first; i < client->got; i++) {
        struct publish *message = &fan->publishes[i % fan->stream.slots];

        meter_add(&fan->meter, now - message->sent_at, 1);
        if (--message->missing == 0) {
            done++;
        }
    }
    fan->done += (uint64_t)done;
    return done == 0 || fan->meter.over ? 0 : publish(fan, done, now);
}

static int turn(struct fan *fan, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(fan->epoll, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;

        if (events[i].events & EPOLLOUT &&
            client_send(client, &fan->stream, 0) < 0) {
            return -1;
        }
        if (events[i].events & ~(uint32_t)EPOLLOUT &&
            on_delivery(fan, client) < 0) {
            return -1;
        }
    }
    return count;
}

static int drain(struct fan *fan)
{
    uint64_t limit = now_ns() + CLIENT_WAIT_S * NS_PER_S;
    uint64_t sent = fan->clients[0].sent;

    while (fan->done < sent && now_ns() < limit) {
        if (turn(fan, 100) < 0) {
            return -1;
        }
    }
    if (fan->done < sent) {
        fprintf(stderr, "load: %llu messages did not reach everybody\n",
                (unsigned long long)(sent - fan->done));
        return -1;
    }
    return turn(fan, 20) < 0 ? -1 : 0;
}

static int converse(struct fan *fan)
{
    const struct load *load = fan->load;

    for (int i = 0; i < fan->count; i++) {
        if (client_watch(&fan->clients[i], fan->epoll) < 0) {
            return -1;
        }
    }
    meter_init(&fan->meter, load->warm_up, load->seconds, load->server);
    if (publish(fan, load->flight, now_ns()) < 0) {
        return -1;
    }
    while (!fan->meter.over) {
        uint64_t now = now_ns();

        meter_tick(&fan->meter, now);
        if (turn(fan, meter_wait(&fan->meter, now)) < 0) {
            return -1;
        }
    }
    if (fan->meter.count == 0) {
        fputs("load: not one delivery\n", stderr);
        return -1;
    }
    return drain(fan);
}

int mode_fan(const struct load *load)
{
    struct fan *fan = calloc(1, sizeof *fan);
    size_t slots = (size_t)load->flight + SPARE_SLOTS;
    int status = -1;

    if (!fan) {
        return -1;
    }
    fan->load = load;
    fan->count = load->conns + 1;
    fan->epoll = epoll_create1(EPOLL_CLOEXEC);
    fan->publishes = calloc(slots, sizeof *fan->publishes);
    if (fan->epoll >= 0 && fan->publishes &&
        stream_init(&fan->stream, load->payload, slots, load->opcode) == 0) {
        fan->clients = clients_open(load, &fan->stream, fan->count, false);
    }
    if (fan->clients && converse(fan) == 0) {
        printf("mode=fan subscribers=%d flight=%d payload=%zu ", load->conns,
               load->flight, load->payload);
        meter_print(&fan->meter);
        putchar('\n');
        status = 0;
    }
    clients_close(fan->clients, fan->count);
    stream_finish(&fan->stream);
    free(fan->publishes);
    close(fan->epoll);
    free(fan);
    return status;
}
