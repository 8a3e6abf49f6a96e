/* lines.c - a descriptor that speaks in lines, both ways, without waiting */
#include "proc/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536

enum outcome { MORE, WAIT, END };

static void update_events(struct lines *lines)
{
    lines->watch.events =
        (short)((lines->deaf ? 0 : POLLIN) |
                (lines->out.len > 0 || lines->ending ? POLLOUT : 0));
}

/* Calls back for each whole line. Returns false if the rest is too long. */
static bool take_lines(struct lines *lines)
{
    while (!lines->deaf && lines->scanned < lines->in.len) {
        char *text = lines->in.data;
        char *end =
            memchr(text + lines->scanned, '\n', lines->in.len - lines->scanned);
        size_t len;

        if (end == NULL) {
            lines->scanned = lines->in.len;
            return lines->in.len <= lines->line_max;
        }
        len = (size_t)(end - text);
        if (len > lines->line_max) {
            return false;
        }
        *end = 0;
        lines->line(lines, text, len);
        buf_consume(&lines->in, len + 1);
        lines->scanned = 0;
    }
    return true;
}

/* It has ended; reset: without having read all that it was sent. */
static bool is_gone(int error)
{
    return error == EPIPE || error == ECONNRESET;
}

static enum outcome read_some(struct lines *lines, const char **why)
{
    char *room = buf_reserve(&lines->in, READ_SIZE);
    ssize_t got;

    if (room == NULL) {
        *why = "out of memory";
        return END;
    }
    got = recv(lines->watch.fd, room, READ_SIZE, 0);
    if (got < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return WAIT;
        }
        *why = is_gone(errno) ? NULL : strerror(errno);
        return END;
    }
    if (got == 0) {
        return END;
    }
    lines->in.len += (size_t)got;
    if (!take_lines(lines)) {
        *why = "line too long";
        return END;
    }
    return MORE;
}

/* False when the connection is broken. */
static bool write_some(struct lines *lines)
{
    while (lines->out.len > 0) {
        ssize_t put = send(lines->watch.fd, lines->out.data, lines->out.len,
                           MSG_NOSIGNAL);

        if (put < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        buf_consume(&lines->out, (size_t)put);
    }
    return true;
}

static void ready(struct watch *watch, short revents)
{
    struct lines *lines = watch->arg;
    const char *why = NULL;
    enum outcome outcome = WAIT;

    if ((revents & POLLOUT) != 0 && !write_some(lines)) {
        why = is_gone(errno) ? NULL : strerror(errno);
        buf_free(&lines->out);
    }
    if (why != NULL) {
        outcome = END;
    } else if (lines->ending && lines->out.len == 0) {
        outcome = END;
    } else if (!lines->deaf && (revents & (POLLIN | POLLHUP)) != 0) {
        outcome = read_some(lines, &why);
    } else if ((revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
        outcome = END;
    }
    if (outcome == END) {
        poller_remove(lines->poller, &lines->watch);
        lines->gone(lines, why);
        return;
    }
    update_events(lines);
}

int lines_open(struct lines *lines, struct poller *poller, int fd)
{
    lines->poller = poller;
    lines->watch = (struct watch){ .fd = fd, .ready = ready, .arg = lines };
    lines->deaf = false;
    lines->ending = false;
    update_events(lines);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
        poller_add(poller, &lines->watch) < 0) {
        close(fd);
        return -1;
    }
    lines->open = true;
    return 0;
}

int lines_send(struct lines *lines, const char *text, size_t len)
{
    if (!lines->open) {
        return -1;
    }
    buf_add(&lines->out, text, len);
    buf_add(&lines->out, "\n", 1);
    if (lines->out.failed) {
        return -1;
    }
    /* A broken connection shows in the loop, with POLLHUP or POLLERR. */
    (void)write_some(lines);
    update_events(lines);
    return 0;
}

void lines_deafen(struct lines *lines)
{
    lines->deaf = true;
    update_events(lines);
}

void lines_end(struct lines *lines)
{
    lines->ending = true;
    update_events(lines);
}

size_t lines_waiting(const struct lines *lines)
{
    return lines->out.len;
}

void lines_drain(struct lines *lines)
{
    const char *why = NULL;

    while (lines->open && read_some(lines, &why) == MORE) {
    }
}

void lines_close(struct lines *lines)
{
    if (!lines->open) {
        return;
    }
    poller_remove(lines->poller, &lines->watch);
    close(lines->watch.fd);
    buf_free(&lines->in);
    buf_free(&lines->out);
    lines->scanned = 0;
    lines->open = false;
}
