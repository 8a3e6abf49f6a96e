/* text.h - small things done to the text of a value */
#ifndef PATCHBAY_CONF_TEXT_H
#define PATCHBAY_CONF_TEXT_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Copies the next item of a comma separated list, without the white space
 * around it, into item and moves *at on; *at is NULL behind the last. False
 * when there is none left, or item->failed. Between two commas is an empty
 * item, and so is the whole of "".
 */
bool text_next(const char **at, struct buf *item);

/* A path as written, taken from folder unless it is absolute, without a / at
 * its end. folder has no links in it, so that leading ../ can be resolved. On
 * the heap; NULL: out of memory. */
char *text_absolute(const char *folder, const char *path);

/* Lower case letters, digits, _ and -, at most CONF_MAX_NAME. */
bool text_is_name(const char *text);
#define TEXT_NAME_RULE "1 to 63 lower case letters, digits, _ and -"

/* Ends a message with the word that may have been meant, if there is one. */
void text_suggest(struct buf *why, const char *word);

#endif
