/* talk_input.c - lines of standard input, read on a thread of their own */
#include "cli/talk_input.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#define READ_SIZE 65536

/* Lines that wait; then the thread does. */
#define LINES_MAX 1024

struct talk_input {
    int fd;
    size_t before;
    void (*wake)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t room;
    pthread_t thread;
    struct talk_line *head;
    struct talk_line **end;
    size_t count;
    bool ended;
    const char *why;
};

void talk_line_free(struct talk_line *line, size_t before)
{
    if (line != NULL) {
        free(line->data - before);
        free(line);
    }
}

static int put(struct talk_input *input, const char *data, size_t len)
{
    struct talk_line *line = calloc(1, sizeof *line);
    char *room = malloc(input->before + len + 1);

    if (line == NULL || room == NULL) {
        free(line);
        free(room);
        return -1;
    }
    line->data = room + input->before;
    line->len = len;
    memcpy(line->data, data, len);
    pthread_mutex_lock(&input->lock);
    while (input->count == LINES_MAX) {
        pthread_cond_wait(&input->room, &input->lock);
    }
    *input->end = line;
    input->end = &line->next;
    input->count++;
    pthread_mutex_unlock(&input->lock);
    input->wake(input->arg);
    return 0;
}

/* All whole lines of what was read; the rest stays. */
static int put_lines(struct talk_input *input, struct buf *read_in,
                     size_t scanned)
{
    size_t from = 0;
    const char *end;

    while ((end = memchr(read_in->data + scanned, '\n',
                         read_in->len - scanned)) != NULL) {
        size_t at = (size_t)(end - read_in->data);

        if (put(input, read_in->data + from, at - from) != 0) {
            return -1;
        }
        from = scanned = at + 1;
    }
    buf_consume(read_in, from);
    return 0;
}

static const char *read_all(struct talk_input *input, struct buf *read_in)
{
    for (;;) {
        size_t scanned = read_in->len;
        char *room = buf_reserve(read_in, READ_SIZE);
        ssize_t got = room != NULL ? read(input->fd, room, READ_SIZE) : -1;

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (room == NULL) {
            return "out of memory";
        }
        if (got <= 0) { /* a last line may lack its end */
            return read_in->len > 0 &&
                           put(input, read_in->data, read_in->len) != 0
                       ? "out of memory"
                       : NULL;
        }
        read_in->len += (size_t)got;
        if (put_lines(input, read_in, scanned) != 0) {
            return "out of memory";
        }
        if (read_in->len > TALK_LINE_MAX) {
            return "a line of the input is longer than 64 MiB";
        }
    }
}

static void *run(void *arg)
{
    struct talk_input *input = arg;
    struct buf read_in = { 0 };
    const char *why = read_all(input, &read_in);

    buf_free(&read_in);
    pthread_mutex_lock(&input->lock);
    input->ended = true;
    input->why = why;
    pthread_mutex_unlock(&input->lock);
    input->wake(input->arg);
    return NULL;
}

struct talk_input *talk_input_start(int fd, size_t before,
                                    void (*wake)(void *arg), void *arg)
{
    struct talk_input *input = calloc(1, sizeof *input);
    sigset_t all, old;
    int status;

    if (input == NULL) {
        return NULL;
    }
    input->fd = fd;
    input->before = before;
    input->wake = wake;
    input->arg = arg;
    input->end = &input->head;
    pthread_mutex_init(&input->lock, NULL);
    pthread_cond_init(&input->room, NULL);
    sigfillset(&all); /* signals are for the other thread */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status = pthread_create(&input->thread, NULL, run, input);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (status != 0) {
        free(input);
        return NULL;
    }
    return input;
}

void talk_input_free(struct talk_input *input)
{
    pthread_join(input->thread, NULL);
    pthread_mutex_destroy(&input->lock);
    pthread_cond_destroy(&input->room);
    free(input);
}

struct talk_line *talk_input_take(struct talk_input *input, bool *ended,
                                  const char **why)
{
    struct talk_line *line;

    pthread_mutex_lock(&input->lock);
    line = input->head;
    if (line != NULL) {
        input->head = line->next;
        if (input->head == NULL) {
            input->end = &input->head;
        }
        input->count--;
        line->next = NULL;
        pthread_cond_signal(&input->room);
    }
    *ended = line == NULL && input->ended;
    *why = *ended ? input->why : NULL;
    pthread_mutex_unlock(&input->lock);
    return line;
}
