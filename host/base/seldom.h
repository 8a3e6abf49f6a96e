/* seldom.h - a line of the log that could come a million times: now and then
 *
 * What a peer can make the host say, it can make it say without end. The first
 * time is said; after that once in a while, with how often it was not.
 */
#ifndef PATCHBAY_BASE_SELDOM_H
#define PATCHBAY_BASE_SELDOM_H

#include <stdbool.h>
#include <stdint.h>

#define SELDOM_MS 10000u

/* A zeroed struct is of something that has not been said yet. */
struct seldom {
    uint64_t next_ms;
    uint64_t left_out; /* times, since it was said last */
};

/* It happened: whether to say so now. *left_out: how often it has happened in
 * between without being said. */
static inline bool seldom_due(struct seldom *seldom, uint64_t now_ms,
                              uint64_t *left_out)
{
    if (now_ms < seldom->next_ms) {
        seldom->left_out++;
        return false;
    }
    *left_out = seldom->left_out;
    seldom->left_out = 0;
    seldom->next_ms = now_ms + SELDOM_MS;
    return true;
}

#endif
