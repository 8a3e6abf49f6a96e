/* wire.c - the frames workers send each other: encode and decode, no sockets */
#include "bus/wire.h"

#include <stdint.h>
#include <string.h>

#include "core/bus.h"

/* Where the numbers are; the strings begin at WIRE_HEADER. */
enum {
    AT_LENGTH = 0,
    AT_TYPE = 4,
    AT_KIND = 5,
    AT_CODE = 6,
    AT_ID = 8,
    AT_ROUTE_LEN = 16,
    AT_TEXT_LEN = 18
};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

size_t wire_size(const struct wire_frame *frame)
{
    size_t route = strlen(or_empty(frame->route));
    size_t text = strlen(or_empty(frame->text));
    size_t fixed = WIRE_HEADER + route + text + 3;

    if (route > UINT16_MAX || text > UINT16_MAX ||
        frame->len > WIRE_MAX - fixed) {
        return 0;
    }
    return fixed + frame->len;
}

static char *put(char *out, const void *data, size_t len)
{
    if (len > 0) {
        memcpy(out, data, len);
    }
    out[len] = '\0';
    return out + len + 1;
}

void wire_encode(char *out, const struct wire_frame *frame)
{
    const char *route = or_empty(frame->route);
    const char *text = or_empty(frame->text);
    uint16_t route_len = (uint16_t)strlen(route);
    uint16_t text_len = (uint16_t)strlen(text);
    uint32_t length = (uint32_t)wire_size(frame);
    uint16_t code = (uint16_t)frame->code;

    memcpy(out + AT_LENGTH, &length, sizeof length);
    out[AT_TYPE] = (char)frame->type;
    out[AT_KIND] = (char)frame->kind;
    memcpy(out + AT_CODE, &code, sizeof code);
    memcpy(out + AT_ID, &frame->id, sizeof frame->id);
    memcpy(out + AT_ROUTE_LEN, &route_len, sizeof route_len);
    memcpy(out + AT_TEXT_LEN, &text_len, sizeof text_len);
    out = put(out + WIRE_HEADER, route, route_len);
    out = put(out, text, text_len);
    put(out, frame->data, frame->len);
}

long wire_length(const char *bytes, size_t len)
{
    uint32_t length;

    if (len < sizeof length) {
        return 0;
    }
    memcpy(&length, bytes + AT_LENGTH, sizeof length);
    if (length < WIRE_HEADER || length > WIRE_MAX) {
        return -1;
    }
    return (long)length;
}

enum wire_type wire_type(const char *bytes)
{
    return (enum wire_type)(unsigned char)bytes[AT_TYPE];
}

/* What a frame of this type must not be without. */
static const char *check(const struct wire_frame *frame)
{
    switch (frame->type) {
    case WIRE_HELLO:
    case WIRE_RESYNC:
    case WIRE_SYNCED: return NULL;
    case WIRE_INTEREST:
        return frame->kind == 0 || frame->kind == 1
                   ? NULL
                   : "an interest that neither begins nor ends";
    case WIRE_PUBLISH:
        if (frame->kind == BUS_NEWS) {
            return NULL;
        }
        /* fall through */
    case WIRE_SEND:
        return frame->kind == BAY_TEXT || frame->kind == BAY_BINARY
                   ? NULL
                   : "a message that is neither text nor binary";
    case WIRE_CLOSE: return NULL;
    }
    return "a frame of unknown type";
}

const char *wire_decode(struct wire_frame *frame, const char *bytes, size_t len)
{
    const char *at = bytes + WIRE_HEADER;
    uint16_t code, route_len, text_len;

    if (len < WIRE_HEADER || wire_length(bytes, len) != (long)len) {
        return "a frame of wrong length";
    }
    memset(frame, 0, sizeof *frame);
    frame->type = wire_type(bytes);
    frame->kind = (unsigned char)bytes[AT_KIND];
    memcpy(&code, bytes + AT_CODE, sizeof code);
    frame->code = code;
    memcpy(&frame->id, bytes + AT_ID, sizeof frame->id);
    frame->route = frame->text = frame->data = "";
    if (frame->type == WIRE_HELLO) {
        return NULL;
    }

    memcpy(&route_len, bytes + AT_ROUTE_LEN, sizeof route_len);
    memcpy(&text_len, bytes + AT_TEXT_LEN, sizeof text_len);
    if (len < (size_t)WIRE_HEADER + route_len + text_len + 3) {
        return "a frame shorter than what it holds";
    }
    frame->len = len - WIRE_HEADER - route_len - text_len - 3;
    frame->route = at;
    frame->text = at + route_len + 1;
    frame->data = frame->text + text_len + 1;
    if (strnlen(frame->route, route_len + 1u) != route_len ||
        strnlen(frame->text, text_len + 1u) != text_len ||
        bytes[len - 1] != '\0') {
        return "a frame whose parts do not end where they should";
    }
    return check(frame);
}
