/*
 * mode_steady.c - traffic that goes on while the server's code is replaced
 *
 * Connections stay open and messages leave at a steady rate, whether answers
 * come or not, each with a number. The answer, of swap.c, tells that number,
 * how many messages the connection has had, and which version of the code
 * counted. Nothing ends the run but the end of standard input; a line there
 *
 *     phase VERSION
 *
 * prints the delays since the last such line; what is sent from then on has to
 * be answered by that version, or a later one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client.h"
#include "load.h"
#include "meter.h"
#include "peer.h"

enum { EVENTS = 512, TICK_NS = 1000000 };

struct steady {
    const struct load *load;
    struct peer *peers;
    int epoll, timer;
    bool input_open;
    char line[64];
    size_t line_len;
    double due; /* messages that the rate has earned */
    int next;   /* whose turn it is */
    struct tally tally;
};

static void print_delays(const struct hist *hist)
{
    printf(" count=%" PRIu64 " p50_us=%.1f p99_us=%.1f max_us=%.1f\n",
           hist->count, (double)hist_quantile(hist, 0.5) / 1e3,
           (double)hist_quantile(hist, 0.99) / 1e3, (double)hist->max / 1e3);
    fflush(stdout);
}

static void on_line(struct steady *steady)
{
    uint64_t version;

    if (sscanf(steady->line, "phase %" SCNu64, &version) != 1) {
        fprintf(stderr, "load: not a command: %s\n", steady->line);
        return;
    }
    printf("phase=%" PRIu64, version);
    print_delays(&steady->tally.phase);
    hist_clear(&steady->tally.phase);
    steady->tally.version = version;
}

static void read_input(struct steady *steady)
{
    char data[256];
    ssize_t got = read(STDIN_FILENO, data, sizeof data);

    if (got <= 0) {
        epoll_ctl(steady->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        steady->input_open = false;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (data[i] == '\n') {
            steady->line[steady->line_len] = 0;
            steady->line_len = 0;
            on_line(steady);
        } else if (steady->line_len + 1 < sizeof steady->line) {
            steady->line[steady->line_len++] = data[i];
        }
    }
}

static void tick(struct steady *steady)
{
    const struct load *load = steady->load;
    uint64_t ticks = 0;

    if (read(steady->timer, &ticks, sizeof ticks) != sizeof ticks ||
        !steady->input_open) {
        return;
    }
    steady->due += load->rate * (double)ticks * TICK_NS / 1e9;
    for (; steady->due >= 1; steady->due--) {
        peer_ask(&steady->tally, &steady->peers[steady->next]);
        steady->next = (steady->next + 1) % load->conns;
    }
}

static void turn(struct steady *steady, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(steady->epoll, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &steady->timer) {
            tick(steady);
        } else if (events[i].data.ptr == &steady->input_open) {
            read_input(steady);
        } else {
            /* client is the first thing in a peer. */
            peer_receive(&steady->tally, events[i].data.ptr);
        }
    }
}

static int watch(const struct steady *steady, int fd, void *what)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };

    return epoll_ctl(steady->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_peers(struct steady *steady)
{
    const struct load *load = steady->load;
    const struct stream none = { .slots = 1 };
    struct upgrade upgrade;

    if (upgrade_init(&upgrade, load->port, load->path) < 0) {
        return -1;
    }
    for (int i = 0; i < load->conns; i++) {
        struct client *client = &steady->peers[i].client;

        if (client_open(client, &upgrade, load->port, i, &none, 0) < 0 ||
            client_watch(client, steady->epoll) < 0) {
            fprintf(stderr, "load: %d of %d connections are open\n", i,
                    load->conns);
            return -1;
        }
    }
    return 0;
}

static int set_up(struct steady *steady)
{
    const struct itimerspec every = { .it_interval.tv_nsec = TICK_NS,
                                      .it_value.tv_nsec = TICK_NS };

    steady->epoll = epoll_create1(EPOLL_CLOEXEC);
    steady->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!steady->peers || steady->epoll < 0 || steady->timer < 0 ||
        open_peers(steady) < 0) {
        return -1;
    }
    if (timerfd_settime(steady->timer, 0, &every, NULL) < 0 ||
        watch(steady, steady->timer, &steady->timer) < 0 ||
        watch(steady, STDIN_FILENO, &steady->input_open) < 0) {
        perror("load: standard input has to be a pipe");
        return -1;
    }
    steady->input_open = true;
    return 0;
}

static int converse(struct steady *steady)
{
    struct tally *tally = &steady->tally;
    uint64_t limit, lost, faults;

    printf("open=%d\n", steady->load->conns);
    fflush(stdout);
    while (steady->input_open) {
        turn(steady, 100);
    }
    /* What is due has to come, and nothing after it. */
    limit = now_ns() + CLIENT_WAIT_S * NS_PER_S;
    while (tally->answered < tally->sent && now_ns() < limit) {
        turn(steady, 10);
    }
    limit = now_ns() + NS_PER_S / 10;
    while (now_ns() < limit) {
        turn(steady, 10);
    }
    lost = tally->sent - tally->answered;
    printf("mode=steady conns=%d sent=%" PRIu64 " drops=%" PRIu64
           " lost=%" PRIu64 " doubled=%" PRIu64 " reordered=%" PRIu64
           " wrong_state=%" PRIu64 " old_code=%" PRIu64 " garbled=%" PRIu64
           " route_messages=%" PRIu64 " route_swaps=%" PRIu64,
           steady->load->conns, tally->sent, tally->drops, lost, tally->doubled,
           tally->reordered, tally->wrong_state, tally->old_code,
           tally->garbled, tally->route_messages, tally->route_swaps);
    print_delays(&tally->whole);
    faults = tally->drops + lost + tally->doubled + tally->reordered +
             tally->wrong_state + tally->old_code + tally->garbled;
    return tally->sent > 0 && faults == 0 ? 0 : -1;
}

int mode_steady(const struct load *load)
{
    struct steady *steady = calloc(1, sizeof *steady);
    int status = -1;

    if (!steady) {
        return -1;
    }
    steady->load = load;
    steady->peers = calloc((size_t)load->conns, sizeof *steady->peers);
    for (int i = 0; steady->peers && i < load->conns; i++) {
        steady->peers[i].client.fd = -1;
    }
    if (set_up(steady) == 0) {
        status = converse(steady);
    }
    for (int i = 0; steady->peers && i < load->conns; i++) {
        client_close(&steady->peers[i].client);
    }
    close(steady->timer);
    close(steady->epoll);
    free(steady->peers);
    free(steady);
    return status;
}
