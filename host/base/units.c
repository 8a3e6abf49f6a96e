/* units.c - numbers, sizes and times as people write them, parsed strictly */
#include "base/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NOT_A_NUMBER (-1)
#define OUT_OF_RANGE (-2)

#define LONGEST_WORD 64

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit sizes[] = {
    { "", 1 },
    { "k", INT64_C(1) << 10 },
    { "m", INT64_C(1) << 20 },
    { "g", INT64_C(1) << 30 },
    { NULL, 0 },
};

static const struct unit times[] = {
    { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
    { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

/* Reads the digits at *text and moves it behind them. */
static int read_digits(const char **text, uint64_t *value)
{
    const char *at = *text;
    int result = 0;

    *value = 0;
    if (*at < '0' || *at > '9') {
        return NOT_A_NUMBER;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (*value > ((uint64_t)INT64_MAX - digit) / 10) {
            result = OUT_OF_RANGE;
        } else if (result == 0) {
            *value = *value * 10 + digit;
        }
    }
    *text = at;
    return result;
}

static int parse_with_unit(const char *text, const struct unit *units,
                           int64_t *value)
{
    uint64_t number;
    int result = read_digits(&text, &number);

    if (result == NOT_A_NUMBER) {
        return NOT_A_NUMBER;
    }
    while (units->name != NULL && strcmp(text, units->name) != 0) {
        units++;
    }
    if (units->name == NULL) {
        return NOT_A_NUMBER;
    }
    if (result != 0 || number > (uint64_t)(INT64_MAX / units->factor)) {
        return OUT_OF_RANGE;
    }
    *value = (int64_t)number * units->factor;
    return 0;
}

int units_parse_int(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    uint64_t number;
    int result;

    if (*text == '-' || *text == '+') {
        text++;
    }
    result = read_digits(&text, &number);
    if (result == NOT_A_NUMBER || *text != 0) {
        return NOT_A_NUMBER;
    }
    if (result != 0) {
        return OUT_OF_RANGE;
    }
    *value = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

int units_parse_bytes(const char *text, int64_t *value)
{
    return parse_with_unit(text, sizes, value);
}

int units_parse_ms(const char *text, int64_t *value)
{
    if (strcmp(text, "0") == 0) {
        *value = 0;
        return 0;
    }
    return parse_with_unit(text, times, value);
}

int units_parse_bool(const char *text, bool *value)
{
    static const char *const words[] = { "no",    "yes",  "off", "on",
                                         "false", "true", "0",   "1" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return 0;
        }
    }
    return -1;
}

static char *format_with_unit(int64_t value, const struct unit *units,
                              char *out, size_t size)
{
    const struct unit *best = units;

    for (; units->name != NULL; units++) {
        if (value % units->factor == 0) {
            best = units;
        }
    }
    snprintf(out, size, "%" PRId64 "%s", value / best->factor, best->name);
    return out;
}

char *units_format_bytes(int64_t value, char *out, size_t size)
{
    if (value == 0) {
        snprintf(out, size, "0");
        return out;
    }
    return format_with_unit(value, sizes, out, size);
}

char *units_format_ms(int64_t value, char *out, size_t size)
{
    if (value == 0) {
        snprintf(out, size, "0");
        return out;
    }
    return format_with_unit(value, times, out, size);
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to insert, delete, change or swap with their neighbour
 * (optimal string alignment). Both at most LONGEST_WORD long. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST_WORD + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *now = rows[2];
    size_t width = strlen(b);

    for (size_t j = 0; j <= width; j++) {
        last[j] = j;
    }
    for (size_t i = 1; a[i - 1] != 0; i++) {
        size_t *spare = before;

        now[0] = i;
        for (size_t j = 1; j <= width; j++) {
            bool same = tolower((unsigned char)a[i - 1]) ==
                        tolower((unsigned char)b[j - 1]);

            now[j] = min_size(last[j - 1] + !same,
                              min_size(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1]) {
                now[j] = min_size(now[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[width];
}

const char *units_nearest(const char *word, const char *const *words)
{
    size_t len = strlen(word);
    const char *best = NULL;
    size_t near = len < 3 ? 2 : 2 + len / 4; /* must be below this */

    if (len > LONGEST_WORD) {
        return NULL;
    }
    for (; *words != NULL; words++) {
        size_t steps;

        if (strlen(*words) > LONGEST_WORD) {
            continue;
        }
        steps = distance(word, *words);
        /* As many steps as letters turns any word into any other. */
        if (steps < near && steps < strlen(*words)) {
            near = steps;
            best = *words;
        }
    }
    return best;
}
