/* deflate.h - messages, compressed and restored (RFC 7692)
 *
 * No context is taken over from one message to the next, either way: so one
 * stream serves all connections of a worker, and a connection costs nothing.
 */
#ifndef PATCHBAY_CORE_DEFLATE_H
#define PATCHBAY_CORE_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define DEFLATE_BITS_MIN 9u
#define DEFLATE_BITS_MAX 15u

/* Shorter messages are not worth it. */
#define DEFLATE_MIN 128u

struct deflate;

/*
 * Compresses a message for a window of 2^bits bytes. The result is in *out
 * until the next call; false: it would not be shorter, or memory ran out: send
 * it as it is. *self is made when first needed, and NULL before.
 */
bool deflate_message(struct deflate **self, unsigned bits, const void *data,
                     size_t len, const struct buf **out);

enum inflated {
    INFLATED,
    INFLATE_BAD,     /* not what deflate makes */
    INFLATE_TOO_BIG, /* longer than max */
    INFLATE_RATIO,   /* longer than it should be for its compressed length */
    INFLATE_NO_MEMORY
};

/* Up to here any ratio will do: a bomb of this size harms nobody. */
#define INFLATE_FREE (256u << 10)

/*
 * Restores a whole message of len bytes as they were sent. The result is in
 * *out until the next call. ratio: how many times longer than len it may be,
 * beyond INFLATE_FREE; 0: any.
 */
enum inflated inflate_message(struct deflate **self, const void *data,
                              size_t len, size_t max, unsigned ratio,
                              const struct buf **out);

void deflate_destroy(struct deflate *self);

#endif
