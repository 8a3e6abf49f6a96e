/* respond.c - writing HTTP/1.1 answers
 *
 * The status line is written here: while an upgrade is checked libwebsockets
 * would say HTTP/1.0, and it knows no reason phrase for 426.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "net/exchange.h"
#include "net/headers.h"
#include "net/link.h"
#include "net/server-t.h"

/* Read from a file and written to the socket in one go. */
#define FILE_CHUNK 65536

/* So many of these at most before others have their turn, however fast the
 * client is. */
#define CHUNKS_PER_TURN 4

/* A client that takes nothing of a file for so long is let go. */
#define FILE_WAIT_S 30

const char *exchange_reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return status < 400 ? "OK" : "Error";
    }
}

/* RFC 9110 section 6.6.1; the text of one second serves all of it. */
static const char *date(void)
{
    static char text[40];
    static time_t made;
    time_t now = time(NULL);

    if (now != made) {
        struct tm tm;

        made = now;
        gmtime_r(&now, &tm);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return text;
}

static void add_head(struct buf *out, int status, const char *type,
                     const char *headers, unsigned long long length, bool close)
{
    buf_addf(out, "HTTP/1.1 %d %s\r\nserver: patchbay\r\ndate: %s\r\n", status,
             exchange_reason(status), date());
    if (type != NULL) {
        buf_addf(out, "content-type: %s\r\n", type);
    }
    if (status != 204 && status != 304) {
        buf_addf(out, "content-length: %llu\r\n", length);
    }
    if (close) {
        buf_adds(out, "connection: close\r\n");
    }
    if (headers != NULL) {
        buf_adds(out, headers);
    }
    buf_adds(out, "\r\n");
}

static int write_out(struct lws *wsi, struct buf *out)
{
    int result = -1;

    if (!out->failed) {
        result = lws_write(wsi, (unsigned char *)out->data, out->len,
                           LWS_WRITE_HTTP);
    }
    buf_free(out);
    return result < 0 ? -1 : 0;
}

/* The answer is written: on to the next request, or the end. */
static int complete(struct exchange *exchange)
{
    struct link *link = exchange->link;
    bool close = exchange->close || link->server->stopping;

    link->exchange = NULL;
    exchange_destroy(exchange);
    if (close) {
        return -1; /* what is still queued is sent first */
    }
    return lws_http_transaction_completed(link->wsi) != 0 ? -1 : 0;
}

int exchange_respond(struct exchange *exchange, int status, const char *type,
                     const char *headers, const void *body, size_t len)
{
    struct lws *wsi = exchange->link->wsi;
    struct buf out = { 0 };

    add_head(&out, status, type, headers, len, exchange->close);
    if (exchange->head_only || status == 204 || status == 304) {
        len = 0;
    }
    if (len > FILE_CHUNK) { /* a slow client has time for each piece */
        buf_add(&exchange->answer, body, len);
        exchange->end = (off_t)len;
        out.failed |= exchange->answer.failed;
    } else {
        buf_add(&out, body, len);
    }
    if (write_out(wsi, &out) != 0) {
        return -1;
    }
    return exchange->end > 0 ? exchange_continue(exchange) : complete(exchange);
}

int exchange_refuse(struct exchange *exchange, int status, const char *headers,
                    const char *sentence)
{
    struct buf body = { 0 };
    int result = -1;

    buf_addf(&body, "%d %s: %s\n", status, exchange_reason(status), sentence);
    if (!body.failed) {
        result = exchange_respond(exchange, status, "text/plain; charset=utf-8",
                                  headers, body.data, body.len);
    }
    buf_free(&body);
    return result;
}

int exchange_refuse_upgrade(struct lws *wsi, int status, const char *headers,
                            const char *sentence)
{
    struct buf body = { 0 }, out = { 0 };

    buf_addf(&body, "%d %s: %s\n", status, exchange_reason(status), sentence);
    add_head(&out, status, "text/plain; charset=utf-8", headers, body.len,
             true);
    buf_add(&out, body.data, body.len);
    out.failed |= body.failed;
    buf_free(&body);
    write_out(wsi, &out); /* the connection ends either way */
    return 1;
}

int exchange_respond_file(struct exchange *exchange, int status,
                          const char *type, const char *headers, int fd,
                          off_t size)
{
    struct lws *wsi = exchange->link->wsi;
    struct buf out = { 0 };

    add_head(&out, status, type, headers, (unsigned long long)size,
             exchange->close);
    exchange->fd = fd;
    exchange->at = 0;
    exchange->end = exchange->head_only ? 0 : size;
    if (exchange->end > 0 && exchange->end <= FILE_CHUNK) {
        char *to = buf_reserve(&out, (size_t)exchange->end);
        ssize_t n = to != NULL ? pread(fd, to, (size_t)exchange->end, 0) : -1;

        if (n != exchange->end) {
            buf_free(&out);
            return -1; /* it shrank, or cannot be read after all */
        }
        out.len += (size_t)n;
        exchange->at = n;
    }
    if (write_out(wsi, &out) != 0) {
        return -1;
    }
    if (exchange->at == exchange->end) {
        return complete(exchange);
    }
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, FILE_WAIT_S);
    lws_callback_on_writable(wsi);
    return 0;
}

/* The next piece of what is being sent; its length, or -1. */
static ssize_t next_piece(struct exchange *exchange, unsigned char **piece)
{
    static unsigned char chunk[LWS_PRE + FILE_CHUNK];
    off_t left = exchange->end - exchange->at;
    size_t len = left < FILE_CHUNK ? (size_t)left : FILE_CHUNK;

    if (exchange->fd < 0) {
        *piece = (unsigned char *)exchange->answer.data + exchange->at;
        return (ssize_t)len;
    }
    *piece = chunk + LWS_PRE;
    return pread(exchange->fd, *piece, len, exchange->at);
}

int exchange_continue(struct exchange *exchange)
{
    struct lws *wsi = exchange->link->wsi;

    if (exchange->end == 0) {
        return 0; /* the request is still arriving */
    }
    for (int i = 0; i < CHUNKS_PER_TURN && exchange->at < exchange->end; i++) {
        unsigned char *piece;
        ssize_t n = next_piece(exchange, &piece);

        if (n <= 0 || lws_write(wsi, piece, (size_t)n, LWS_WRITE_HTTP) < 0) {
            return -1;
        }
        exchange->at += n;
        if (lws_send_pipe_choked(wsi)) {
            break;
        }
    }
    if (exchange->at < exchange->end) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, FILE_WAIT_S);
        lws_callback_on_writable(wsi);
        return 0;
    }
    return complete(exchange);
}
