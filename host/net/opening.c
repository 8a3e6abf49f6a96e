/* opening.c - the requests of a connection, before libwebsockets sees them */
#include "net/opening.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/exchange.h"
#include "net/head.h"
#include "net/link.h"
#include "net/server-t.h"

/* A peer that was refused, and does not end, is waited for so long. */
#define LINGER_S 2

size_t opening_before(const struct opening *opening, char *to)
{
    if (opening->head.len > 0) {
        memcpy(to, opening->head.data, opening->head.len);
    }
    return opening->head.len;
}

static void tell_if_long(const struct link *link, int status)
{
    struct server *server = link->server;
    uint64_t left_out;

    if (status != 431) {
        return;
    }
    stat_add(&server->stats->heads_too_long, 1);
    if (seldom_due(&server->too_long, clock_coarse_ms(), &left_out)) {
        log_info("limit head: a request has more than 8 KiB of headers, or "
                 "more than %d headers and parameters; %llu times more since "
                 "this was last said",
                 HEAD_FIELDS_MAX, (unsigned long long)left_out);
    }
}

/* Answers, and reads and drops what comes until the peer ends: a reset would
 * take the answer from it. */
static void refuse(struct link *link, int status, const char *why)
{
    struct opening *opening = &link->intake.opening;

    opening->refused = true;
    stat_add(&link->server->stats->handshake_errors, 1);
    tell_if_long(link, status);
    if (!lws_partial_buffered(link->wsi)) {
        exchange_refuse_upgrade(link->wsi, status,
                                status == 405 ? "allow: GET\r\n" : NULL, why);
    }
    link_finish(link);
    lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LINGER_S);
}

/* One that comes behind others must wait for their answers, which no event
 * here tells of: the connection ends with them. */
static void refuse_later(struct link *link, int status)
{
    struct opening *opening = &link->intake.opening;

    stat_add(&link->server->stats->handshake_errors, 1);
    tell_if_long(link, status);
    opening->refused = true;
    opening->last = true;
}

/* Holds a head that is not whole, unless it never will be. */
static void keep(struct link *link, const char *data, size_t len, bool alone)
{
    struct opening *opening = &link->intake.opening;
    int status = !head_may_come(data, len)  ? 400
                 : len > SERVER_HEADERS_MAX ? 431
                                            : 0;

    if (status == 0) {
        buf_add(&opening->head, data, len);
        status = opening->head.failed ? 503 : 0;
    }
    if (status == 0) {
        return;
    }
    if (alone && link->exchange == NULL) {
        refuse(link, status,
               status == 400   ? "this is no request"
               : status == 431 ? "the headers are more than 8 KiB together"
                               : "out of memory: try again later");
    } else {
        refuse_later(link, status);
    }
}

/* A whole head: tidied, or refused. Returns whether it is to be seen. */
static bool accept_head(struct link *link, struct head *head, char *data,
                        size_t len, bool alone)
{
    if (len > SERVER_HEADERS_MAX) {
        *head = (struct head){ .status = 431,
                               .why = "the headers are more than 8 KiB "
                                      "together" };
    } else {
        head_read(head, data, len);
    }
    if (head->status == 0) {
        return true;
    }
    if (alone && link->exchange == NULL) {
        refuse(link, head->status, head->why);
    } else {
        refuse_later(link, head->status);
    }
    return false;
}

size_t opening_take(struct link *link, char *data, size_t len,
                    const char **early, size_t *early_len)
{
    struct opening *opening = &link->intake.opening;
    size_t at = 0, out = 0;

    *early_len = 0;
    buf_clear(&opening->head);
    while (at < len && !opening->refused) {
        size_t left = len - at, end;
        struct head head;

        if (opening->opaque || opening->body > 0) {
            size_t part = opening->opaque || opening->body > left
                              ? left
                              : (size_t)opening->body;

            memmove(data + out, data + at, part);
            out += part;
            at += part;
            opening->body -= opening->opaque ? 0 : part;
            continue;
        }
        end = head_end(data + at, left);
        if (end == 0) {
            keep(link, data + at, left, out == 0);
            break;
        }
        if (!accept_head(link, &head, data + at, end, out == 0)) {
            break;
        }
        memmove(data + out, data + at, head.len);
        out += head.len;
        at += end;
        opening->body = head.body;
        opening->opaque = head.opaque;
        if (head.websocket) {
            *early = data + at;
            *early_len = len - at;
            break;
        }
    }
    if (opening->head.len == 0) {
        buf_free(&opening->head);
    }
    return out;
}

void opening_finish(struct opening *opening)
{
    buf_free(&opening->head);
}
