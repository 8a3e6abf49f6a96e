/* request.h - an HTTP request and its answer, as the hooks see them */
#ifndef PATCHBAY_CORE_REQUEST_H
#define PATCHBAY_CORE_REQUEST_H

#include <stdbool.h>

#include <patchbay.h>

#include "base/buf.h"

/* The transport fills in the first part; what it points to must live until the
 * hook has returned. */
struct request {
    bay_request handle; /* must be first; core sets it */

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

/* Frees what core added. */
void request_finish(struct request *request);

#endif
