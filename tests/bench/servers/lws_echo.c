/*
 * lws_echo.c - WebSocket echo and fan-out on bare libwebsockets
 *
 *     lws_echo PORT
 *
 * As the library's documentation has it: what is to be sent waits in a queue,
 * WRITEABLE is asked for, and there the queue is written until the socket would
 * block. On its libuv event library, since its own poll() would look at all
 * connections in each turn.
 */
#include <libwebsockets.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { READ_SIZE = 65536, WRITE_SIZE = 4 << 20 };

/* One message; /fan shares it between all that have yet to send it. */
struct message {
    size_t refs;
    size_t len;
    enum lws_write_protocol kind;
    unsigned char frame[]; /* LWS_PRE, then the payload */
};

struct item {
    struct item *next;
    struct message *message;
};

struct session {
    struct lws *wsi;
    bool fan;
    struct session *fan_prev, *fan_next;
    struct message *incoming; /* a message that came in pieces */
    struct item *first, **last;
};

static struct session *fans;

static void message_release(struct message *message)
{
    if (message && --message->refs == 0) {
        free(message);
    }
}

static int queue(struct session *session, struct message *message)
{
    struct item *item = malloc(sizeof *item);

    if (!item) {
        return -1;
    }
    message->refs++;
    *item = (struct item){ .message = message };
    *session->last = item;
    session->last = &item->next;
    return lws_callback_on_writable(session->wsi) < 0 ? -1 : 0;
}

static void unqueue(struct session *session)
{
    struct item *item = session->first;

    session->first = item->next;
    if (!session->first) {
        session->last = &session->first;
    }
    message_release(item->message);
    free(item);
}

static void session_begin(struct session *session, struct lws *wsi)
{
    char path[16];

    session->wsi = wsi;
    session->last = &session->first;
    session->fan =
        lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) > 0 &&
        strcmp(path, "/fan") == 0;
    if (session->fan) {
        session->fan_next = fans;
        if (fans) {
            fans->fan_prev = session;
        }
        fans = session;
    }
}

static void session_end(struct session *session)
{
    if (!session->last) { /* it ended before it was established */
        return;
    }
    while (session->first) {
        unqueue(session);
    }
    message_release(session->incoming);
    if (session->fan_prev) {
        session->fan_prev->fan_next = session->fan_next;
    } else if (session->fan) {
        fans = session->fan_next;
    }
    if (session->fan_next) {
        session->fan_next->fan_prev = session->fan_prev;
    }
}

static int on_receive(struct session *session, const void *data, size_t len)
{
    struct message *message = session->incoming;
    size_t had = message ? message->len : 0;
    int status = 0;

    message = realloc(message, sizeof *message + LWS_PRE + had + len);
    if (!message) {
        return -1;
    }
    memcpy(message->frame + LWS_PRE + had, data, len);
    message->len = had + len;
    message->refs = 1;
    session->incoming = message;
    if (!lws_is_final_fragment(session->wsi) ||
        lws_remaining_packet_payload(session->wsi) > 0) {
        return 0;
    }
    session->incoming = NULL;
    message->kind =
        lws_frame_is_binary(session->wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    if (session->fan) {
        for (struct session *to = fans; to; to = to->fan_next) {
            status |= queue(to, message);
        }
    } else {
        status = queue(session, message);
    }
    message_release(message);
    return status;
}

static int on_writable(struct session *session)
{
    while (session->first) {
        struct message *message = session->first->message;

        if (lws_write(session->wsi, message->frame + LWS_PRE, message->len,
                      message->kind) < 0) {
            return -1;
        }
        unqueue(session);
        if (session->first && lws_send_pipe_choked(session->wsi)) {
            lws_callback_on_writable(session->wsi);
            break;
        }
    }
    return 0;
}

static int on_http(struct lws *wsi)
{
    static const char body[] = "hello from a server\n";
    unsigned char buffer[LWS_PRE + 512];
    unsigned char *start = buffer + LWS_PRE, *p = start;
    unsigned char *end = buffer + sizeof buffer - 1;

    if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "text/plain",
                                    sizeof body - 1, &p, end) ||
        lws_finalize_write_http_header(wsi, start, &p, end)) {
        return -1;
    }
    memcpy(start, body, sizeof body - 1);
    if (lws_write(wsi, start, sizeof body - 1, LWS_WRITE_HTTP_FINAL) < 0) {
        return -1;
    }
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP: return on_http(wsi);
    case LWS_CALLBACK_ESTABLISHED: session_begin(user, wsi); return 0;
    case LWS_CALLBACK_RECEIVE: return on_receive(user, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(user);
    case LWS_CALLBACK_CLOSED: session_end(user); return 0;
    default: return 0;
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        { .name = "bench",
          .callback = callback,
          .per_session_data_size = sizeof(struct session),
          .rx_buffer_size = READ_SIZE,
          .tx_packet_size = WRITE_SIZE },
        { 0 },
    };
    uv_loop_t *loop = uv_default_loop();
    void *loops[1] = { loop };
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV,
        .foreign_loops = loops,
        .protocols = protocols,
        .iface = "lo",
        .pt_serv_buf_size = READ_SIZE,
    };

    if (argc != 2) {
        fputs("usage: lws_echo PORT\n", stderr);
        return 2;
    }
    info.port = atoi(argv[1]);
    lws_set_log_level(LLL_ERR, NULL);
    if (!lws_create_context(&info)) {
        return 1;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
