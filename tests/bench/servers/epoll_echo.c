/*
 * epoll_echo.c - WebSocket echo and fan-out on bare epoll: the limit
 *
 *     epoll_echo PORT
 *
 * What a server cannot do without, and nothing else: one receive and one send
 * for all that arrived together, no time-outs, no limits, no checks beyond
 * those that keep it alive. What patchbay needs on top of this is patchbay's
 * price. Paths: /echo, /fan, and /get for plain HTTP.
 */
#include "../load/accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, EVENTS = 512, HEADER_MAX = 10, BACKLOG = 4096 };

enum kind { HTTP, ECHO, FAN };

/* Bytes that wait for the rest of a frame, or for the socket. */
struct rest {
    unsigned char *data;
    size_t len;
};

struct conn {
    int fd;
    enum kind kind;
    bool ending; /* closes once out is empty */
    bool dead;   /* freed when the events of this turn are done */
    struct conn *next_dead;
    struct rest in;
    struct rest out;
    size_t fan_index;
};

/* One turn's input and output; a message has to fit. */
static unsigned char input[BUFFER];
static unsigned char output[BUFFER + HEADER_MAX];
static size_t output_len;

static struct conn **fans;
static size_t fan_count, fan_room;
static struct conn *dead_list;
static int epfd;

static void *must(void *pointer)
{
    if (!pointer) {
        fputs("epoll_echo: out of memory\n", stderr);
        exit(1);
    }
    return pointer;
}

static void rest_set(struct rest *rest, const unsigned char *data, size_t len)
{
    if (rest->len + len == 0) {
        return;
    }
    rest->data = must(realloc(rest->data, rest->len + len));
    memcpy(rest->data + rest->len, data, len);
    rest->len += len;
}

static void rest_drop(struct rest *rest, size_t len)
{
    rest->len -= len;
    memmove(rest->data, rest->data + len, rest->len);
    if (rest->len == 0) {
        free(rest->data);
        rest->data = NULL;
    }
}

static void conn_drop(struct conn *conn)
{
    if (!conn->dead) {
        conn->dead = true;
        conn->next_dead = dead_list;
        dead_list = conn;
    }
}

static void bury_the_dead(void)
{
    while (dead_list) {
        struct conn *conn = dead_list;

        dead_list = conn->next_dead;
        if (conn->kind == FAN) {
            fans[conn->fan_index] = fans[--fan_count];
            fans[conn->fan_index]->fan_index = conn->fan_index;
        }
        close(conn->fd);
        free(conn->in.data);
        free(conn->out.data);
        free(conn);
    }
}

/* A connection that has output waiting is not read from. */
static void watch(struct conn *conn, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = conn };

    epoll_ctl(epfd, EPOLL_CTL_MOD, conn->fd, &event);
}

static void conn_write(struct conn *conn, const unsigned char *data, size_t len)
{
    ssize_t sent = 0;

    if (conn->dead) {
        return;
    }
    if (conn->out.len == 0) {
        sent = send(conn->fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            conn_drop(conn);
            return;
        }
        sent = sent < 0 ? 0 : sent;
        if ((size_t)sent < len) {
            watch(conn, EPOLLOUT);
        }
    }
    rest_set(&conn->out, data + sent, len - (size_t)sent);
}

static void on_writable(struct conn *conn)
{
    ssize_t sent = send(conn->fd, conn->out.data, conn->out.len, MSG_NOSIGNAL);

    if (sent < 0) {
        if (errno != EAGAIN) {
            conn_drop(conn);
        }
        return;
    }
    rest_drop(&conn->out, (size_t)sent);
    if (conn->out.len == 0) {
        if (conn->ending) {
            conn_drop(conn);
        } else {
            watch(conn, EPOLLIN);
        }
    }
}

static void put_header(unsigned char first, size_t len)
{
    unsigned char *p = output + output_len;

    *p++ = first;
    if (len < 126) {
        *p++ = (unsigned char)len;
    } else if (len < 65536) {
        *p++ = 126;
        *p++ = (unsigned char)(len >> 8);
        *p++ = (unsigned char)len;
    } else {
        *p++ = 127;
        for (int shift = 56; shift >= 0; shift -= 8) {
            *p++ = (unsigned char)((uint64_t)len >> shift);
        }
    }
    output_len = (size_t)(p - output);
}

static void put_unmasked(const unsigned char *restrict from, size_t len,
                         const unsigned char *mask)
{
    unsigned char *restrict to = output + output_len;
    uint64_t wide, word;
    uint32_t half;
    size_t i = 0;

    memcpy(&half, mask, 4);
    wide = (uint64_t)half << 32 | half;
    for (; i + 8 <= len; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(to + i, &word, 8);
    }
    for (; i < len; i++) {
        to[i] = from[i] ^ mask[i & 3];
    }
    output_len += len;
}

/* Sends what one connection's input led to, to whom it is for. */
static void flush(struct conn *conn)
{
    if (output_len == 0) {
        return;
    }
    if (conn->kind == FAN) {
        for (size_t i = 0; i < fan_count; i++) {
            conn_write(fans[i], output, output_len);
        }
    } else {
        conn_write(conn, output, output_len);
    }
    output_len = 0;
}

