/* stream.c - a stream socket on the loop: connect, accept, read, write */
#include "bus/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Chunks given to one write. A socket's buffer is no larger than a few. */
#define PIECES 64

/* Only this server's user, and root, who may anything, talk on the bus. */
static int check_peer(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        return -1;
    }
    if (peer.uid != geteuid() && peer.uid != 0) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

struct stream *stream_adopt(uv_loop_t *loop, int fd, void *owner,
                            unsigned *handles)
{
    struct stream *stream = calloc(1, sizeof *stream);
    int error = 0;

    if (!stream) {
        error = ENOMEM;
        goto fail;
    }
    stream->fd = fd;
    stream->handles = handles;
    error = -uv_poll_init(loop, &stream->poll, fd);
    if (error) {
        goto fail;
    }
    stream->poll.data = owner;
    ++*handles;
    return stream;
fail:
    free(stream);
    close(fd);
    errno = error;
    return NULL;
}

/* Takes fd. */
static struct stream *create(uv_loop_t *loop, int fd, void *owner,
                             unsigned *handles)
{
    if (check_peer(fd) < 0) {
        int error = errno;

        close(fd);
        errno = error;
        return NULL;
    }
    return stream_adopt(loop, fd, owner, handles);
}

struct stream *stream_connect(uv_loop_t *loop, const char *path, void *owner,
                              unsigned *handles)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return NULL;
    }
    /* Never in progress: it is done, or the backlog is full (EAGAIN). */
    if (connect(fd, (const struct sockaddr *)&addr, sizeof addr) < 0) {
        int error = errno;

        close(fd);
        errno = error;
        return NULL;
    }
    return create(loop, fd, owner, handles);
}

struct stream *stream_accept(uv_loop_t *loop, int listen_fd, void *owner,
                             unsigned *handles)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    return fd < 0 ? NULL : create(loop, fd, owner, handles);
}

void stream_watch(struct stream *stream, int events, uv_poll_cb on_event)
{
    uv_poll_start(&stream->poll, events, on_event);
}

ssize_t stream_read(struct stream *stream, void *out, size_t space)
{
    ssize_t n = recv(stream->fd, out, space, MSG_DONTWAIT);

    if (n > 0) {
        return n;
    }
    if (n == 0) {
        errno = 0;
        return -1;
    }
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool stream_has_ended(const struct stream *stream)
{
    struct pollfd ask = { .fd = stream->fd, .events = POLLRDHUP };

    return poll(&ask, 1, 0) > 0 &&
           (ask.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0;
}

int stream_write(struct stream *stream, struct outbox *outbox)
{
    while (outbox->bytes > 0) {
        struct iovec iov[PIECES];
        int pieces = outbox_pieces(outbox, iov, PIECES);
        struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)pieces };
        size_t offered = 0;
        ssize_t n;
        int i;

        for (i = 0; i < pieces; i++) {
            offered += iov[i].iov_len;
        }
        n = sendmsg(stream->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 1 : -1;
        }
        outbox_sent(outbox, (size_t)n);
        if ((size_t)n < offered) {
            return 1;
        }
    }
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = (struct stream *)handle;

    --*stream->handles;
    free(stream);
}

void stream_close(struct stream *stream)
{
    if (!stream) {
        return;
    }
    /* Which takes the descriptor out of epoll first. */
    uv_close((uv_handle_t *)&stream->poll, on_closed);
    close(stream->fd);
    stream->fd = -1;
}
