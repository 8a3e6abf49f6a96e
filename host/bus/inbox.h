/* inbox.h - puts the frames of one stream together again
 *
 * What was read lies in an area that all streams of a bus share, and frames
 * are used there, in place. Only the beginning of a frame whose end has not
 * come yet is kept by the stream itself; memory for a large one is given back
 * when it was used.
 */
#ifndef PATCHBAY_BUS_INBOX_H
#define PATCHBAY_BUS_INBOX_H

#include <stdbool.h>
#include <stddef.h>

#define INBOX_AREA 65536

/* A zeroed struct with an area of INBOX_AREA bytes and a max is empty. */
struct inbox {
    char *area;
    size_t max; /* the longest frame there may be next */
    char *kept; /* the beginning of a frame */
    size_t kept_len;
    size_t kept_cap;
    bool direct; /* reads go behind what is kept, not into the area */
};

/* Where to read to, and how much at most: at least one byte. NULL if there is
 * no memory. Read at once: another stream may be given the same place. */
char *inbox_space(struct inbox *inbox, size_t *space);

/*
 * So many bytes were read there. Calls `each` for every frame that is whole
 * now; it lies there for the call only. Stops if `each` returns false. NULL,
 * or what is wrong with the stream; then no more can be read from it.
 */
const char *inbox_take(struct inbox *inbox, size_t bytes,
                       bool (*each)(void *arg, const char *frame, size_t len),
                       void *arg);

void inbox_finish(struct inbox *inbox);

#endif
