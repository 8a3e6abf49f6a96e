/* lines.h - a descriptor that speaks in lines, both ways, without waiting
 *
 * For the master: its ends of the workers' channels and of the control socket.
 */
#ifndef PATCHBAY_PROC_LINES_H
#define PATCHBAY_PROC_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "proc/poller.h"

struct lines {
    /* Set before lines_open. A longer line ends the conversation. */
    size_t line_max;
    void (*line)(struct lines *lines, char *text, size_t len);
    /* The other end has gone, or broke a limit: then why says what. Nothing is
     * called afterwards. */
    void (*gone)(struct lines *lines, const char *why);
    void *arg;

    struct watch watch; /* the rest is its own */
    struct poller *poller;
    struct buf in;
    size_t scanned; /* of in: without an end of line */
    struct buf out;
    bool deaf;
    bool ending;
    bool open;
};

/* Takes fd, a stream socket, and makes it non-blocking. 0, or -1 and fd
 * closed. */
int lines_open(struct lines *lines, struct poller *poller, int fd);

/* Queues one line, without its end. Returns -1 if it is not open or out of
 * memory. Never calls back. */
int lines_send(struct lines *lines, const char *text, size_t len);

/* No line is read any more. That the other end has gone is still seen. */
void lines_deafen(struct lines *lines);

/* Calls gone, from the loop, once everything was sent. */
void lines_end(struct lines *lines);

/* Bytes that the other end has not taken yet. */
size_t lines_waiting(const struct lines *lines);

/* Takes in what has arrived already, after the other end has died. */
void lines_drain(struct lines *lines);

/* Closes it and frees all; harmless when it is not open. Not to be called from
 * the line callback. */
void lines_close(struct lines *lines);

#endif
