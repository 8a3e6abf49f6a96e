/* frame.c - WebSocket frames as a server sends them */
#include "core/frame.h"

#include <string.h>

#define FIN 0x80u

size_t frame_head(unsigned char *out, enum opcode opcode, bool fin, size_t len)
{
    out[0] = (unsigned char)((fin ? FIN : 0u) | (unsigned)opcode);
    if (len <= FRAME_MAX_CONTROL) {
        out[1] = (unsigned char)len;
        return 2;
    }
    out[1] = 126;
    out[2] = (unsigned char)(len >> 8);
    out[3] = (unsigned char)len;
    return 4;
}

static size_t head_size(size_t payload)
{
    return payload <= FRAME_MAX_CONTROL ? 2 : 4;
}

size_t frame_message_size(size_t payload)
{
    size_t full, rest;

    if (payload <= FRAME_MAX_PAYLOAD) {
        return head_size(payload) + payload;
    }
    full = (payload - 1) / FRAME_MAX_PAYLOAD; /* all fragments but the last */
    rest = payload - full * FRAME_MAX_PAYLOAD;
    return full * FRAME_MAX_HEAD + head_size(rest) + payload;
}

size_t frame_message(unsigned char *out, enum opcode opcode, const void *data,
                     size_t len)
{
    const unsigned char *from = data;
    unsigned char *to = out;

    while (len > FRAME_MAX_PAYLOAD) {
        to += frame_head(to, opcode, false, FRAME_MAX_PAYLOAD);
        memcpy(to, from, FRAME_MAX_PAYLOAD);
        to += FRAME_MAX_PAYLOAD;
        from += FRAME_MAX_PAYLOAD;
        len -= FRAME_MAX_PAYLOAD;
        opcode = OPCODE_CONTINUATION;
    }
    to += frame_head(to, opcode, true, len);
    if (len > 0) {
        memcpy(to, from, len);
    }
    return (size_t)(to - out) + len;
}

size_t frame_size(const unsigned char *data)
{
    if (data[1] < 126) {
        return 2u + data[1];
    }
    return 4u + ((size_t)data[2] << 8 | data[3]);
}

size_t frame_pong(unsigned char *out, const void *payload, size_t len)
{
    size_t head = frame_head(out, OPCODE_PONG, true, len);

    if (len > 0) {
        memcpy(out + head, payload, len);
    }
    return head + len;
}

/* Where to cut a text so that no character is split. */
static size_t cut_utf8(const char *text, size_t len, size_t most)
{
    if (len <= most) {
        return len;
    }
    while (most > 0 && ((unsigned char)text[most] & 0xc0u) == 0x80u) {
        most--;
    }
    return most;
}

size_t frame_close(unsigned char *out, int code, const char *reason)
{
    size_t len = 0;

    if (code == 0) {
        return frame_head(out, OPCODE_CLOSE, true, 0);
    }
    if (reason != NULL) {
        len = cut_utf8(reason, strlen(reason), FRAME_MAX_CONTROL - 2);
    }
    frame_head(out, OPCODE_CLOSE, true, len + 2);
    out[2] = (unsigned char)((unsigned)code >> 8);
    out[3] = (unsigned char)code;
    if (len > 0) {
        memcpy(out + 4, reason, len);
    }
    return 4 + len;
}

bool frame_close_code_valid(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
