/* client.c - one WebSocket connection of the load generator */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "accept.h"

int client_connect(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval wait = { .tv_sec = CLIENT_WAIT_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0) {
        perror("load: socket");
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        fprintf(stderr, "load: connect to 127.0.0.1:%d: %s\n", port,
                strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

int upgrade_init(struct upgrade *upgrade, int port, const char *path)
{
    unsigned char nonce[16];
    char key[KEY_LEN + 1];
    int len;

    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce) {
        perror("load: getrandom");
        return -1;
    }
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
    accept_of_key(key, upgrade->accept);
    len = snprintf(upgrade->request, sizeof upgrade->request,
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
                   "\r\n",
                   path, port, key);
    if (len < 0 || (size_t)len >= sizeof upgrade->request) {
        fprintf(stderr, "load: the path is too long: %s\n", path);
        return -1;
    }
    upgrade->request_len = (size_t)len;
    return 0;
}

int upgrade_check(const struct upgrade *upgrade, const char *data, size_t len)
{
    static const char status[] = "HTTP/1.1 101 ";
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    const char *accept;
    size_t head_len, accept_len;

    if (!end) {
        return 0;
    }
    head_len = (size_t)(end - data) + 4;
    if (strncmp(data, status, sizeof status - 1) != 0) {
        fprintf(stderr, "load: upgrade refused: %.*s\n",
                (int)strcspn(data, "\r"), data);
        return -1;
    }
    accept = header_find(data, head_len, "Sec-WebSocket-Accept", &accept_len);
    if (!accept || accept_len != ACCEPT_LEN ||
        memcmp(accept, upgrade->accept, ACCEPT_LEN) != 0) {
        fputs("load: wrong Sec-WebSocket-Accept\n", stderr);
        return -1;
    }
    return (int)head_len;
}

static int upgrade(int fd, const struct upgrade *upgrade)
{
    char head[2048];
    size_t len = 0;
    int used = 0;

    if (send(fd, upgrade->request, upgrade->request_len, MSG_NOSIGNAL) !=
        (ssize_t)upgrade->request_len) {
        perror("load: sending the upgrade");
        return -1;
    }
    while (used == 0) {
        ssize_t got = recv(fd, head + len, sizeof head - len, 0);

        if (got <= 0) {
            fprintf(stderr, "load: no answer to the upgrade: %s\n",
                    got < 0 ? strerror(errno) : "closed");
            return -1;
        }
        len += (size_t)got;
        used = upgrade_check(upgrade, head, len);
    }
    if (used > 0 && (size_t)used < len) {
        fputs("load: data behind the upgrade that nobody asked for\n", stderr);
        return -1;
    }
    return used < 0 ? -1 : 0;
}

int client_open(struct client *client, const struct upgrade *request, int port,
                int number, const struct stream *stream, size_t first)
{
    memset(client, 0, sizeof *client);
    client->number = number;
    client->epoll = -1;
    client->tx_at = first % stream->slots * stream->tx_frame;
    client->rx_at = first % stream->slots * stream->rx_frame;
    client->fd = client_connect(port);
    if (client->fd < 0) {
        return -1;
    }
    if (upgrade(client->fd, request) < 0) {
        client_close(client);
        return -1;
    }
    return 0;
}

void client_close(struct client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
        client->fd = -1;
    }
}

static int fail(const struct client *client, const char *what)
{
    fprintf(stderr,
            "load: connection %d, after %" PRIu64 " messages sent and %" PRIu64
            " received: %s\n",
            client->number, client->sent, client->got, what);
    return -1;
}

int client_watch(struct client *client, int epoll)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

    client->epoll = epoll;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0) {
        return fail(client, strerror(errno));
    }
    return 0;
}

static void want_write(struct client *client, bool want)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

    if (want != client->want_write && client->epoll >= 0) {
        event.events |= want ? (uint32_t)EPOLLOUT : 0;
        epoll_ctl(client->epoll, EPOLL_CTL_MOD, client->fd, &event);
        client->want_write = want;
    }
}

/* Pongs go between messages only, hence when nothing is owed. */
static int send_pong(struct client *client)
{
    static const unsigned char mask[4] = { 0x5a, 0xc3, 0x19, 0x7e };
    unsigned char frame[2 + 4 + 125];
    size_t payload = client->control[1];
    size_t len = frame_header(frame, OP_PONG, payload, mask);

    for (size_t i = 0; i < payload; i++) {
        frame[len++] = client->control[2 + i] ^ mask[i & 3];
    }
    client->pong_due = false;
    client->control_len = 0;
    if (send(client->fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)len) {
        return fail(client, "no room for a pong");
    }
    return 0;
}

