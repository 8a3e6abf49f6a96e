/* frame.h - WebSocket frames as a server sends them (RFC 6455 section 5.2) */
#ifndef PATCHBAY_CORE_FRAME_H
#define PATCHBAY_CORE_FRAME_H

#include <stdbool.h>
#include <stddef.h>

enum opcode {
    OPCODE_CONTINUATION = 0x0,
    OPCODE_TEXT = 0x1,
    OPCODE_BINARY = 0x2,
    OPCODE_CLOSE = 0x8,
    OPCODE_PING = 0x9,
    OPCODE_PONG = 0xa,
    /* The same with RSV1, which marks a compressed message. */
    OPCODE_TEXT_DEFLATED = 0x41,
    OPCODE_BINARY_DEFLATED = 0x42
};

/*
 * Longer messages are sent in fragments of this many bytes, so that a frame
 * which the socket takes in part leaves little to be copied, and pongs get
 * through between the fragments.
 */
#define FRAME_MAX_PAYLOAD 65535u
#define FRAME_MAX_HEAD    4u
#define FRAME_MAX_CONTROL 125u

/* Writes the head of an unmasked frame with at most FRAME_MAX_PAYLOAD bytes of
 * payload; returns its length, 2 or 4. */
size_t frame_head(unsigned char *out, enum opcode opcode, bool fin, size_t len);

/* The length on the wire of a message with that much payload. */
size_t frame_message_size(size_t payload);

/* Writes a message, as one frame or in fragments; returns its length. */
size_t frame_message(unsigned char *out, enum opcode opcode, const void *data,
                     size_t len);

/* The length of the whole frame that starts at data, as written by the above.*/
size_t frame_size(const unsigned char *data);

/* Writes a pong with at most FRAME_MAX_CONTROL bytes; returns its length. */
#define FRAME_PONG_MAX (2u + FRAME_MAX_CONTROL)
size_t frame_pong(unsigned char *out, const void *payload, size_t len);

/* Writes a Close frame of at most 4 + 123 bytes; code 0: without a status.
 * The reason is cut at 123 bytes, between characters. */
#define FRAME_CLOSE_MAX (2u + FRAME_MAX_CONTROL)
size_t frame_close(unsigned char *out, int code, const char *reason);

/* Whether a code may stand in a Close frame (RFC 6455 section 7.4). */
bool frame_close_code_valid(int code);

#endif
