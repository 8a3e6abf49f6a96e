/* rate.h - how fast a client may send: messages and bytes per second */
#ifndef PATCHBAY_CORE_RATE_H
#define PATCHBAY_CORE_RATE_H

#include "core/core-t.h"

/* A piece of a message came. One that is too fast is not read from for a
 * while, or closed, as over_rate says. */
void rate_charge(struct conn *conn, size_t len, bool last);

static inline bool rate_limited(const struct conn *conn)
{
    const struct conf_limits *limits = &conn->instance->conf->limits;

    return limits->rate > 0 || limits->rate_bytes > 0;
}

/* Goes on to read from those that have waited long enough. */
void rate_resume(struct core *core, uint64_t now_ms);

/* It is about to be freed. */
void rate_forget(struct conn *conn);

#endif
