/* crowd.c - many clients of several hosts */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "meter.h"

enum {
    EVENTS = 512,
    OPENING = 100,
    REST_LATE_S = 60,
    REST_MS = 50,
    REST_TIMES = 4, /* in a row */
    REST_PART = 40  /* of the time, that servers at rest may still run */
};

int crowd_port(const struct crowd_setup *setup, int number)
{
    long long first = (long long)number * setup->each;
    long long round = first / setup->topics; /* through all topics */

    return (int)((first % setup->topics / setup->each + round) %
                 setup->port_count);
}

int crowd_open(struct crowd *crowd, const struct crowd_setup *setup,
               int publishers)
{
    struct upgrade upgrades[CROWD_PORTS];
    int count = setup->conns + publishers;

    crowd->setup = setup;
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->members = calloc((size_t)count, sizeof *crowd->members);
    if (crowd->epoll < 0 || !crowd->members) {
        return -1;
    }
    for (int i = 0; i < setup->port_count; i++) {
        if (upgrade_init(&upgrades[i], setup->ports[i], setup->path) < 0) {
            return -1;
        }
    }
    for (int i = 0; i < count; i++) {
        struct member *member = &crowd->members[i];
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = member };
        int port = i < setup->conns ? crowd_port(setup, i)
                                    : (i - setup->conns) % setup->port_count;

        if (member_open(member, &upgrades[port], setup->ports[port], i,
                        setup->socketio) < 0) {
            fprintf(stderr, "crowd: %d of %d clients are in\n", i, count);
            return -1;
        }
        crowd->count++;
        if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, member->fd, &event) < 0) {
            perror("crowd: epoll_ctl");
            return -1;
        }
        if (i % OPENING == 0 && crowd_turn(crowd, 0) < 0) {
            return -1; /* pings of the first do not wait for the last */
        }
    }
    return 0;
}

void crowd_close(struct crowd *crowd)
{
    for (int i = 0; i < crowd->count; i++) {
        member_close(&crowd->members[i]);
    }
    free(crowd->members);
    if (crowd->epoll >= 0) {
        close(crowd->epoll);
    }
}

int crowd_turn(struct crowd *crowd, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(crowd->epoll, events, EVENTS, wait_ms);

    if (count > 0) {
        crowd->heard_at = now_ns();
    }
    for (int i = 0; i < count; i++) {
        if (member_receive(events[i].data.ptr, crowd->on_text, crowd->arg) <
            0) {
            return -1;
        }
    }
    return 0;
}

bool crowd_late(const struct crowd *crowd)
{
    return now_ns() > crowd->heard_at + (uint64_t)(crowd->setup->late * 1e9);
}

int crowd_ask(struct crowd *crowd, struct member *member, char command,
              const char *one, const char *two)
{
    member->asks++;
    crowd->asks++;
    return member_say(member, command, one, two);
}

int crowd_answered(struct crowd *crowd, struct member *member)
{
    if (member->asks == 0) {
        fprintf(stderr, "crowd: client %d: an answer to nothing\n",
                member->number);
        return -1;
    }
    member->asks--;
    crowd->asks--;
    return 0;
}

int crowd_wait(struct crowd *crowd)
{
    crowd->heard_at = now_ns();
    while (crowd->asks > 0) {
        if (crowd_turn(crowd, 100) < 0) {
            return -1;
        }
        if (crowd_late(crowd)) {
            fprintf(stderr, "crowd: %llu commands were not answered\n",
                    crowd->asks);
            return -1;
        }
    }
    return 0;
}

int crowd_rest(struct crowd *crowd)
{
    uint64_t limit = now_ns() + REST_LATE_S * NS_PER_S;
    struct crowd_cost before, now;

    crowd_look(crowd, &before);
    for (int times = 0; times < REST_TIMES;) {
        uint64_t until = now_ns() + REST_MS * (NS_PER_S / 1000);

        while (now_ns() < until) {
            if (crowd_turn(crowd, REST_MS) < 0) {
                return -1;
            }
        }
        crowd_look(crowd, &now);
        if ((now.hosts - before.hosts + now.redis - before.redis) * REST_PART <
            now.at - before.at) {
            times++;
        } else {
            times = 0;
        }
        before = now;
        if (now.at > limit) {
            fputs("crowd: the servers do not come to rest\n", stderr);
            return -1;
        }
    }
    return 0;
}

void crowd_look(const struct crowd *crowd, struct crowd_cost *cost)
{
    *cost = (struct crowd_cost){
        .at = now_ns(),
        .hosts = processes_cpu(&crowd->setup->hosts),
        .redis = processes_cpu(&crowd->setup->redis),
        .own = process_cpu(getpid()),
    };
}
