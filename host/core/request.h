/* request.h - an HTTP request and its answer, as the hooks see them */
#ifndef PATCHBAY_CORE_REQUEST_H
#define PATCHBAY_CORE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <patchbay.h>

#include "base/buf.h"

/* The transport fills in the first part; what it points to must live until the
 * hook has returned. */
struct request {
    bay_request handle; /* must be first; core sets it and the next */
    uint32_t magic;

    const char *method;
    const char *remote;
    const char *path;  /* decoded */
    const char *query; /* decoded "name=value" strings, each with its 0 byte,
                          then an empty one; NULL: none */
    const char *(*header)(void *link, const char *name);
    void *link;
    bay_message body; /* data never NULL */

    /* The answer. */
    bool may_reply; /* false in the handshake hook */
    bool replied;
    int status;
    char *type;
    struct buf headers; /* "name: value\r\n" lines */
    struct buf reply;
};

/* The decoded value of a parameter in a packed query, or NULL. */
const char *request_query_find(const char *query, const char *name);

struct instance;

/*
 * Calls the http hook. 0: request holds the answer; or the HTTP status to
 * answer with, 500 for a hook that failed. 426 if the plugin has no such hook.
 */
int request_http(struct instance *instance, struct request *request);

/* Frees what core added. */
void request_finish(struct request *request);

#endif
