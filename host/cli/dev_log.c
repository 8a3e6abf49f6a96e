/* dev_log.c - the host's log, shown at once whatever `patchbay dev` does */
#include "cli/dev_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/printable.h"

#define READ_SIZE ((size_t)65536)

/* A longer line is shown, in pieces. It is not passed on. */
#define LINE_MAX_BYTES ((size_t)16384)

struct dev_log {
    int from;
    int to;
    int wants; /* the thread's end of what is returned */
    bool (*wanted)(const char *line);
};

static void show(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, data, len);

        if (done < 0 && errno != EINTR) {
            return; /* nobody looks any more */
        }
        data += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
}

/* A plugin's own output is in it, too. */
static void show_plain(int fd, const char *text, size_t len)
{
    struct buf plain = { 0 };

    printable_add(&plain, text, len, "\n\t");
    if (!plain.failed) {
        show(fd, plain.data, plain.len);
    }
    buf_free(&plain);
}

static void pass_on(const struct dev_log *log, char *line, size_t len)
{
    bool wanted;

    line[len] = '\0';
    wanted = len < LINE_MAX_BYTES && log->wanted(line);
    line[len] = '\n';
    if (wanted) {
        /* So short a piece goes as a whole or not at all. */
        (void)send(log->wants, line, len + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/* All whole lines; the rest stays, unless it is too long. */
static void take_lines(const struct dev_log *log, struct buf *in)
{
    size_t at = 0;
    char *end;

    while ((end = memchr(in->data + at, '\n', in->len - at)) != NULL) {
        size_t len = (size_t)(end - in->data) - at;

        pass_on(log, in->data + at, len);
        at += len + 1;
    }
    if (in->len - at >= LINE_MAX_BYTES) {
        at = in->len;
    }
    show_plain(log->to, in->data, at);
    buf_consume(in, at);
}

static void *run(void *arg)
{
    struct dev_log *log = arg;
    struct buf in = { 0 };
    ssize_t got = 1;

    while (got > 0 || (got < 0 && errno == EINTR)) {
        char *room = buf_reserve(&in, READ_SIZE);

        got = room != NULL ? read(log->from, room, READ_SIZE) : 0;
        if (got > 0) {
            in.len += (size_t)got;
            take_lines(log, &in);
        }
    }
    if (in.len > 0) {
        show_plain(log->to, in.data, in.len);
    }
    buf_free(&in);
    close(log->from);
    close(log->wants);
    free(log);
    return NULL;
}

int dev_log_start(int from, int to, bool (*wanted)(const char *line))
{
    struct dev_log *log = malloc(sizeof *log);
    int ends[2] = { -1, -1 };
    pthread_t thread;
    int status = ENOMEM;

    if (log != NULL) {
        status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0
                     ? 0
                     : errno;
    }
    if (status == 0) {
        *log = (struct dev_log){
            .from = from, .to = to, .wants = ends[1], .wanted = wanted
        };
        status = pthread_create(&thread, NULL, run, log);
    }
    if (status == 0) {
        pthread_detach(thread);
        return ends[0];
    }
    if (ends[0] >= 0) {
        close(ends[0]);
        close(ends[1]);
    }
    close(from);
    free(log);
    errno = status;
    return -1;
}
