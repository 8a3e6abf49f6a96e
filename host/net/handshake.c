/* handshake.c - from an HTTP request to a WebSocket connection
 *
 * libwebsockets 4.1.6 upgrades whatever says "Upgrade: websocket": the rules
 * of RFC 6455 section 4.2.1 are checked here.
 */
#include "net/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/arrivals.h"
#include "net/exchange.h"
#include "net/headers.h"
#include "net/link.h"
#include "net/offer.h"
#include "net/server-t.h"

/* Beyond these libwebsockets hangs up without a word. */
#define LIST_MAX       127 /* Connection and Sec-WebSocket-Protocol */
#define PROTOCOL_MAX   63
#define EXTENSIONS_MAX 254

static int refuse(struct link *link, int status, const char *headers,
                  const char *sentence)
{
    stat_add(&link->server->stats->handshake_errors, 1);
    return exchange_refuse_upgrade(link->wsi, status, headers, sentence);
}

/* What the tokenizer of libwebsockets takes for one, or for a broken one. */
static bool is_number(const char *word, size_t len)
{
    static const char digits[] = "0123456789";
    size_t at = strspn(word, digits);

    if (at > 0 && word[at] == '.') {
        at += 1 + strspn(word + at + 1, digits);
        if (word[at] == '.') {
            return true;
        }
    }
    return at > 0 && at >= len;
}

/*
 * Whether a list of tokens is one that libwebsockets 4.1.6 reads, too. It hangs
 * up, without a word and after the application was asked, on an element that
 * is empty, unless it is the last, or no token, or a number.
 */
static bool is_readable(const char *list)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz";

    while (*list != '\0') {
        size_t word;

        list += strspn(list, " \t");
        word = strspn(list, token);
        if (word == 0 || is_number(list, word)) {
            return false;
        }
        list += word + strspn(list + word, " \t");
        if (*list != ',' && *list != '\0') {
            return false;
        }
        list += *list == ',' ? 1 + strspn(list + 1, " \t") : 0;
    }
    return true;
}

/* 16 bytes in base64 (RFC 6455 section 4.1). */
static bool is_key(const char *key)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";

    return strlen(key) == 24 && strspn(key, alphabet) == 22 &&
           strcmp(key + 22, "==") == 0;
}

/* "example.org:443" of an https origin is "example.org" to compare. */
static size_t host_length(const char *host, bool secure)
{
    size_t len = strlen(host);
    const char *port = secure ? ":443" : ":80";
    size_t port_len = strlen(port);

    return len > port_len && strcmp(host + len - port_len, port) == 0
               ? len - port_len
               : len;
}

/*
 * Whether the page came from where the request goes. Not from "null", which is
 * a sandboxed page or a file; not from a browser's own schemes, whose hosts are
 * none of ours; and over TLS not from an http: page of the same name, which
 * anybody between here and the browser may have written.
 */
static bool is_same_host(const char *origin, const char *host, bool tls)
{
    bool secure = strncasecmp(origin, "https://", 8) == 0;
    const char *authority = origin + (secure ? 8 : 7);
    size_t len;

    if (!secure && (tls || strncasecmp(origin, "http://", 7) != 0)) {
        return false;
    }
    len = host_length(authority, secure);
    return len > 0 && len == host_length(host, secure) &&
           strncasecmp(authority, host, len) == 0;
}

bool handshake_origin_allowed(const struct conf_limits *limits,
                              const char *origin, const char *host, bool tls)
{
    if (limits->origin_count == 0) {
        return is_same_host(origin, host, tls);
    }
    for (size_t i = 0; i < limits->origin_count; i++) {
        if (strcmp(limits->origins[i], "*") == 0 ||
            strcasecmp(limits->origins[i], origin) == 0) {
            return true;
        }
    }
    return false;
}

