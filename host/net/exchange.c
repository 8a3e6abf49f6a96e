/* exchange.c - plain HTTP: which page, file or hook answers a request */
#include "net/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <utlist.h>

#include "net/files.h"
#include "net/headers.h"
#include "net/link.h"
#include "net/server-t.h"

static struct exchange *exchange_create(struct link *link)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange != NULL) {
        exchange->link = link;
        exchange->fd = -1;
        link->exchange = exchange;
    }
    return exchange;
}

static void drop_body(struct exchange *exchange)
{
    exchange->link->server->body_bytes -= exchange->body.len;
    buf_free(&exchange->body);
}

void exchange_destroy(struct exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    if (exchange->fd >= 0) {
        close(exchange->fd);
    }
    buf_free(&exchange->query);
    drop_body(exchange);
    buf_free(&exchange->answer);
    free(exchange);
}

static bool is_page(const char *page, const char *path)
{
    return page != NULL && strcmp(page, path) == 0;
}

static bool reads_only(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool is_version(struct lws *wsi, const char *version)
{
    char text[16];

    return headers_known(wsi, WSI_TOKEN_HTTP, text, sizeof text) > 0 &&
           strcmp(text, version) == 0;
}

/* HTTP/1.1 connections are kept unless the client says otherwise (RFC 9112
 * section 9.3); those of HTTP/1.0 are not. */
static bool wants_close(struct lws *wsi)
{
    char text[512];

    if (!is_version(wsi, "HTTP/1.1")) {
        return true;
    }
    return headers_known(wsi, WSI_TOKEN_CONNECTION, text, sizeof text) > 0 &&
           headers_list_has(text, "close");
}

static int serve_health(struct exchange *exchange)
{
    const struct server_setup *setup = &exchange->link->server->setup;
    struct buf body = { 0 };
    int status = setup->health(setup->pages_arg, &body);
    int result =
        exchange_respond(exchange, status, "application/json",
                         "cache-control: no-store\r\n", body.data, body.len);

    buf_free(&body);
    return result;
}

static int serve_metrics(struct exchange *exchange)
{
    const struct server_setup *setup = &exchange->link->server->setup;
    struct buf body = { 0 };
    int result;

    setup->metrics(setup->pages_arg, &body);
    result = exchange_respond(
        exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
        "cache-control: no-store\r\n", body.data, body.len);
    buf_free(&body);
    return result;
}

static int refuse_banned(struct exchange *exchange)
{
    return exchange_refuse(exchange, 503, INSTANCE_BANNED_HEADERS,
                           INSTANCE_BANNED_WHY);
}

static int serve_hook(struct exchange *exchange, struct instance *instance)
{
    struct link *link = exchange->link;
    char remote[64];
    struct request request = {
        .method = exchange->method,
        .remote = remote,
        .path = exchange->path,
        .query = exchange->query.data,
        .header = headers_find,
        .link = link,
        .body = { .data =
                      exchange->body.data != NULL ? exchange->body.data : "",
                  .len = exchange->body.len,
                  .kind = BAY_BINARY,
                  .fin = true },
    };
    int status, result;

    headers_remote(link, remote, sizeof remote);
    status = request_http(instance, &request);
    headers_forget(link);
    drop_body(exchange);
    if (status == 0) {
        result = exchange_respond(exchange, request.status, request.type,
                                  request.headers.data, request.reply.data,
                                  request.reply.len);
    } else {
        result = exchange_refuse(exchange, status, request.headers.data,
                                 status == 500 ? "the application failed"
                                               : "the application says so");
    }
    request_finish(&request);
    return result;
}

static int refuse_plain(struct exchange *exchange,
                        const struct instance *instance)
{
    const struct conf_route *route = instance_conf(instance);
    char sentence[512];

    snprintf(sentence, sizeof sentence,
             "%.256s is a WebSocket endpoint (plugin %s): connect to it with a "
             "WebSocket client, such as new WebSocket(\"%s://HOST%.128s\") in "
             "a browser",
             exchange->path, route->plugin, exchange->link->tls ? "wss" : "ws",
             exchange->path);
    return exchange_refuse(exchange, 426,
                           "upgrade: websocket\r\nconnection: upgrade\r\n"
                           "sec-websocket-version: 13\r\n",
                           sentence);
}

/* The http hook of a route, for a path that is no page of the host's own. Asked
 * again when the body is there: a reload may have come in between. */
static struct instance *find_hook(const struct exchange *exchange)
{
    const struct server *server = exchange->link->server;
    struct instance *instance;

    if (is_page(server->conf->http_health, exchange->path) ||
        is_page(server->conf->http_metrics, exchange->path)) {
        return NULL;
    }
    instance = core_find_route(server->core, exchange->path);
    return instance != NULL && instance_serves_http(instance) ? instance : NULL;
}

int exchange_dispatch(struct exchange *exchange)
{
    struct server *server = exchange->link->server;
    const struct conf *conf = server->conf;
    struct instance *instance = find_hook(exchange);
    bool health = is_page(conf->http_health, exchange->path);
    bool metrics = is_page(conf->http_metrics, exchange->path);
    int result;

    if (instance != NULL) {
        return instance_banned(instance) ? refuse_banned(exchange)
                                         : serve_hook(exchange, instance);
    }

    if ((health || metrics) && !reads_only(exchange->method)) {
        return exchange_refuse(exchange, 405, "allow: GET, HEAD\r\n",
                               "this page can only be read");
    }
    if (health) {
        return serve_health(exchange);
    }
    if (metrics) {
        return serve_metrics(exchange);
    }
    if (files_serve(server->files, exchange, &result)) {
        return result;
    }
    instance = core_find_route(server->core, exchange->path);
    if (instance != NULL) {
        return instance_banned(instance) ? refuse_banned(exchange)
                                         : refuse_plain(exchange, instance);
    }
    return exchange_refuse(exchange, 404, NULL, "there is nothing here");
}

/* Whether a body is to come; refuses what cannot be taken. */
static int expect_body(struct exchange *exchange, bool *expected)
{
    struct lws *wsi = exchange->link->wsi;
    char text[32];
    long long length;
    int len =
        headers_known(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text);
    bool bodied = strcmp(exchange->method, "POST") == 0 ||
                  strcmp(exchange->method, "PUT") == 0 ||
                  strcmp(exchange->method, "PATCH") == 0;

    *expected = false;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
        (len == 0 && bodied)) {
        exchange->close = true;
        return exchange_refuse(exchange, 411, NULL,
                               "send the body with a Content-Length; chunked "
                               "bodies are not taken");
    }
    if (headers_find(exchange->link, "expect") != NULL) {
        headers_forget(exchange->link);
        exchange->close = true;
        return exchange_refuse(exchange, 417, NULL,
                               "send the request without Expect");
    }
    if (len == 0) {
        return 0;
    }
    if (len < 0 || strspn(text, "0123456789") != (size_t)len) {
        exchange->close = true;
        return exchange_refuse(exchange, 400, NULL,
                               "Content-Length is not a number");
    }
    length = strtoll(text, NULL, 10);
    if (length == 0) {
        return 0;
    }
    if (!exchange->hooked) {
        /* Nobody reads it: the answer comes at once, and then the end. */
        exchange->close = true;
        return 0;
    }
    if ((unsigned long long)length > exchange->body_max) {
        exchange->close = true;
        return exchange_refuse(exchange, 413, NULL,
                               "the body is longer than max_message");
    }
    *expected = true;
    return 0;
}

