/* net_rig.h - clients of net_server.h, in the same thread: HTTP and WebSocket */
#ifndef PATCHBAY_TESTS_NET_RIG_H
#define PATCHBAY_TESTS_NET_RIG_H

#include "net_server.h"

#include <openssl/ssl.h>

/* ---- a client ---------------------------------------------------------- */

struct client {
    int fd;
    SSL *ssl;      /* NULL: plain */
    struct buf in; /* read and not looked at */
    bool ended;    /* by the server */
    int error;     /* ECONNRESET, rather than an orderly end */
};

static inline void client_connect_to(struct client *client,
                                     const struct sockaddr *addr, socklen_t len)
{
    *client = (struct client){ .fd = socket(addr->sa_family,
                                            SOCK_STREAM | SOCK_CLOEXEC, 0) };
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, addr, len), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

/* To a socket of net_listen, by its number. */
static inline void client_connect_at(struct client *client, size_t at)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;

    getsockname(net.listen_fds[at], (struct sockaddr *)&addr, &len);
    client_connect_to(client, (struct sockaddr *)&addr, len);
}

static inline void client_connect(struct client *client)
{
    client_connect_at(client, 0);
}

/* Speaks TLS from here on; false if the server does not want to. */
static inline bool client_try_tls(struct client *client, int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    uint64_t until_ms = clock_now_ms() + NET_DEADLINE_MS;
    int result;

    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    client->ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(client->ssl, client->fd);
    while ((result = SSL_connect(client->ssl)) != 1) {
        if (SSL_get_error(client->ssl, result) != SSL_ERROR_WANT_READ) {
            return false;
        }
        assert_true(clock_now_ms() < until_ms);
        net_turn();
    }
    return true;
}

static inline void client_tls(struct client *client)
{
    assert_true(client_try_tls(client, TLS1_3_VERSION));
}

static inline void client_leave(struct client *client)
{
    SSL_free(client->ssl);
    if (client->fd >= 0) {
        close(client->fd);
    }
    buf_free(&client->in);
    *client = (struct client){ .fd = -1 };
}

static inline ssize_t client_write_some(struct client *client, const void *data,
                                        size_t len)
{
    if (client->ssl != NULL) {
        int n = SSL_write(client->ssl, data, (int)len);

        return n > 0 ? n : 0;
    }
    return send(client->fd, data, len, MSG_NOSIGNAL);
}

static inline void client_send(struct client *client, const void *data,
                               size_t len)
{
    const char *at = data;
    uint64_t until_ms = clock_now_ms() + NET_DEADLINE_MS;

    while (len > 0) {
        ssize_t n = client_write_some(client, at, len);

        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else {
            assert_true(n == 0 || errno == EAGAIN);
            assert_true(clock_now_ms() < until_ms);
            net_turn();
        }
    }
}

static inline void client_say(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

/* Reads what is there, at most so much. */
static inline void client_read(struct client *client, size_t most)
{
    static char part[65536];
    ssize_t n;

    do {
        if (client->ssl != NULL) {
            n = SSL_read(client->ssl, part, sizeof part);
            if (n <= 0) {
                client->ended |=
                    SSL_get_error(client->ssl, (int)n) != SSL_ERROR_WANT_READ;
                return;
            }
        } else {
            n = recv(client->fd, part, sizeof part < most ? sizeof part : most,
                     0);
            if (n <= 0) {
                client->ended |= n == 0 || errno != EAGAIN;
                client->error = n < 0 && errno != EAGAIN ? errno : 0;
                return;
            }
        }
        buf_add(&client->in, part, (size_t)n);
        most -= (size_t)n < most ? (size_t)n : most;
    } while (most > 0);
}

/* Whether so many bytes have come. What is read is moved up with each frame that
 * is taken from it: so not all that there is. */
static inline bool client_has(struct client *client, size_t len)
{
    if (client->in.len < len && !client->ended) {
        client_read(client, (size_t)1 << 18);
    }
    return client->in.len >= len;
}

static inline bool client_ended(struct client *client)
{
    if (!client->ended) {
        client_read(client, SIZE_MAX);
    }
    return client->ended;
}

/* The server has ended the connection and said nothing more. */
static inline void client_expect_end(struct client *client)
{
    net_until(client_ended(client));
    assert_int_equal(client->in.len, 0);
}

/* ---- HTTP -------------------------------------------------------------- */

/* The latest answer of any. */
static struct answer {
    int minor; /* of HTTP/1.1: what the library itself answers is HTTP/1.0 */
    int status;
    char reason[64];
    char head[12000]; /* header lines */
    char body[200000];
    size_t len; /* of the body */
} answer;

/* The value of a header, its name in lower case, or NULL. */
static inline const char *answer_header(const char *name)
{
    static char value[9000];
    size_t len = strlen(name);

    for (char *line = answer.head; *line != '\0';) {
        size_t end = strcspn(line, "\r");

        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)(end - len - 2),
                     line + len + 2);
            return value;
        }
        line += end + 2;
    }
    return NULL;
}

static inline bool answer_head_came(struct client *client)
{
    return client_ended(client) ||
           (client->in.data != NULL &&
            strstr(client->in.data, "\r\n\r\n") != NULL);
}

/* Waits for the head of an answer: 0 if the end came instead. */
static inline int client_answer_head(struct client *client)
{
    char *end;

    answer.status = 0;
    answer.head[0] = '\0';
    net_until(answer_head_came(client));
    end = client->in.data != NULL ? strstr(client->in.data, "\r\n\r\n") : NULL;
    if (end == NULL) {
        return 0;
    }
    end[2] = '\0';
    assert_int_equal(sscanf(client->in.data, "HTTP/1.%d %d %63[^\r]",
                            &answer.minor, &answer.status, answer.reason),
                     3);
    snprintf(answer.head, sizeof answer.head, "%s",
             strchr(client->in.data, '\n') + 1);
    buf_consume(&client->in, (size_t)(end + 4 - client->in.data));
    return answer.status;
}