/* The rules that hold whatever the path. 0, or the answer was written. */
static int check_request(struct link *link, const char *method,
                         const char *upgrade)
{
    struct lws *wsi = link->wsi;
    char text[512], list[LIST_MAX];

    if (strcasecmp(upgrade, "websocket") != 0) {
        return refuse(link, 400, NULL,
                      "Upgrade must be websocket: nothing else is spoken here");
    }
    if (method == NULL) {
        return refuse(link, 400, NULL,
                      "the method is not known or the path too long");
    }
    if (strcmp(method, "GET") != 0) {
        return refuse(link, 405, "allow: GET\r\n",
                      "a WebSocket handshake is a GET request");
    }
    if (headers_known(wsi, WSI_TOKEN_HTTP, text, sizeof text) <= 0 ||
        strcmp(text, "HTTP/1.1") != 0) {
        return refuse(link, 400, NULL, "a WebSocket handshake needs HTTP/1.1");
    }
    if (headers_known(wsi, WSI_TOKEN_HOST, text, sizeof text) <= 0) {
        return refuse(link, 400, NULL, "the Host header is missing");
    }
    if (headers_known(wsi, WSI_TOKEN_CONNECTION, list, sizeof list) <= 0 ||
        !is_readable(list) || !headers_list_has(list, "upgrade")) {
        return refuse(link, 400, NULL,
                      "Connection must be a short list with Upgrade in it");
    }
    if (headers_known(wsi, WSI_TOKEN_VERSION, text, sizeof text) <= 0 ||
        strcmp(text, "13") != 0) {
        return refuse(link, 426,
                      "upgrade: websocket\r\nsec-websocket-version: 13\r\n",
                      "Sec-WebSocket-Version must be 13");
    }
    if (headers_known(wsi, WSI_TOKEN_KEY, text, sizeof text) <= 0 ||
        !is_key(text)) {
        return refuse(link, 400, NULL,
                      "Sec-WebSocket-Key must be 16 bytes in base64");
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_EXTENSIONS) > EXTENSIONS_MAX) {
        return refuse(link, 400, NULL, "Sec-WebSocket-Extensions is too long");
    }
    return 0;
}

/* Copies the client's first subprotocol; 0, or the answer was written. */
static int check_subprotocols(struct link *link, char *offered, size_t size)
{
    struct server *server = link->server;
    const char *first, *word;
    size_t len;

    if (headers_known(link->wsi, WSI_TOKEN_PROTOCOL, offered, size) < 0) {
        return refuse(link, 400, NULL, "Sec-WebSocket-Protocol is too long");
    }
    if (!is_readable(offered)) {
        return refuse(link, 400, NULL,
                      "Sec-WebSocket-Protocol must be a list of names, none of "
                      "them empty or a number");
    }
    for (word = offered; *word != '\0'; word += strcspn(word, ", \t")) {
        word += strspn(word, ", \t");
        if (strcspn(word, ", \t") >= PROTOCOL_MAX) {
            return refuse(link, 400, NULL,
                          "a name in Sec-WebSocket-Protocol is too long");
        }
    }
    first = offered + strspn(offered, ", \t");
    len = strcspn(first, ", \t");
    memcpy(server->first, first, len);
    server->first[len] = '\0';
    return 0;
}

static struct protocol_place *place_of(struct link *link)
{
    struct lws_vhost *vhost = lws_get_vhost(link->wsi);

    return &link->server->places[vhost == link->server->places[1].vhost];
}

static void agree_on_deflate(struct link *link, struct instance *instance)
{
    char extensions[EXTENSIONS_MAX + 1];
    struct offer offer;

    link->deflate = instance_conf(instance)->limits.compress &&
                    headers_known(link->wsi, WSI_TOKEN_EXTENSIONS, extensions,
                                  sizeof extensions) > 0 &&
                    offer_take(extensions, &offer);
    if (link->deflate) {
        conn_set_deflate(link->conn, offer.bits);
        buf_addf(&link->answer_headers, "sec-websocket-extensions: %s\r\n",
                 offer.answer);
    }
}