int exchange_begin(struct link *link)
{
    const struct instance *instance;
    struct exchange *exchange;
    bool expected;
    int result;

    link->asked = true;
    stat_add(&link->server->stats->http_requests, 1);
    exchange_destroy(link->exchange);
    link->exchange = NULL;
    exchange = exchange_create(link);
    if (exchange == NULL) {
        return -1;
    }
    exchange->close = wants_close(link->wsi) ||
                      uv_now(link->server->loop) < link->server->scarce_ms;
    /* A version is missing when an escaped end of line in the URL ended the
     * request line: libwebsockets decodes it before it looks for the end. */
    if (!is_version(link->wsi, "HTTP/1.1") &&
        !is_version(link->wsi, "HTTP/1.0")) {
        exchange->method = "GET";
        return exchange_refuse(exchange, 400, NULL,
                               "the request line does not end in HTTP/1.1 or "
                               "HTTP/1.0");
    }
    exchange->method =
        headers_method(link->wsi, exchange->path, sizeof exchange->path);
    if (exchange->method == NULL) {
        exchange->close = true;
        return exchange_refuse(exchange, 400, NULL,
                               "the method is not known or the path too long");
    }
    exchange->head_only = strcmp(exchange->method, "HEAD") == 0;
    headers_query(link->wsi, &exchange->query);
    instance = find_hook(exchange);
    if (instance != NULL) {
        exchange->hooked = true;
        exchange->body_max = instance_conf(instance)->limits.max_message;
    }
    result = expect_body(exchange, &expected);
    if (result != 0 || link->exchange == NULL) {
        return result; /* answered */
    }
    return expected ? 0 : exchange_dispatch(exchange);
}

