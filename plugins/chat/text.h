/* text.h - names and messages as people write them: characters, not bytes */
#ifndef CHAT_TEXT_H
#define CHAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    TEXT_NAME_MAX = 24, /* characters of a person's or a room's name */
    TEXT_NAME_SIZE = TEXT_NAME_MAX * 4 + 1
};

/*
 * Copies a name without the blanks around it. False if nothing is left, if it
 * is too long, not UTF-8, or has characters nobody could see: controls, and
 * those that turn the direction of what follows.
 */
bool text_name(char out[TEXT_NAME_SIZE], const char *raw);

/* Moves both ends past blanks and line ends. */
void text_trim(const char **text, size_t *len);

/* The length of a message in characters; -1 if it is not UTF-8 or has control
 * characters other than tab and line ends. */
long text_length(const char *text, size_t len);

#endif
