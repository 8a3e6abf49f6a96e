/* peer.h - one connection of steady traffic: it asks, and checks each answer */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "hist.h"

enum {
    PEER_FLIGHT = 64,    /* answers that one connection may owe */
    PEER_FRAME = 2 + 125 /* the longest frame of a server */
};

struct peer {
    struct client client; /* sent and got are numbers of messages */
    uint64_t seen;    /* a bit for each of the last numbers, bit 0: highest */
    uint64_t highest; /* number that was answered */
    uint64_t version; /* that answered last */
    uint64_t sent_at[PEER_FLIGHT];
    uint64_t wanted[PEER_FLIGHT]; /* the version, as it was known then */
    unsigned char part[PEER_FRAME];
    size_t part_len;
};

/* What became of the messages of all peers. */
struct tally {
    uint64_t version; /* which answers, or a later one, what is sent now */
    uint64_t sent, answered;
    uint64_t drops, doubled, reordered, wrong_state, old_code, garbled;
    uint64_t route_messages, route_swaps; /* the most that was told */
    unsigned complaints;
    struct hist phase, whole; /* delays */
};

/* Sends the next message; nothing, if the connection was dropped. */
void peer_ask(struct tally *tally, struct peer *peer);

/* Receives once. */
void peer_receive(struct tally *tally, struct peer *peer);

#endif
