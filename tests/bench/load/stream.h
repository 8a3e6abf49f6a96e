/*
 * stream.h - a repeating sequence of messages, as bytes on the wire
 *
 * Each slot holds one message of the same size, with its own content and its
 * own mask. What a client sends and what it has to get back are then known
 * byte for byte: sending is a pointer and a length, and checking an answer one
 * memcmp, however many messages it holds. An answer that is lost, doubled, out
 * of order, of another length, opcode or content is a difference. So is one in
 * fragments: servers may do that, but none does to messages under 64 KiB.
 */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stddef.h>

enum { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct stream {
    size_t slots;
    size_t tx_frame; /* bytes of one masked frame */
    size_t rx_frame; /* bytes of the same message from the server */
    unsigned char *tx;
    unsigned char *rx;
};

/* slots: at least as many as a client may have in flight. */
int stream_init(struct stream *stream, size_t payload, size_t slots,
                int opcode);
void stream_finish(struct stream *stream);

/* Writes a frame's header, masked if mask is given; its length. */
size_t frame_header(unsigned char *out, int opcode, size_t payload,
                    const unsigned char mask[4]);

#endif
