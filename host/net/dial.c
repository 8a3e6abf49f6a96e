/* dial.c - a WebSocket client: one connection, on a loop of its own */
#include "net/dial.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define RX_BUFFER     65536
#define CLOSE_WAIT_US 3000000

const size_t dial_room = LWS_PRE;

struct dial {
    struct dial_setup setup;
    struct lws_context *context;
    struct lws *wsi;
    struct buf message; /* that arrives */
    bool open;
    bool closing; /* by us */
    int code;     /* that we close with */
    bool close_sent;
    bool told; /* how it ended */
    bool over;
};

static void end(struct dial *dial)
{
    dial->open = false;
    dial->over = true;
}

static void failed(struct dial *dial, unsigned status, const char *why)
{
    if (!dial->told) {
        dial->told = true;
        dial->setup.events->failed(dial->setup.arg, status == 101 ? 0 : status,
                                   why != NULL ? why : "no reason is known");
    }
    end(dial);
}

static void closed(struct dial *dial, int code, const char *reason, size_t len)
{
    if (!dial->told && !dial->closing) {
        dial->told = true;
        dial->setup.events->closed(dial->setup.arg, code, reason, len);
    }
}

static void peer_closed(struct dial *dial, const unsigned char *payload,
                        size_t len)
{
    closed(dial, len >= 2 ? payload[0] << 8 | payload[1] : 1005,
           len > 2 ? (const char *)payload + 2 : "", len > 2 ? len - 2 : 0);
}

static void close_with(struct dial *dial, int code)
{
    if (dial->closing) {
        return;
    }
    dial->closing = true;
    dial->code = code;
    if (dial->open) {
        dial_ask(dial);
    } else {
        end(dial);
    }
}

static void drop(struct dial *dial, int code, const char *why)
{
    buf_free(&dial->message);
    dial->told = true;
    close_with(dial, code);
    dial->setup.events->dropped(dial->setup.arg, code, why);
}

/* What comes after our Close is nobody's. */
static void received(struct dial *dial, const void *data, size_t len)
{
    char why[80];

    if (dial->closing) {
        return;
    }
    if (len > dial->setup.max_message - dial->message.len) {
        snprintf(why, sizeof why, "a message is larger than %zu bytes",
                 dial->setup.max_message);
        drop(dial, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, why);
        return;
    }
    buf_add(&dial->message, data, len);
    if (dial->message.failed) {
        drop(dial, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        return;
    }
    if (!lws_is_final_fragment(dial->wsi) ||
        lws_remaining_packet_payload(dial->wsi) > 0) {
        return;
    }
    dial->setup.events->message(dial->setup.arg,
                                lws_frame_is_binary(dial->wsi) != 0,
                                dial->message.data, dial->message.len);
    buf_free(&dial->message);
}

static int writable(struct dial *dial)
{
    if (!dial->closing) {
        dial->setup.events->ready(dial->setup.arg);
        return 0;
    }
    /* A Close is dropped while the library holds data. */
    if (dial->close_sent || lws_partial_buffered(dial->wsi)) {
        return 0;
    }
    dial->close_sent = true;
    lws_close_reason(dial->wsi, (enum lws_close_status)dial->code, NULL, 0);
    return -1;
}

static int add_headers(const struct dial *dial, void *in, size_t len)
{
    unsigned char **at = in;
    unsigned char *limit = *at + len;
    const char *header;
    size_t next = 0;

    while ((header = dial->setup.events->header(dial->setup.arg, &next)) !=
           NULL) {
        const char *colon = strchr(header, ':');
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        char name[128];

        snprintf(name, sizeof name, "%.*s:", (int)(colon - header), header);
        if (lws_add_http_header_by_name(dial->wsi, (const unsigned char *)name,
                                        (const unsigned char *)value,
                                        (int)strlen(value), at, limit)) {
            return -1;
        }
    }
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t len)
{
    struct dial *dial = lws_context_user(lws_get_context(wsi));

    (void)user;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        dial->wsi = wsi;
        return add_headers(dial, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        dial->wsi = wsi;
        dial->open = true;
        dial->setup.events->opened(dial->setup.arg);
        lws_callback_on_writable(wsi);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE: received(dial, in, len); break;
    case LWS_CALLBACK_CLIENT_WRITEABLE: return writable(dial);
    case LWS_CALLBACK_TIMER:
        if (dial->close_sent) {
            end(dial); /* the server does not answer our Close */
        } else {
            dial->setup.events->timer(dial->setup.arg);
        }
        break;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (dial->open) {
            lws_callback_on_writable(dial->wsi);
        }
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        peer_closed(dial, in, len);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        failed(dial, lws_http_client_http_response(wsi), in);
        break;
    case LWS_CALLBACK_CLIENT_CLOSED:
        closed(dial, 1006, "", 0);
        end(dial);
        break;
    default: break;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    { "dial", callback, 0, RX_BUFFER, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 }
};

struct dial *dial_create(const struct dial_setup *setup)
{
    struct lws_context_creation_info info = { 0 };
    struct dial *dial = calloc(1, sizeof *dial);

    if (dial == NULL) {
        return NULL;
    }
    dial->setup = *setup;
    lws_set_log_level(0, NULL);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.client_ssl_ca_filepath = setup->ca;
    info.pt_serv_buf_size = RX_BUFFER;
    info.user = dial;
    dial->context = lws_create_context(&info);
    if (dial->context == NULL) {
        free(dial);
        return NULL;
    }
    return dial;
}

static void connect_to(struct dial *dial)
{
    const struct dial_setup *setup = &dial->setup;
    struct lws_client_connect_info info = { 0 };

    info.context = dial->context;
    info.address = setup->host;
    info.host = setup->authority;
    info.port = (int)setup->port;
    info.path = setup->target;
    info.protocol = setup->subprotocols;
    info.local_protocol_name = "dial";
    info.ssl_connection = setup->tls ? LCCSCF_USE_SSL : 0;
    if (setup->tls && setup->insecure) {
        info.ssl_connection |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_INSECURE |
                               LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
                               LCCSCF_ALLOW_EXPIRED;
    }
    /* A failure at once has called back already. */
    if (lws_client_connect_via_info(&info) == NULL && !dial->over) {
        failed(dial, 0, "it cannot be looked up");
    }
}

void dial_run(struct dial *dial)
{
    bool waits = false;

    connect_to(dial);
    while (!dial->over && lws_service(dial->context, 0) >= 0) {
        if (dial->close_sent && !dial->over && !waits) {
            waits = true;
            lws_set_timer_usecs(dial->wsi, CLOSE_WAIT_US);
        }
    }
}

int dial_send(struct dial *dial, bool binary, char *data, size_t len)
{
    int sent = lws_write(dial->wsi, (unsigned char *)data, len,
                         binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);

    return sent < (int)len ? -1 : 0;
}

void dial_ask(struct dial *dial)
{
    if (dial->open) {
        lws_callback_on_writable(dial->wsi);
    }
}

void dial_wake(struct dial *dial)
{
    lws_cancel_service(dial->context);
}

void dial_set_timer(struct dial *dial, uint64_t us)
{
    if (dial->open && !dial->closing) {
        lws_set_timer_usecs(dial->wsi, (lws_usec_t)us);
    }
}

void dial_close(struct dial *dial)
{
    close_with(dial, LWS_CLOSE_STATUS_NORMAL);
}

void dial_destroy(struct dial *dial)
{
    if (dial != NULL) {
        lws_context_destroy(dial->context);
        buf_free(&dial->message);
        free(dial);
    }
}
