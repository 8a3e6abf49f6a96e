/* talk_input.h - lines of standard input, read on a thread of their own
 *
 * What reads may block: files, pipes and terminals are all the same to it.
 */
#ifndef PATCHBAY_CLI_TALK_INPUT_H
#define PATCHBAY_CLI_TALK_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#define TALK_LINE_MAX ((size_t)64 << 20)

struct talk_input;

struct talk_line {
    struct talk_line *next;
    size_t len;
    char *data; /* without the end of line; room of `before` bytes in front */
};

/* wake is called, on that thread, when there is something new. before: bytes
 * to leave free in front of each line's data. NULL: out of memory. */
struct talk_input *talk_input_start(int fd, size_t before,
                                    void (*wake)(void *arg), void *arg);

/* The next line, to be freed with talk_line_free, or NULL. *ended: there will
 * be no more; then why is NULL, or says what was wrong. */
struct talk_line *talk_input_take(struct talk_input *input, bool *ended,
                                  const char **why);

/* Only after the end was told: until then the thread may sit in read, and ends
 * with the process. */
void talk_input_free(struct talk_input *input);
void talk_line_free(struct talk_line *line, size_t before);

#endif
