/* printable.h - text from elsewhere, as it may stand on a terminal
 *
 * Peers choose paths, names, messages and reasons. C0 controls, DEL and C1
 * controls (U+0080 to U+009F) would be commands to a terminal, and so would
 * bytes that are not UTF-8 be to one that does not speak it: all of them become
 * "\x1b", a line feed, a carriage return and a tab "\n", "\r" and "\t".
 */
#ifndef PATCHBAY_BASE_PRINTABLE_H
#define PATCHBAY_BASE_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"

#define PRINTABLE_CHAR_MAX 4

/*
 * Writes to out what stands for the character at the start of text, sets *used
 * to the bytes of text it took, and returns how many it wrote. len must not be
 * 0.
 */
size_t printable_char(char out[PRINTABLE_CHAR_MAX], const char *text,
                      size_t len, size_t *used);

/* keep: control characters that are left as they are, such as "\n\t". */
void printable_add(struct buf *buf, const char *text, size_t len,
                   const char *keep);
void printable_put(FILE *out, const char *text, size_t len, const char *keep);

#endif