int client_send(struct client *client, const struct stream *stream,
                size_t times)
{
    size_t ring = stream->slots * stream->tx_frame;
    size_t left = ring - client->tx_at;
    struct iovec part[2] = { { .iov_base = stream->tx + client->tx_at },
                             { .iov_base = stream->tx } };
    struct msghdr message = { .msg_iov = part, .msg_iovlen = 1 };
    ssize_t sent;

    client->sent += times;
    client->tx_owed += times * stream->tx_frame;
    part[0].iov_len = client->tx_owed < left ? client->tx_owed : left;
    if (client->tx_owed > left) {
        part[1].iov_len = client->tx_owed - left;
        message.msg_iovlen = 2;
    }
    if (client->tx_owed > 0) {
        sent = message.msg_iovlen == 1
                   ? send(client->fd, part[0].iov_base, part[0].iov_len,
                          MSG_NOSIGNAL | MSG_DONTWAIT)
                   : sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            return fail(client, strerror(errno));
        }
        if (sent > 0) {
            client->tx_owed -= (size_t)sent;
            client->tx_at = (client->tx_at + (size_t)sent) % ring;
        }
    }
    want_write(client, client->tx_owed > 0);
    return client->pong_due && client->tx_owed == 0 ? send_pong(client) : 0;
}

static size_t control_size(const struct client *client)
{
    return client->control_len < 2 ? 2 : 2u + client->control[1];
}

/* Takes bytes of a control frame, which may come in pieces; how many. */
static ssize_t on_control(struct client *client, const unsigned char *data,
                          size_t len)
{
    size_t used = 0;

    if (client->pong_due) { /* only the latest ping is answered */
        client->pong_due = false;
        client->control_len = 0;
    }
    while (client->control_len < control_size(client) && used < len) {
        client->control[client->control_len++] = data[used++];
        if (control_size(client) > CLIENT_CONTROL_MAX) {
            return fail(client, "a control frame that is too long, or masked");
        }
    }
    if (client->control_len < control_size(client)) {
        return (ssize_t)used;
    }
    switch (client->control[0]) {
    case 0x80 | OP_PING:
        client->pong_due = true;
        if (client->tx_owed == 0 && send_pong(client) < 0) {
            return -1;
        }
        return (ssize_t)used;
    case 0x80 | OP_PONG: client->control_len = 0; return (ssize_t)used;
    case 0x80 | OP_CLOSE:
        fprintf(stderr, "load: close code %d\n",
                client->control_len >= 4
                    ? client->control[2] << 8 | client->control[3]
                    : 0);
        return fail(client, "the server closed");
    default: return fail(client, "a frame of an unknown kind");
    }
}

/* Compares data up to the next control frame; how much of it is right. */
static size_t compare(struct client *client, const struct stream *stream,
                      const unsigned char *data, size_t len)
{
    size_t ring = stream->slots * stream->rx_frame, done = 0;

    while (done < len) {
        size_t left = ring - client->rx_at;
        size_t part = len - done < left ? len - done : left;

        if (memcmp(stream->rx + client->rx_at, data + done, part) != 0) {
            /* Rare, so look again, one message at a time. */
            left = stream->rx_frame - client->rx_at % stream->rx_frame;
            part = part < left ? part : left;
            if (memcmp(stream->rx + client->rx_at, data + done, part) != 0) {
                break;
            }
        }
        client->rx_at = (client->rx_at + part) % ring;
        done += part;
    }
    return done;
}

/* Checks what was received; how many bytes of messages are in it. */
static ssize_t check(struct client *client, const struct stream *stream,
                     const unsigned char *data, size_t len)
{
    size_t done = 0, of_messages = 0;

    while (done < len) {
        bool in_control = client->control_len > 0 && !client->pong_due;
        size_t same = 0;
        ssize_t used;

        if (!in_control) {
            same = compare(client, stream, data + done, len - done);
            done += same;
            of_messages += same;
        }
        if (done == len) {
            break;
        }
        if (!in_control &&
            (client->rx_at % stream->rx_frame != 0 || !(data[done] & 8))) {
            return fail(client, client->rx_at % stream->rx_frame == 0 &&
                                        !(data[done] & 0x80)
                                    ? "a message in fragments"
                                    : "this answer is not what was sent");
        }
        used = on_control(client, data + done, len - done);
        if (used < 0) {
            return -1;
        }
        done += (size_t)used;
    }
    return (ssize_t)of_messages;
}

int client_receive(struct client *client, const struct stream *stream,
                   uint64_t expected)
{
    static unsigned char data[CLIENT_READ];
    ssize_t got = recv(client->fd, data, sizeof data, MSG_DONTWAIT);
    size_t begun = client->rx_at % stream->rx_frame;
    uint64_t whole;

    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return 0;
        }
        return fail(client, got < 0 ? strerror(errno) : "connection lost");
    }
    got = check(client, stream, data, (size_t)got);
    if (got < 0) {
        return -1;
    }
    whole = (begun + (size_t)got) / stream->rx_frame;
    if (whole > expected) {
        return fail(client, "more answers than messages");
    }
    client->got += whole;
    return (int)whole;
}
