/* ws.c - the one callback of libwebsockets: connections and plain HTTP */
#include "net/ws.h"

#include "net/exchange.h"
#include "net/handshake.h"
#include "net/headers.h"
#include "net/link.h"
#include "net/listen.h"
#include "net/server-t.h"

/* The socket was adopted: from now on the opaque pointer is a link. */
static int begin(struct lws *wsi)
{
    const struct listener *listener = lws_get_opaque_user_data(wsi);
    struct link *link;

    if (listener == NULL) {
        return -1;
    }
    link = link_create(listener->server, wsi, listener);
    lws_set_opaque_user_data(wsi, link);
    return link != NULL ? 0 : -1;
}

static int established(struct link *link)
{
    if (link == NULL || link->conn == NULL) {
        return -1;
    }
    handshake_done(link);
    intake_begin(link, link->deflate);
    conn_open(link->conn);
    headers_forget(link);
    return 0;
}

/* Never: frames are not libwebsockets' to take apart (intake.h). If another
 * version of it reads in another way, this tells. */
static int bypassed(struct link *link)
{
    if (!link->ended) {
        log_error("libwebsockets %s does not read by recv and SSL_read: this "
                  "version cannot be used",
                  lws_get_library_version());
    }
    link->ended = true;
    return -1;
}

/* Of one that was shut nothing more is read or sent: the library would set its
 * own timer then, in the place of the one that is to end it. */
static int http(struct link *link, enum lws_callback_reasons reason,
                const void *in, size_t len)
{
    if (link->ended) {
        return -1;
    }
    if (reason == LWS_CALLBACK_HTTP) {
        return exchange_begin(link);
    }
    if (link->exchange == NULL) {
        return reason == LWS_CALLBACK_HTTP_BODY ? -1 : 0;
    }
    return reason == LWS_CALLBACK_HTTP_BODY
               ? exchange_body(link->exchange, in, len)
           : reason == LWS_CALLBACK_HTTP_BODY_COMPLETION
               ? exchange_dispatch(link->exchange)
               : exchange_continue(link->exchange);
}

int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                void *in, size_t len)
{
    struct server *server;
    struct link *link;

    switch ((int)reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED: return begin(wsi);
    case LWS_CALLBACK_RAW_ADOPT: return -1; /* what CONNECT turns into */
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ADD_HEADERS:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_HTTP_BIND_PROTOCOL:
    case LWS_CALLBACK_WSI_DESTROY: break;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        /* user is an SSL_CTX: that of the vhost that is being made. */
        server = lws_context_user(lws_get_context(wsi));
        server->ssl_ctx = user;
        return 0;
    default: return 0;
    }

    link = link_of(wsi);
    if (link == NULL) {
        return 0;
    }
    switch ((int)reason) {
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return bypassed(link);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (link->conn != NULL && !link->ended) {
            conn_writable(link->conn);
        }
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return handshake_check(link, in);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        handshake_bound(link);
        return 0;
    case LWS_CALLBACK_ADD_HEADERS: return handshake_add_headers(link, in);
    case LWS_CALLBACK_ESTABLISHED: return established(link);
    case LWS_CALLBACK_CLOSED: link_lose(link); return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE: return http(link, reason, in, len);
    case LWS_CALLBACK_HTTP_BIND_PROTOCOL:
        /* Comes, among others, when the last byte of an answer is out and the
         * library gets ready for the next request. */
        return (link->server->stopping || link->intake.opening.last) &&
                       link->conn == NULL
                   ? -1
                   : 0;
    case LWS_CALLBACK_WSI_DESTROY:
        handshake_done(link);
        lws_set_opaque_user_data(wsi, NULL);
        link_destroy(link);
        return 0;
    default: return 0;
    }
}
