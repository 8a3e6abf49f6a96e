/* resume.c - the subprotocol by which clients survive the end of a connection */
#include "core/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"

static const char malformed[] =
    "resume: not a connection's id and positions as this server gives them; "
    "connect without it";

uint64_t resume_key(const char *topic)
{
    return fnv_hash(FNV_START, topic, strlen(topic));
}

/* Digits of base 10 or 16 up to the end or a character that is none. NULL: there
 * are none, or too many. */
static const char *read_number(const char *text, unsigned base, uint64_t *value)
{
    const char *at = text;
    uint64_t sum = 0;

    for (;; at++) {
        unsigned digit;

        if (*at >= '0' && *at <= '9') {
            digit = (unsigned)(*at - '0');
        } else if (base == 16 && *at >= 'a' && *at <= 'f') {
            digit = (unsigned)(*at - 'a') + 10;
        } else {
            break;
        }
        if (sum > (UINT64_MAX - digit) / base) {
            return NULL;
        }
        sum = sum * base + digit;
    }
    *value = sum;
    return at > text ? at : NULL;
}

/* "KEY.EPOCH.OFFSET" */
static const char *read_point(const char *text, struct resume_point *point)
{
    text = read_number(text, 16, &point->key);
    if (text == NULL || *text++ != '.') {
        return NULL;
    }
    text = read_number(text, 16, &point->at.epoch);
    if (text == NULL || *text++ != '.') {
        return NULL;
    }
    return read_number(text, 10, &point->at.offset);
}

struct resume *resume_parse(const char *text, const char **why)
{
    struct resume *resume;
    size_t points = 0;

    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        points += *at == ',';
    }
    if (points > RESUME_POINTS) {
        *why = malformed;
        return NULL;
    }
    resume = calloc(1, sizeof *resume + points * sizeof resume->points[0]);
    if (resume == NULL) {
        *why = "out of memory: try again later";
        return NULL;
    }
    if (text == NULL) {
        return resume;
    }
    text = read_number(text, 10, &resume->former);
    while (text != NULL && *text == ',') {
        text = read_point(text + 1, &resume->points[resume->count++]);
    }
    if (text == NULL || *text != '\0') {
        free(resume);
        *why = malformed;
        return NULL;
    }
    return resume;
}

bool resume_find(const struct resume *resume, uint64_t key, struct position *at)
{
    for (unsigned i = 0; i < resume->count; i++) {
        if (resume->points[i].key == key) {
            *at = resume->points[i].at;
            return true;
        }
    }
    return false;
}

size_t resume_line(char out[RESUME_LINE], char what, uint64_t key,
                   struct position at, long count)
{
    int len =
        snprintf(out, RESUME_LINE, "%c %016" PRIx64 " %" PRIx64 ".%" PRIu64,
                 what, key, at.epoch, at.offset);

    if (count >= 0) {
        len += snprintf(out + len, RESUME_LINE - (size_t)len, " %ld", count);
    }
    out[len++] = '\n';
    out[len] = '\0';
    return (size_t)len;
}

size_t resume_message_line(char out[RESUME_LINE], uint64_t key,
                           struct position at)
{
    if (at.epoch == 0) {
        memcpy(out, "m\n", 3);
        return 2;
    }
    return resume_line(out, 'm', key, at, -1);
}

size_t resume_welcome_line(char out[RESUME_LINE], bay_id id)
{
    return (size_t)snprintf(out, RESUME_LINE, "w %" PRIu64 "\n", id);
}