/* Asks the application. */
static int create_conn(struct link *link, struct instance *instance,
                       const char *path, const char *offered)
{
    struct server *server = link->server;
    struct buf query = { 0 };
    char remote[64];
    struct request request = {
        .method = "GET",
        .remote = remote,
        .path = path,
        .header = headers_find,
        .link = link,
        .body = { .data = "", .kind = BAY_BINARY, .fin = true },
    };
    const char *why = "";
    int status, result = 0;

    headers_remote(link, remote, sizeof remote);
    if (!arrivals_forwarded(link, remote)) {
        stat_add(&instance_stats(instance)->refused, 1);
        return exchange_refuse_upgrade(link->wsi, 429, "retry-after: 1\r\n",
                                       "your address connects too often");
    }
    headers_query(link->wsi, &query);
    if (query.failed) {
        buf_free(&query);
        stat_add(&instance_stats(instance)->refused, 1);
        return exchange_refuse_upgrade(link->wsi, 503, NULL,
                                       "out of memory: try again later");
    }
    request.query = query.data;
    link->conn =
        conn_create(instance, &request, *offered != '\0' ? offered : NULL, link,
                    &status, &why);
    headers_forget(link);
    if (link->conn == NULL) {
        result = exchange_refuse_upgrade(link->wsi, status,
                                         request.headers.data, why);
    } else {
        link->answer_headers = request.headers;
        request.headers = (struct buf){ 0 };
        agree_on_deflate(link, instance);
        snprintf(server->chosen, sizeof server->chosen, "%s",
                 conn_subprotocol(link->conn));
    }
    request_finish(&request);
    buf_free(&query);
    return result;
}

int handshake_check(struct link *link, char *upgrade)
{
    struct server *server = link->server;
    struct protocol_place *place = place_of(link);
    struct instance *instance;
    char path[EXCHANGE_PATH_MAX], offered[LIST_MAX], text[512], origin[512];
    const char *method;
    int len;

    link->asked = true;
    /* An upgrade to what it does not know libwebsockets 4.1.6 refuses itself,
     * and asks all the same: the request and its headers are freed by then. */
    if (lws_hdr_total_length(link->wsi, WSI_TOKEN_UPGRADE) <= 0) {
        stat_add(&server->stats->handshake_errors, 1);
        return -1;
    }
    method = headers_method(link->wsi, path, sizeof path);
    if (strcasecmp(upgrade, "h2c") == 0) {
        /* Nobody has to take an upgrade to HTTP/2 (RFC 9110 section 7.8), and
         * many a client offers it with each request. libwebsockets would take
         * it: once the name is wiped out, it goes on with plain HTTP. */
        *upgrade = '\0';
        return 0;
    }
    place->entry->name = PLACE_NAME; /* an earlier one may have failed late */
    if (check_request(link, method, upgrade) != 0 ||
        check_subprotocols(link, offered, sizeof offered) != 0) {
        return 1;
    }
    instance = core_find_route(server->core, path);
    if (instance == NULL) {
        return refuse(link, 404, NULL, "no route has this path");
    }
    len = headers_known(link->wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin);
    headers_known(link->wsi, WSI_TOKEN_HOST, text, sizeof text);
    if (len < 0 ||
        (len > 0 && !handshake_origin_allowed(&instance_conf(instance)->limits,
                                              origin, text, link->tls))) {
        stat_add(&instance_stats(instance)->refused, 1);
        return exchange_refuse_upgrade(
            link->wsi, 403, NULL,
            "pages of this origin may not connect: see origins in the server's "
            "configuration");
    }
    if (create_conn(link, instance, path, offered) != 0) {
        return 1;
    }
    if (server->first[0] != '\0') {
        place->entry->name = server->first;
    }
    return 0;
}

void handshake_bound(struct link *link)
{
    place_of(link)->entry->name = link->server->chosen;
}

int handshake_add_headers(struct link *link, struct lws_process_html_args *args)
{
    struct buf *headers = &link->answer_headers;

    if (headers->len == 0 && !headers->failed) {
        return 0;
    }
    if (headers->failed || headers->len > (size_t)args->max_len) {
        return 1; /* what it does not say must not be done either */
    }
    memcpy(args->p, headers->data, headers->len);
    args->p += headers->len;
    buf_free(headers);
    return 0;
}

void handshake_done(struct link *link)
{
    place_of(link)->entry->name = PLACE_NAME;
    buf_free(&link->answer_headers);
}
