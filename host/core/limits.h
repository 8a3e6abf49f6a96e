/* limits.h - a client has reached a limit: counted, and said now and then */
#ifndef PATCHBAY_CORE_LIMITS_H
#define PATCHBAY_CORE_LIMITS_H

#include "core/core-t.h"

/* A client that has no connection (yet) came upon a limit of its route. */
void instance_over(struct instance *instance, const char *remote,
                   enum limit limit, const char *what);

/* A connection has reached it; what: what comes of that, or becomes of it. */
void conn_over(const struct conn *conn, enum limit limit, const char *what);

/* The same, and it is closed for that; the message that was coming in is
 * forgotten. */
void conn_exceed(struct conn *conn, enum limit limit, int code,
                 const char *reason);

#endif
