/* mode_get.c - plain HTTP requests on connections that stay open */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept.h"
#include "client.h"
#include "load.h"
#include "meter.h"

enum { EVENTS = 512, ANSWER_MAX = 1 << 16 };

struct visitor {
    int fd;
    bool waiting;
    uint64_t sent_at;
    char *data; /* ANSWER_MAX bytes */
    size_t len;
};

struct get {
    const struct load *load;
    char request[512];
    size_t request_len;
    char *body; /* of the first answer; all others have to have the same */
    size_t body_len;
    struct visitor *visitors;
    int waiting;
    struct meter meter;
    int epoll;
};

static int ask(struct get *get, struct visitor *visitor, uint64_t now)
{
    visitor->sent_at = now;
    visitor->len = 0;
    visitor->waiting = true;
    get->waiting++;
    if (send(visitor->fd, get->request, get->request_len, MSG_NOSIGNAL) !=
        (ssize_t)get->request_len) {
        perror("load: sending a request");
        return -1;
    }
    return 0;
}

static int visitor_begin(struct get *get, struct visitor *visitor)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = visitor };

    visitor->data = malloc(ANSWER_MAX);
    visitor->fd = client_connect(get->load->port);
    if (!visitor->data || visitor->fd < 0) {
        return -1;
    }
    if (epoll_ctl(get->epoll, EPOLL_CTL_ADD, visitor->fd, &event) < 0) {
        perror("load: epoll_ctl");
        return -1;
    }
    return ask(get, visitor, now_ns());
}

static int wrong(const struct visitor *visitor, const char *what)
{
    fprintf(stderr, "load: %s: %.*s\n", what,
            (int)(visitor->len < 400 ? visitor->len : 400), visitor->data);
    return -1;
}

static int check_body(struct get *get, const struct visitor *visitor,
                      const char *body, size_t len)
{
    if (!get->body) {
        get->body = malloc(len);
        if (!get->body || len == 0) {
            return wrong(visitor, "an empty body");
        }
        memcpy(get->body, body, len);
        get->body_len = len;
    }
    if (len != get->body_len || memcmp(body, get->body, len) != 0) {
        return wrong(visitor, "another body than the first answer's");
    }
    return 0;
}

/* 1 if the answer is whole and right, 0 if more is to come, -1 if wrong. */
static int check(struct get *get, const struct visitor *visitor)
{
    static const char status[] = "HTTP/1.1 200 ";
    const char *end = memmem(visitor->data, visitor->len, "\r\n\r\n", 4);
    const char *value;
    size_t head_len, value_len, body_len;

    if (!end) {
        return visitor->len < ANSWER_MAX ? 0 : wrong(visitor, "too long");
    }
    head_len = (size_t)(end - visitor->data) + 4;
    if (strncmp(visitor->data, status, sizeof status - 1) != 0) {
        return wrong(visitor, "not a 200");
    }
    value = header_find(visitor->data, head_len, "Content-Length", &value_len);
    if (!value) {
        return wrong(visitor, "no Content-Length");
    }
    body_len = (size_t)strtoul(value, NULL, 10);
    if (visitor->len < head_len + body_len) {
        return head_len + body_len <= ANSWER_MAX ? 0
                                                 : wrong(visitor, "too long");
    }
    if (visitor->len > head_len + body_len) {
        return wrong(visitor, "more than the answer");
    }
    return check_body(get, visitor, visitor->data + head_len, body_len) < 0 ? -1
                                                                            : 1;
}

static int on_input(struct get *get, struct visitor *visitor)
{
    ssize_t got = recv(visitor->fd, visitor->data + visitor->len,
                       ANSWER_MAX - visitor->len, MSG_DONTWAIT);
    uint64_t now;
    int whole;

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (got <= 0) {
        fprintf(stderr, "load: the server ended a connection: %s\n",
                got < 0 ? strerror(errno) : "closed");
        return -1;
    }
    visitor->len += (size_t)got;
    if (!visitor->waiting) {
        return wrong(visitor, "an answer without a request");
    }
    whole = check(get, visitor);
    if (whole <= 0) {
        return whole;
    }
    now = now_ns();
    visitor->waiting = false;
    get->waiting--;
    meter_add(&get->meter, now - visitor->sent_at, 1);
    return get->meter.over ? 0 : ask(get, visitor, now);
}

static int turn(struct get *get, int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(get->epoll, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++) {
        if (on_input(get, events[i].data.ptr) < 0) {
            return -1;
        }
    }
    return count;
}

static int drain(struct get *get)
{
    uint64_t limit = now_ns() + CLIENT_WAIT_S * NS_PER_S;

    while (get->waiting > 0 && now_ns() < limit) {
        if (turn(get, 100) < 0) {
            return -1;
        }
    }
    if (get->waiting > 0) {
        fprintf(stderr, "load: %d answers are missing\n", get->waiting);
        return -1;
    }
    return 0;
}

static int run(struct get *get)
{
    const struct load *load = get->load;
    int len = snprintf(get->request, sizeof get->request,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       "User-Agent: bench-load\r\nAccept: */*\r\n\r\n",
                       load->path, load->port);

    if (len < 0 || (size_t)len >= sizeof get->request) {
        fputs("load: the path is too long\n", stderr);
        return -1;
    }
    get->request_len = (size_t)len;
    meter_init(&get->meter, load->warm_up, load->seconds, load->server);
    for (int i = 0; i < load->conns; i++) {
        if (visitor_begin(get, &get->visitors[i]) < 0) {
            return -1;
        }
    }
    while (!get->meter.over) {
        uint64_t now = now_ns();

        meter_tick(&get->meter, now);
        if (turn(get, meter_wait(&get->meter, now)) < 0) {
            return -1;
        }
    }
    if (get->meter.count == 0) {
        fputs("load: not one answer\n", stderr);
        return -1;
    }
    return drain(get);
}

int mode_get(const struct load *load)
{
    struct get *get = calloc(1, sizeof *get);
    int status = -1;

    if (!get) {
        return -1;
    }
    get->load = load;
    get->epoll = epoll_create1(EPOLL_CLOEXEC);
    get->visitors = calloc((size_t)load->conns, sizeof *get->visitors);
    for (int i = 0; get->visitors && i < load->conns; i++) {
        get->visitors[i].fd = -1;
    }
    if (get->epoll >= 0 && get->visitors && run(get) == 0) {
        printf("mode=get conns=%d body=%zu ", load->conns, get->body_len);
        meter_print(&get->meter);
        putchar('\n');
        status = 0;
    }
    for (int i = 0; get->visitors && i < load->conns; i++) {
        if (get->visitors[i].fd >= 0) {
            close(get->visitors[i].fd);
        }
        free(get->visitors[i].data);
    }
    free(get->visitors);
    free(get->body);
    close(get->epoll);
    free(get);
    return status;
}
