/* exchange.h - one plain HTTP request and its answer */
#ifndef PATCHBAY_NET_EXCHANGE_H
#define PATCHBAY_NET_EXCHANGE_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "core/conn.h"

struct link;

#define EXCHANGE_PATH_MAX 2048u

struct exchange {
    struct link *link;
    const char *method;
    char path[EXCHANGE_PATH_MAX];
    struct buf query; /* packed, as in struct request */
    struct buf body;
    bool hooked; /* a hook was to answer when the request came */
    size_t body_max;
    bool close; /* the connection ends with the answer */
    bool head_only;

    /* What is being sent, piece by piece: a file, or an answer held here. */
    int fd; /* -1: none */
    struct buf answer;
    off_t at;
    off_t end;
};

/* The answer to a request that was refused or has no body to speak of: the
 * status line and the headers are made here. `headers` are whole lines, each
 * with its CRLF, or NULL. For the callbacks of libwebsockets: 0, or -1 when the
 * connection has to end. */
int exchange_respond(struct exchange *exchange, int status, const char *type,
                     const char *headers, const void *body, size_t len);

/* The same for one sentence of plain text. */
int exchange_refuse(struct exchange *exchange, int status, const char *headers,
                    const char *sentence);

/* Only the head: the body follows through exchange_continue. 0 or -1. */
int exchange_respond_file(struct exchange *exchange, int status,
                          const char *type, const char *headers, int fd,
                          off_t size);

/* The callbacks of libwebsockets for plain HTTP. */
int exchange_begin(struct link *link);
int exchange_body(struct exchange *exchange, const void *data, size_t len);
int exchange_dispatch(struct exchange *exchange);
int exchange_continue(struct exchange *exchange);
void exchange_destroy(struct exchange *exchange);

/* An answer in the middle of an upgrade, where there is no exchange: writes it
 * and returns 1, for the callback. */
int exchange_refuse_upgrade(struct lws *wsi, int status, const char *headers,
                            const char *sentence);

/* "Not Found" for 404. */
const char *exchange_reason(int status);

#endif