/* How many bytes of data are one whole frame; 0: not yet whole. */
static size_t on_frame(struct conn *conn, const unsigned char *data, size_t len)
{
    size_t head = 2;
    uint64_t payload;

    if (len < 2) {
        return 0;
    }
    payload = data[1] & 0x7f;
    if (payload >= 126) {
        size_t bytes = payload == 126 ? 2 : 8;

        if (len < 2 + bytes) {
            return 0;
        }
        payload = 0;
        for (size_t i = 0; i < bytes; i++) {
            payload = payload << 8 | data[2 + i];
        }
        head += bytes;
    }
    if (!(data[1] & 0x80) || payload > BUFFER - HEADER_MAX - 4) {
        conn_drop(conn);
        return 0;
    }
    head += 4;
    if (len < head + payload) {
        return 0;
    }
    switch (data[0]) {
    case 0x81:
    case 0x82: put_header(data[0], (size_t)payload); break;
    case 0x88:
    case 0x89:
        flush(conn);
        conn->ending = data[0] == 0x88;
        put_header(conn->ending ? 0x88 : 0x8a, (size_t)payload);
        break;
    case 0x8a: return head + (size_t)payload;
    default: conn_drop(conn); return 0;
    }
    put_unmasked(data + head, (size_t)payload, data + head - 4);
    if (data[0] & 8) { /* for the sender alone, on /fan too */
        conn_write(conn, output, output_len);
        output_len = 0;
    }
    return head + (size_t)payload;
}

static void put_text(const char *text)
{
    size_t len = strlen(text);

    memcpy(output + output_len, text, len);
    output_len += len;
}

static void join_fan(struct conn *conn)
{
    if (fan_count == fan_room) {
        fan_room = fan_room ? fan_room * 2 : 64;
        fans = must(realloc(fans, fan_room * sizeof *fans));
    }
    conn->fan_index = fan_count;
    fans[fan_count++] = conn;
}

/* How many bytes of data are the head of a request; 0: not yet whole. */
static size_t on_request(struct conn *conn, const unsigned char *data,
                         size_t len)
{
    const char *head = (const char *)data;
    const unsigned char *end = memmem(data, len, "\r\n\r\n", 4);
    char accept[ACCEPT_LEN + 1];
    const char *key;
    size_t head_len, key_len;

    if (!end) {
        return 0;
    }
    if (output_len > BUFFER / 2) {
        flush(conn);
    }
    head_len = (size_t)(end - data) + 4;
    key = header_find(head, head_len, "Sec-WebSocket-Key", &key_len);
    if (!key) {
        put_text("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                 "Content-Length: 20\r\n\r\nhello from a server\n");
        return head_len;
    }
    if (key_len != KEY_LEN) {
        conn_drop(conn);
        return 0;
    }
    accept_of_key(key, accept);
    put_text("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    put_text(accept);
    put_text("\r\n\r\n");
    flush(conn);
    if (strncmp(head, "GET /fan ", 9) == 0) {
        conn->kind = FAN;
        join_fan(conn);
    } else {
        conn->kind = ECHO;
    }
    return head_len;
}

static void on_readable(struct conn *conn)
{
    size_t had = conn->in.len, done = 0, len;
    ssize_t got;

    if (had > 0) {
        memcpy(input, conn->in.data, had);
    }
    got = recv(conn->fd, input + had, BUFFER - had, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            conn_drop(conn);
        }
        return;
    }
    len = had + (size_t)got;
    while (done < len && !conn->dead && !conn->ending) {
        size_t used = conn->kind == HTTP
                          ? on_request(conn, input + done, len - done)
                          : on_frame(conn, input + done, len - done);

        if (used == 0) {
            break;
        }
        done += used;
    }
    flush(conn);
    if (conn->ending && conn->out.len == 0) {
        conn_drop(conn);
    }
    if (had > 0) {
        rest_drop(&conn->in, had);
    }
    rest_set(&conn->in, input + done, len - done);
}

static void on_accept(int listener)
{
    struct epoll_event event = { .events = EPOLLIN };
    struct conn *conn;
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        conn = must(calloc(1, sizeof *conn));
        conn->fd = fd;
        event.data.ptr = conn;
        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, BACKLOG) < 0) {
        fprintf(stderr, "epoll_echo: port %d: %s\n", port, strerror(errno));
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    struct rlimit files;
    int listener;

    if (argc != 2) {
        fputs("usage: epoll_echo PORT\n", stderr);
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    listener = listen_on(atoi(argv[1]));
    epfd = epoll_create1(0);
    epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epfd, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            struct conn *conn = events[i].data.ptr;

            if (!conn) {
                on_accept(listener);
            } else if (conn->dead) {
                continue;
            } else if (events[i].events & EPOLLOUT) {
                on_writable(conn);
            } else {
                on_readable(conn);
            }
        }
        bury_the_dead();
    }
}
