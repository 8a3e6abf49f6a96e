/* json.h - text as it stands in a JSON string (RFC 8259 7) */
#ifndef PATCHBAY_BASE_JSON_H
#define PATCHBAY_BASE_JSON_H

#include <stddef.h>
#include <stdio.h>

#define JSON_CHAR_MAX 6 /* "\u001f" */

/*
 * Writes to out what the character at the start of text is in a JSON string,
 * sets *used to the bytes of text it took, and returns how many it wrote. A
 * byte that is not UTF-8 becomes U+FFFD. Control characters are escaped, those
 * above 0x7f, too, which JSON allows and a terminal obeys. len must not be 0.
 */
size_t json_char(char out[JSON_CHAR_MAX], const char *text, size_t len,
                 size_t *used);

/* Prints JSON that somebody else has written, with the same of them escaped. */
void json_put(FILE *out, const char *json, size_t len);

#endif