/* Waits for an answer and its body: its status. */
static inline int client_answer(struct client *client)
{
    const char *length;

    answer.len = 0;
    answer.body[0] = '\0';
    if (client_answer_head(client) == 0) {
        return 0;
    }
    length = answer_header("content-length");
    if (length != NULL) {
        answer.len = (size_t)strtoul(length, NULL, 10);
        assert_true(answer.len < sizeof answer.body);
        net_until(client_has(client, answer.len) || client->ended);
        assert_true(client->in.len >= answer.len);
        memcpy(answer.body, client->in.data != NULL ? client->in.data : "",
               answer.len);
        answer.body[answer.len] = '\0';
        buf_consume(&client->in, answer.len);
    }
    return answer.status;
}

/* One request on a connection of its own. */
static inline int net_ask(const char *request)
{
    struct client client;
    int status;

    client_connect(&client);
    client_say(&client, request);
    status = client_answer(&client);
    client_leave(&client);
    return status;
}

static inline int net_get(const char *path)
{
    char request[6000];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
             path);
    return net_ask(request);
}

/* ---- WebSocket --------------------------------------------------------- */

#define NET_KEY "dGhlIHNhbXBsZSBub25jZQ=="

/* What a client of ours asks with, up to the Host. */
#define NET_UPGRADE                                 \
    "Upgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " NET_KEY "\r\n"

/* Asks to upgrade, with more header lines or ""; the status. */
static inline int client_upgrade(struct client *client, const char *path,
                                 const char *headers)
{
    char request[9000];

    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: x\r\n" NET_UPGRADE "%s\r\n", path,
             headers);
    client_say(client, request);
    return client_answer(client);
}

static inline void client_open(struct client *client, const char *path)
{
    client_connect(client);
    assert_int_equal(client_upgrade(client, path, ""), 101);
}

/* A frame as it goes over the wire, masked with a key of zeros or not at all.
 * first: FIN, RSV and opcode. Returns its length. */
static inline size_t frame_of(unsigned char *out, int first, bool masked,
                              const void *data, size_t len)
{
    size_t head = 2;

    out[0] = (unsigned char)first;
    if (len < 126) {
        out[1] = (unsigned char)len;
    } else {
        bool longer = len > 0xffff;

        head = longer ? 10 : 4;
        out[1] = longer ? 127 : 126;
        for (size_t i = 0; i < head - 2; i++) {
            out[head - 1 - i] = (unsigned char)((uint64_t)len >> (8 * i));
        }
    }
    if (masked) {
        out[1] |= 0x80;
        memset(out + head, 0, 4);
        head += 4;
    }
    if (len > 0) {
        memcpy(out + head, data, len);
    }
    return head + len;
}

static inline void client_send_frame(struct client *client, int first,
                                     const void *data, size_t len)
{
    unsigned char *out = malloc(len + 14);

    client_send(client, out, frame_of(out, first, true, data, len));
    free(out);
}

static inline void client_text(struct client *client, const char *text)
{
    client_send_frame(client, 0x81, text, strlen(text));
}

static inline bool frame_came(struct client *client)
{
    const unsigned char *in = (const unsigned char *)client->in.data;

    return (client_has(client, 2) &&
            (in = (const unsigned char *)client->in.data,
             in[1] < 126 || client_has(client, 4)) &&
            client_has(client,
                       frame_size((const unsigned char *)client->in.data))) ||
           client->ended;
}

/* Waits for a frame: its first byte, its payload in *data; -1 if the end came
 * instead. */
static inline int client_frame(struct client *client, struct buf *data)
{
    static char kept[70000];
    size_t size, head;
    int first;

    net_until(frame_came(client));
    if (client->in.len < 2) {
        return -1;
    }
    first = (unsigned char)client->in.data[0];
    assert_int_equal(client->in.data[1] & 0x80, 0); /* a server masks not */
    head = (unsigned char)client->in.data[1] < 126 ? 2 : 4;
    size = frame_size((const unsigned char *)client->in.data);
    assert_true(client->in.len >= size);
    memcpy(kept, client->in.data + head, size - head);
    kept[size - head] = '\0';
    if (data != NULL) {
        data->data = kept;
        data->len = size - head;
    }
    buf_consume(&client->in, size);
    return first;
}

static inline void client_expect_text(struct client *client, const char *text)
{
    struct buf data = { 0 };

    assert_int_equal(client_frame(client, &data), 0x81);
    assert_string_equal(data.data, text);
}

/* A Close with that code, 1005 for none, and nothing behind it. */
static inline void client_expect_close(struct client *client, int code)
{
    struct buf data = { 0 };
    int got = 1005;

    assert_int_equal(client_frame(client, &data), 0x88);
    if (data.len >= 2) {
        got = (unsigned char)data.data[0] << 8 | (unsigned char)data.data[1];
    }
    assert_int_equal(got, code);
    assert_int_equal(client->in.len, 0);
}

static inline void client_send_close(struct client *client, int code)
{
    unsigned char payload[2] = { (unsigned char)(code >> 8),
                                 (unsigned char)code };

    client_send_frame(client, 0x88, payload, code != 1005 ? 2 : 0);
}

/* The last of the hooks' words has come. */
static inline bool net_heard(const char *part)
{
    return script.heard.data != NULL && strstr(script.heard.data, part) != NULL;
}

/* For on_message: answers with the same. */
static inline int net_echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

#endif
