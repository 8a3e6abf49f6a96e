/* utf8.h - is it UTF-8? asked piece by piece (RFC 3629, RFC 6455 8.1) */
#ifndef PATCHBAY_BASE_UTF8_H
#define PATCHBAY_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between characters. A state is 0 whenever a text may end there. */
#define UTF8_START 0u

/*
 * Checks the next piece of a text and moves *state on. False as soon as no
 * continuation could make it valid, even in the middle of a character.
 */
bool utf8_check(uint32_t *state, const void *data, size_t len);

/* The whole of a text at once. */
bool utf8_valid(const void *data, size_t len);

/* How many bytes (1 to 4) the character at the start of data has; 0 if there
 * is no whole and valid one. */
size_t utf8_char(const void *data, size_t len);

#endif
