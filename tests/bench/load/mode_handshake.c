/* mode_handshake.c - connects, upgrades, says goodbye, over and over */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "load.h"
#include "meter.h"

enum { EVENTS = 512, HEAD_MAX = 2048 };

/* Close with code 1000; the server has to answer with a Close of its own and
 * then to end the connection (RFC 6455 sections 5.5.1 and 7.1.1). */
static const unsigned char goodbye[] = { 0x88, 0x82, 0x11, 0x22,
                                         0x33, 0x44, 0x12, 0xca };

enum step { UPGRADING, CLOSING, CLOSED };

struct visit {
    int fd;
    enum step step;
    uint64_t began;
    char data[HEAD_MAX];
    size_t len;
};

struct handshake {
    const struct load *load;
    struct upgrade upgrade;
    struct visit *visits;
    int open;
    struct meter meter;
    int epoll;
};

static int visit_begin(struct handshake *all, struct visit *visit)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = visit };
    const struct upgrade *upgrade = &all->upgrade;

    visit->step = UPGRADING;
    visit->len = 0;
    visit->began = now_ns();
    visit->fd = client_connect(all->load->port);
    if (visit->fd < 0) {
        return -1;
    }
    all->open++;
    if (send(visit->fd, upgrade->request, upgrade->request_len, MSG_NOSIGNAL) !=
            (ssize_t)upgrade->request_len ||
        epoll_ctl(all->epoll, EPOLL_CTL_ADD, visit->fd, &event) < 0) {
        perror("load: sending the upgrade");
        return -1;
    }
    return 0;
}

static void visit_end(struct handshake *all, struct visit *visit)
{
    if (visit->fd >= 0) {
        close(visit->fd);
        visit->fd = -1;
        all->open--;
    }
}

/* One step further with what has come; -1 if it is wrong. */
static int visit_step(struct visit *visit, const struct upgrade *upgrade)
{
    int used;

    if (visit->step == UPGRADING) {
        used = upgrade_check(upgrade, visit->data, visit->len);
        if (used <= 0) {
            return used;
        }
        visit->len -= (size_t)used;
        memmove(visit->data, visit->data + used, visit->len);
        if (send(visit->fd, goodbye, sizeof goodbye, MSG_NOSIGNAL) !=
            sizeof goodbye) {
            perror("load: sending Close");
            return -1;
        }
        visit->step = CLOSING;
    }
    if (visit->step == CLOSING && visit->len >= 4) {
        if (memcmp(visit->data, "\x88\x02\x03\xe8", 4) != 0) {
            fputs("load: the answer to Close 1000 is another\n", stderr);
            return -1;
        }
        visit->step = CLOSED;
    }
    return 0;
}

static int on_input(struct handshake *all, struct visit *visit)
{
    ssize_t got = recv(visit->fd, visit->data + visit->len,
                       sizeof visit->data - visit->len, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (got > 0) {
        visit->len += (size_t)got;
        return visit_step(visit, &all->upgrade);
    }
    if (visit->step != CLOSED) {
        fprintf(stderr, "load: the server ended the connection %s: %s\n",
                visit->step == CLOSING ? "without a Close frame"
                                       : "instead of upgrading it",
                got < 0 ? strerror(errno) : "closed");
        return -1;
    }
    visit_end(all, visit);
    meter_add(&all->meter, now_ns() - visit->began, 1);
    return all->meter.over ? 0 : visit_begin(all, visit);
}

static int turn(struct handshake *all, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(all->epoll, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++) {
        if (on_input(all, events[i].data.ptr) < 0) {
            return -1;
        }
    }
    return count;
}

static int drain(struct handshake *all)
{
    uint64_t limit = now_ns() + CLIENT_WAIT_S * NS_PER_S;

    while (all->open > 0 && now_ns() < limit) {
        if (turn(all, 100) < 0) {
            return -1;
        }
    }
    if (all->open > 0) {
        fprintf(stderr, "load: %d connections were not ended\n", all->open);
        return -1;
    }
    return 0;
}

static int run(struct handshake *all)
{
    const struct load *load = all->load;

    if (upgrade_init(&all->upgrade, load->port, load->path) < 0) {
        return -1;
    }
    meter_init(&all->meter, load->warm_up, load->seconds, load->server);
    for (int i = 0; i < load->conns; i++) {
        if (visit_begin(all, &all->visits[i]) < 0) {
            return -1;
        }
    }
    while (!all->meter.over) {
        uint64_t now = now_ns();

        meter_tick(&all->meter, now);
        if (turn(all, meter_wait(&all->meter, now)) < 0) {
            return -1;
        }
    }
    if (all->meter.count == 0) {
        fputs("load: not one handshake\n", stderr);
        return -1;
    }
    return drain(all);
}

int mode_handshake(const struct load *load)
{
    struct handshake *all = calloc(1, sizeof *all);
    int status = -1;

    if (!all) {
        return -1;
    }
    all->load = load;
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    all->visits = calloc((size_t)load->conns, sizeof *all->visits);
    for (int i = 0; all->visits && i < load->conns; i++) {
        all->visits[i].fd = -1;
    }
    if (all->epoll >= 0 && all->visits && run(all) == 0) {
        printf("mode=handshake conns=%d ", load->conns);
        meter_print(&all->meter);
        putchar('\n');
        status = 0;
    }
    for (int i = 0; all->visits && i < load->conns; i++) {
        visit_end(all, &all->visits[i]);
    }
    free(all->visits);
    close(all->epoll);
    free(all);
    return status;
}