/*
 * When more requests came in with a request that has a body, libwebsockets
 * 4.1.6 hands its own head over as the body, and then spins. It shows in the
 * first piece: that begins with the request line, "POST /". A body that really
 * does is refused as well, since the two cannot be told apart.
 */
static bool is_own_head(const struct exchange *exchange, const char *data,
                        size_t len)
{
    char line[16];
    size_t size = (size_t)snprintf(line, sizeof line, "%s /", exchange->method);

    return exchange->body.len == 0 && len > 0 &&
           memcmp(data, line, len < size ? len : size) == 0;
}

static void give_up(struct exchange *exchange)
{
    struct server *server = exchange->link->server;
    uint64_t left_out;

    drop_body(exchange);
    exchange->body_max = 0;
    link_shut(exchange->link);
    stat_add(&server->stats->bodies_dropped, 1);
    if (seldom_due(&server->crowded, uv_now(server->loop), &left_out)) {
        log_warn("limit receive_total: too many bodies of requests have come "
                 "in part, the connection that is oldest is ended; %llu times "
                 "more since this was last said",
                 (unsigned long long)left_out);
    }
}

/* Of bodies that have come in part, as with messages (core/incoming.c). */
static void make_room(struct exchange *exchange, size_t len)
{
    struct server *server = exchange->link->server;
    size_t total = server->conf->receive_total;
    struct link *link;

    if (total == 0) {
        return;
    }
    total = total > exchange->body_max ? total : exchange->body_max;
    DL_FOREACH(server->links, link)
    {
        if (server->body_bytes + len <= total) {
            return;
        }
        if (link->exchange != NULL && link->exchange != exchange &&
            link->exchange->body.len > 0) {
            give_up(link->exchange);
        }
    }
}

int exchange_body(struct exchange *exchange, const void *data, size_t len)
{
    if (is_own_head(exchange, data, len)) {
        exchange->close = true;
        exchange_refuse(exchange, 400, NULL,
                        "a request with a body cannot be pipelined, nor can "
                        "the body begin like its request: wait for each "
                        "answer before the next request");
        return -1;
    }
    if (exchange->body.len + len > exchange->body_max) {
        return -1;
    }
    make_room(exchange, len);
    buf_add(&exchange->body, data, len);
    if (exchange->body.failed) {
        return -1;
    }
    exchange->link->server->body_bytes += len;
    return 0;
}
