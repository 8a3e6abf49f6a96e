/* stream.h - a stream socket on the loop: connect, accept, read, write
 *
 * On uv_poll rather than uv_pipe: the queue stays ours, so that one write per
 * turn of the loop takes all that waits, from memory that several streams
 * share; how much waits is known to the byte; and reads go where frames are
 * put together.
 */
#ifndef PATCHBAY_BUS_STREAM_H
#define PATCHBAY_BUS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "bus/outbox.h"

struct stream {
    uv_poll_t poll; /* its data is the owner */
    int fd;
    unsigned *handles; /* counts what is not closed yet, for the owner */
};

/* To the socket at a path. NULL with errno; EPERM: it is another user's. */
struct stream *stream_connect(uv_loop_t *loop, const char *path, void *owner,
                              unsigned *handles);

/* The next that waits. NULL with errno; EAGAIN: none does; EPERM: it was
 * another user's, and is refused. */
struct stream *stream_accept(uv_loop_t *loop, int listen_fd, void *owner,
                             unsigned *handles);

/* Takes any stream socket that does not block. NULL with errno. */
struct stream *stream_adopt(uv_loop_t *loop, int fd, void *owner,
                            unsigned *handles);

/* Which of UV_READABLE, UV_WRITABLE, UV_DISCONNECT to call back for. */
void stream_watch(struct stream *stream, int events, uv_poll_cb on_event);

/* Bytes read; 0: nothing there now; -1 with errno, which is 0 at the end. */
ssize_t stream_read(struct stream *stream, void *out, size_t space);

/* Whether the other end is closed, however much of it is still to be read. */
bool stream_has_ended(const struct stream *stream);

/* Writes what the socket takes. 0: all was written; 1: more waits for
 * UV_WRITABLE; -1 with errno: the stream is dead. */
int stream_write(struct stream *stream, struct outbox *outbox);

/* Closes at once and frees from the loop. NULL is allowed. */
void stream_close(struct stream *stream);

#endif
