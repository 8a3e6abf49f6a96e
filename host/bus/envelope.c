/* envelope.c - what workers of several machines send each other: no sockets */
#include "bus/envelope.h"

#include <string.h>

/* Where the numbers are; the strings begin at ENVELOPE_HEADER. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 2,
    AT_TYPE = 3,
    AT_KIND = 4,
    AT_FLAGS = 5,
    AT_CODE = 6,
    AT_FROM = 8,
    AT_ID = 16,
    AT_TIME = 24,
    AT_GROUP = 32,
    AT_ROUTE_LEN = 36,
    AT_TEXT_LEN = 37
};

#define FLAG_LATE 1u

/* "K 18446744073709551615 18446744073709551615\n" */
#define LINE_MAX_LEN 44

static void put_number(char *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (char)(value >> 8 * i & 0xff);
    }
}

static uint64_t get_number(const char *in, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)(unsigned char)in[i] << 8 * i;
    }
    return value;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

size_t envelope_size(const struct envelope *envelope)
{
    size_t route = strlen(or_empty(envelope->route));
    size_t text = strlen(or_empty(envelope->text));
    size_t fixed = ENVELOPE_HEADER + route + text + 2;

    if (route > UINT8_MAX || text > UINT8_MAX ||
        envelope->len > ENVELOPE_MAX - LINE_MAX_LEN - fixed) {
        return 0;
    }
    return fixed + envelope->len;
}

static char *put(char *out, const char *text, size_t len)
{
    memcpy(out, text, len + 1);
    return out + len + 1;
}

void envelope_encode(char *out, const struct envelope *envelope)
{
    const char *route = or_empty(envelope->route);
    const char *text = or_empty(envelope->text);
    size_t route_len = strlen(route), text_len = strlen(text);

    memset(out, 0, ENVELOPE_HEADER);
    memcpy(out + AT_MAGIC, "pb", 2);
    out[AT_VERSION] = ENVELOPE_VERSION;
    out[AT_TYPE] = (char)envelope->type;
    out[AT_KIND] = (char)envelope->kind;
    out[AT_FLAGS] = envelope->late ? FLAG_LATE : 0;
    put_number(out + AT_CODE, (uint64_t)envelope->code, 2);
    put_number(out + AT_FROM, envelope->from, 8);
    put_number(out + AT_ID, envelope->id, 8);
    put_number(out + AT_TIME, envelope->time_ms, 8);
    put_number(out + AT_GROUP, envelope->group, 4);
    out[AT_ROUTE_LEN] = (char)route_len;
    out[AT_TEXT_LEN] = (char)text_len;
    out = put(out + ENVELOPE_HEADER, route, route_len);
    out = put(out, text, text_len);
    if (envelope->len > 0) {
        memcpy(out, envelope->data, envelope->len);
    }
}

void envelope_set_late(char *bytes)
{
    bytes[AT_FLAGS] = FLAG_LATE;
}

/* What an envelope of this type must not be without. */
static const char *check(const struct envelope *envelope)
{
    if (envelope->from == 0 || (uint32_t)envelope->from != 0) {
        return "an envelope from no worker";
    }
    switch (envelope->type) {
    case ENVELOPE_PUBLISH:
    case ENVELOPE_KEPT:
        if (*envelope->text == '\0') {
            return "an envelope to no topic";
        }
        /* fall through */
    case ENVELOPE_SEND:
        return envelope->kind == BAY_TEXT || envelope->kind == BAY_BINARY
                   ? NULL
                   : "a message that is neither text nor binary";
    case ENVELOPE_CLOSE:
    case ENVELOPE_BEAT:
    case ENVELOPE_WHO: return NULL;
    case ENVELOPE_GONE:
        return envelope->id != 0 && (uint32_t)envelope->id == 0
                   ? NULL
                   : "the end of no worker";
    }
    return "an envelope of unknown type";
}

const char *envelope_decode(struct envelope *envelope, const char *bytes,
                            size_t len)
{
    const char *at = bytes + ENVELOPE_HEADER;
    size_t route_len, text_len;

    if (len < ENVELOPE_HEADER || memcmp(bytes + AT_MAGIC, "pb", 2) != 0) {
        return "no envelope";
    }
    if (bytes[AT_VERSION] != ENVELOPE_VERSION) {
        return "an envelope of another version";
    }
    memset(envelope, 0, sizeof *envelope);
    envelope->type = (enum envelope_type)(unsigned char)bytes[AT_TYPE];
    envelope->kind = (unsigned char)bytes[AT_KIND];
    envelope->late = ((unsigned char)bytes[AT_FLAGS] & FLAG_LATE) != 0;
    envelope->code = (int)get_number(bytes + AT_CODE, 2);
    envelope->from = get_number(bytes + AT_FROM, 8);
    envelope->id = get_number(bytes + AT_ID, 8);
    envelope->time_ms = get_number(bytes + AT_TIME, 8);
    envelope->group = (uint32_t)get_number(bytes + AT_GROUP, 4);
    route_len = (unsigned char)bytes[AT_ROUTE_LEN];
    text_len = (unsigned char)bytes[AT_TEXT_LEN];
    if (len < ENVELOPE_HEADER + route_len + text_len + 2) {
        return "an envelope shorter than what it holds";
    }
    envelope->route = at;
    envelope->text = at + route_len + 1;
    envelope->data = envelope->text + text_len + 1;
    envelope->len = len - ENVELOPE_HEADER - route_len - text_len - 2;
    if (strnlen(envelope->route, route_len + 1) != route_len ||
        strnlen(envelope->text, text_len + 1) != text_len) {
        return "an envelope whose parts do not end where they should";
    }
    return check(envelope);
}

/* The digits at *at, up to end, and the byte `stop` behind them. */
static bool read_digits(const char **at, const char *end, char stop,
                        uint64_t *value)
{
    const char *from = *at;

    *value = 0;
    while (*at < end && **at >= '0' && **at <= '9') {
        unsigned digit = (unsigned)(**at - '0');

        if (*value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
        ++*at;
    }
    if (*at == from || *at == end || **at != stop) {
        return false;
    }
    ++*at;
    return *value > 0;
}

long envelope_position(struct position *at, const char *bytes, size_t len)
{
    const char *next = bytes + 2;
    const char *end = bytes + (len < LINE_MAX_LEN ? len : LINE_MAX_LEN);

    if (len < 2 || memcmp(bytes, "K ", 2) != 0) {
        return 0;
    }
    if (!read_digits(&next, end, ' ', &at->epoch) ||
        !read_digits(&next, end, '\n', &at->offset)) {
        return -1;
    }
    return next - bytes;
}
