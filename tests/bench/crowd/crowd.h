/* crowd.h - many clients of several hosts, and what is to be done with them */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "member.h"
#include "processes.h"

enum { CROWD_PORTS = 16 };

struct crowd_setup {
    int ports[CROWD_PORTS]; /* one for each host, on 127.0.0.1 */
    int port_count;
    bool socketio;
    const char *path;
    int conns;      /* subscribers, or members */
    int each;       /* topics that a subscriber has */
    int topics;     /* in all */
    int publishers; /* connections of their own */
    int flight;     /* messages on their way, or commands, in all */
    size_t payload;
    double warm_up, seconds;
    double late;                   /* seconds without anything that is due */
    struct processes hosts, redis; /* whose CPU time and memory are told */
};

struct crowd {
    const struct crowd_setup *setup;
    struct member *members; /* setup->conns, then the publishers */
    int count;
    int epoll;
    unsigned long long asks; /* commands that wait for their answer */
    uint64_t heard_at;       /* when anything came, ns */
    member_text *on_text;
    void *arg;
};

/* What was used up to a moment. */
struct crowd_cost {
    uint64_t at, hosts, redis, own; /* ns */
};

/* Opens setup->conns and some more, spread over the hosts. -1, said why. */
int crowd_open(struct crowd *crowd, const struct crowd_setup *setup,
               int publishers);
void crowd_close(struct crowd *crowd);

/* Of which host a client is. The clients of one topic are spread as well. */
int crowd_port(const struct crowd_setup *setup, int number);

/* Receives what there is, waiting so long for it at most. -1: it is wrong. */
int crowd_turn(struct crowd *crowd, int wait_ms);

/* Whether nothing has come for so long that what is due is late. */
bool crowd_late(const struct crowd *crowd);

/* Says a command that will be answered; crowd_answered when it is. */
int crowd_ask(struct crowd *crowd, struct member *member, char command,
              const char *one, const char *two);
int crowd_answered(struct crowd *crowd, struct member *member);

/* Until all commands are answered; -1, said so, if one is not. */
int crowd_wait(struct crowd *crowd);

/* Until the servers do nothing any more: what they tell each other of topics
 * and members has arrived then. */
int crowd_rest(struct crowd *crowd);

void crowd_look(const struct crowd *crowd, struct crowd_cost *cost);

/* mode=...: each prints a line of key=value. 0, or -1 and why. */
int crowd_publish(const struct crowd_setup *setup);
int crowd_presence(const struct crowd_setup *setup);

#endif
