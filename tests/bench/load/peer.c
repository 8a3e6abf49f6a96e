/* peer.c - one connection of steady traffic: it asks, and checks each answer */
#include "peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"
#include "meter.h"

enum {
    QUESTION = 16,  /* number, connection */
    ANSWER = 6 * 8, /* and count, version, count and swaps of the route */
    COMPLAINTS = 10 /* that are printed; all are counted */
};

/* ---- what goes wrong --------------------------------------------------- */

static void complain(struct tally *tally, const struct peer *peer,
                     uint64_t *count, const char *what, uint64_t number)
{
    (*count)++;
    if (tally->complaints++ < COMPLAINTS) {
        fprintf(stderr, "load: connection %d, message %" PRIu64 ": %s\n",
                peer->client.number, number, what);
    }
}

static void drop(struct tally *tally, struct peer *peer, const char *what)
{
    complain(tally, peer, &tally->drops, what, peer->client.sent);
    client_close(&peer->client);
}

/* ---- questions --------------------------------------------------------- */

static void put64(unsigned char *out, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)(value >> 8 * i);
    }
}

static uint64_t get64(const unsigned char *in)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++) {
        value |= (uint64_t)in[i] << 8 * i;
    }
    return value;
}

static void send_frame(struct tally *tally, struct peer *peer, int opcode,
                       const unsigned char *payload, size_t len)
{
    static const unsigned char mask[4] = { 0x5a, 0xc3, 0x19, 0x7e };
    unsigned char frame[2 + 4 + 125];
    size_t at = frame_header(frame, opcode, len, mask);

    for (size_t i = 0; i < len; i++) {
        frame[at++] = payload[i] ^ mask[i & 3];
    }
    if (send(peer->client.fd, frame, at, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)at) {
        drop(tally, peer,
             errno == EAGAIN ? "the server reads nothing" : strerror(errno));
    }
}

void peer_ask(struct tally *tally, struct peer *peer)
{
    struct client *client = &peer->client;
    unsigned char question[QUESTION];
    uint64_t slot = (client->sent + 1) % PEER_FLIGHT;

    if (client->fd < 0) {
        return;
    }
    if (client->sent - client->got >= PEER_FLIGHT) {
        drop(tally, peer, "it owes too many answers");
        return;
    }
    client->sent++;
    tally->sent++;
    put64(question, client->sent);
    put64(question + 8, (uint64_t)client->number);
    peer->sent_at[slot] = now_ns();
    peer->wanted[slot] = tally->version;
    send_frame(tally, peer, OP_BINARY, question, sizeof question);
}

/* ---- answers ----------------------------------------------------------- */

/* Whether it is the first answer to this number; what else it is, is told. */
static bool is_new(struct tally *tally, struct peer *peer, uint64_t number)
{
    uint64_t back;

    if (number > peer->highest) {
        back = number - peer->highest;
        peer->seen = back < 64 ? peer->seen << back | 1 : 1;
        peer->highest = number;
        return true;
    }
    back = peer->highest - number;
    if (back >= 64 || (peer->seen >> back & 1) != 0) {
        complain(tally, peer, &tally->doubled, "answered twice", number);
        return false;
    }
    peer->seen |= UINT64_C(1) << back;
    complain(tally, peer, &tally->reordered, "answered out of order", number);
    return true;
}

static void on_answer(struct tally *tally, struct peer *peer,
                      const unsigned char *answer)
{
    struct client *client = &peer->client;
    uint64_t number = get64(answer), delay;
    uint64_t count = get64(answer + 16), version = get64(answer + 24);
    uint64_t messages = get64(answer + 32), swaps = get64(answer + 40);

    if (number == 0 || number > client->sent ||
        get64(answer + 8) != (uint64_t)client->number) {
        complain(tally, peer, &tally->garbled,
                 "an answer to nothing that was asked here", number);
        return;
    }
    if (!is_new(tally, peer, number)) {
        return;
    }
    client->got++;
    tally->answered++;
    if (count != number) {
        complain(tally, peer, &tally->wrong_state,
                 "the connection's count is not kept", number);
    }
    if (version < peer->version ||
        version < peer->wanted[number % PEER_FLIGHT]) {
        complain(tally, peer, &tally->old_code,
                 "answered by code that was replaced", number);
    }
    peer->version = version > peer->version ? version : peer->version;
    if (messages > tally->route_messages) {
        tally->route_messages = messages;
    }
    if (swaps > tally->route_swaps) {
        tally->route_swaps = swaps;
    }
    delay = now_ns() - peer->sent_at[number % PEER_FLIGHT];
    hist_add(&tally->phase, delay, 1);
    hist_add(&tally->whole, delay, 1);
}

/* One whole frame. */
static void on_frame(struct tally *tally, struct peer *peer,
                     const unsigned char *frame, size_t payload)
{
    switch (frame[0]) {
    case 0x80 | OP_BINARY:
        if (payload == ANSWER) {
            on_answer(tally, peer, frame + 2);
            return;
        }
        break;
    case 0x80 | OP_PING:
        send_frame(tally, peer, OP_PONG, frame + 2, payload);
        return;
    case 0x80 | OP_PONG: return;
    case 0x80 | OP_CLOSE:
        fprintf(stderr, "load: close code %d\n",
                payload >= 2 ? frame[2] << 8 | frame[3] : 0);
        drop(tally, peer, "the server closed");
        return;
    default: break;
    }
    complain(tally, peer, &tally->garbled, "a frame of another kind",
             peer->client.got);
}

/* The part of a frame that came before is put in front of what comes. */
static void take(struct tally *tally, struct peer *peer,
                 const unsigned char *data, size_t len)
{
    size_t at = 0;

    while (at < len && peer->client.fd >= 0) {
        size_t wanted = peer->part_len < 2 ? 2 : 2 + (size_t)peer->part[1];
        size_t more = wanted - peer->part_len;

        more = more < len - at ? more : len - at;
        memcpy(peer->part + peer->part_len, data + at, more);
        peer->part_len += more;
        at += more;
        if (peer->part_len >= 2 && peer->part[1] > PEER_FRAME - 2) {
            drop(tally, peer, "a frame that is too long, or masked");
        } else if (peer->part_len >= 2 &&
                   peer->part_len == 2 + (size_t)peer->part[1]) {
            peer->part_len = 0;
            on_frame(tally, peer, peer->part, peer->part[1]);
        }
    }
}

void peer_receive(struct tally *tally, struct peer *peer)
{
    static unsigned char data[CLIENT_READ];
    ssize_t got;

    if (peer->client.fd < 0) {
        return; /* dropped since epoll told of it */
    }
    got = recv(peer->client.fd, data, sizeof data, MSG_DONTWAIT);
    if (got > 0) {
        take(tally, peer, data, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        drop(tally, peer, got == 0 ? "connection lost" : strerror(errno));
    }
}
