/* units.h - numbers, sizes and times as people write them, parsed strictly */
#ifndef PATCHBAY_BASE_UNITS_H
#define PATCHBAY_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each parses the whole text: 0, -1 if it is none, -2 if it does not fit.
 * int: decimal, with a sign. bytes: 512, 64k, 16m, 1g (powers of 1024).
 * ms: 250ms, 30s, 5m, 1h, 1d; a bare 0 too, any other bare number is refused,
 * since nobody knows its unit. bool: yes no on off true false 1 0. */
int units_parse_int(const char *text, int64_t *value);
int units_parse_bytes(const char *text, int64_t *value);
int units_parse_ms(const char *text, int64_t *value);
int units_parse_bool(const char *text, bool *value);

/* The shortest exact form: 1048576 -> "1m", 30000 -> "30s". Returns out. */
char *units_format_bytes(int64_t value, char *out, size_t size);
char *units_format_ms(int64_t value, char *out, size_t size);

/* Of a list that ends with NULL, the word nearest to `word`, or NULL if none
 * is near enough to be what was meant. */
const char *units_nearest(const char *word, const char *const *words);

#endif
