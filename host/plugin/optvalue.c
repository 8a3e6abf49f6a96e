/* optvalue.c - one option's value: parsed, and held against its range */
#include "plugin/optvalue.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/units.h"

#define LONGEST_RANGE  64
#define LONGEST_QUOTED 80 /* of a value, in a message */

static bool is_numeric(bay_option_type type)
{
    return type == BAY_OPT_INT || type == BAY_OPT_BYTES || type == BAY_OPT_MS;
}

static bool has_range(const bay_option *option)
{
    return is_numeric(option->type) && (option->min != 0 || option->max != 0);
}

static const char *describe(bay_option_type type)
{
    switch (type) {
    case BAY_OPT_BYTES: return "a size such as 512, 64k or 16m";
    case BAY_OPT_MS: return "a time such as 250ms, 30s, 5m or 1h";
    default: return "a number";
    }
}

static int parse_number(bay_option_type type, const char *text, int64_t *number)
{
    switch (type) {
    case BAY_OPT_BYTES: return units_parse_bytes(text, number);
    case BAY_OPT_MS: return units_parse_ms(text, number);
    default: return units_parse_int(text, number);
    }
}

/* The units know no sign: a limit below 0 is written as a plain number. */
static void format_number(bay_option_type type, int64_t number, char *out,
                          size_t size)
{
    if (type == BAY_OPT_BYTES && number >= 0) {
        units_format_bytes(number, out, size);
    } else if (type == BAY_OPT_MS && number >= 0) {
        units_format_ms(number, out, size);
    } else {
        snprintf(out, size, "%" PRId64, number);
    }
}

char *optvalue_range(const bay_option *option, char *out, size_t size)
{
    char min[24];
    char max[24];

    if (!has_range(option)) {
        snprintf(out, size, "%s", "");
        return out;
    }
    format_number(option->type, option->min, min, sizeof min);
    format_number(option->type, option->max, max, sizeof max);
    snprintf(out, size, "%s to %s", min, max);
    return out;
}

int optvalue_parse(const bay_option *option, const char *text, int64_t *number,
                   char *why, size_t why_size)
{
    char range[LONGEST_RANGE];
    bool truth;
    int result;

    *number = 0;
    if (option->type == BAY_OPT_STR) {
        return 0;
    }
    if (option->type == BAY_OPT_BOOL) {
        if (units_parse_bool(text, &truth) != 0) {
            snprintf(why, why_size,
                     "\"%.*s\" is none of yes, no, on, off, true, false, 1, 0",
                     LONGEST_QUOTED, text);
            return -1;
        }
        *number = truth;
        return 0;
    }
    optvalue_range(option, range, sizeof range);
    result = parse_number(option->type, text, number);
    if (result == -1) {
        snprintf(why, why_size, "\"%.*s\" is not %s%s%s%s", LONGEST_QUOTED,
                 text, describe(option->type), *range != 0 ? " (" : "", range,
                 *range != 0 ? ")" : "");
        return -1;
    }
    if (result != 0 && *range == 0) {
        snprintf(why, why_size, "%.*s is too large a number", LONGEST_QUOTED,
                 text);
        return -1;
    }
    if (result != 0 ||
        (*range != 0 && (*number < option->min || *number > option->max))) {
        snprintf(why, why_size, "%.*s is out of range: %s", LONGEST_QUOTED,
                 text, range);
        return -1;
    }
    return 0;
}
