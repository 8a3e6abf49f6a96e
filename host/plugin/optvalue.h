/* optvalue.h - one option's value: parsed, and held against its range */
#ifndef PATCHBAY_PLUGIN_OPTVALUE_H
#define PATCHBAY_PLUGIN_OPTVALUE_H

#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

/*
 * Parses text by the option's type. *number is the value of the numeric types,
 * 0 or 1 of a bool, 0 of a string. 0, or -1 and in why what is wrong with the
 * text and what it may be: `"many" is not a number (0 to 10000)`.
 */
int optvalue_parse(const bay_option *option, const char *text, int64_t *number,
                   char *why, size_t why_size);

/* "0 to 10000", or "1k to 16m": the range in the option's unit; "" if it has
 * none. Returns out. */
char *optvalue_range(const bay_option *option, char *out, size_t size);

#endif
