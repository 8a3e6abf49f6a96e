/* stream.c - a repeating sequence of messages, as bytes on the wire */
#include "stream.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { HEADER_MAX = 14 };

size_t frame_header(unsigned char *out, int opcode, size_t payload,
                    const unsigned char mask[4])
{
    unsigned char *p = out;
    unsigned char masked = mask ? 0x80 : 0;

    *p++ = (unsigned char)(0x80 | opcode);
    if (payload < 126) {
        *p++ = (unsigned char)(masked | payload);
    } else if (payload < 65536) {
        *p++ = masked | 126;
        *p++ = (unsigned char)(payload >> 8);
        *p++ = (unsigned char)payload;
    } else {
        *p++ = masked | 127;
        for (int shift = 56; shift >= 0; shift -= 8) {
            *p++ = (unsigned char)((uint64_t)payload >> shift);
        }
    }
    if (mask) {
        memcpy(p, mask, 4);
        p += 4;
    }
    return (size_t)(p - out);
}

/* Printable, so that it may go as text, and different for each slot. */
static void fill(unsigned char *data, size_t len, size_t slot)
{
    char number[24];
    size_t digits = (size_t)snprintf(number, sizeof number, "%zu:", slot);

    for (size_t i = 0; i < len; i++) {
        data[i] = (unsigned char)('!' + (i * 7 + slot * 13) % 90);
    }
    memcpy(data, number, digits < len ? digits : len);
}

int stream_init(struct stream *stream, size_t payload, size_t slots, int opcode)
{
    unsigned char header[HEADER_MAX], mask[4] = { 0 };

    stream->slots = slots;
    stream->tx_frame = frame_header(header, opcode, payload, mask) + payload;
    stream->rx_frame = frame_header(header, opcode, payload, NULL) + payload;
    stream->tx = malloc(slots * stream->tx_frame);
    stream->rx = malloc(slots * stream->rx_frame);
    if (!stream->tx || !stream->rx) {
        fprintf(stderr, "load: no memory for %zu messages of %zu bytes\n",
                slots, payload);
        stream_finish(stream);
        return -1;
    }
    for (size_t slot = 0; slot < slots; slot++) {
        unsigned char *tx = stream->tx + slot * stream->tx_frame;
        unsigned char *rx = stream->rx + slot * stream->rx_frame;

        if (getrandom(mask, sizeof mask, 0) != sizeof mask) {
            perror("load: getrandom");
            stream_finish(stream);
            return -1;
        }
        rx += frame_header(rx, opcode, payload, NULL);
        tx += frame_header(tx, opcode, payload, mask);
        fill(rx, payload, slot);
        for (size_t i = 0; i < payload; i++) {
            tx[i] = rx[i] ^ mask[i & 3];
        }
    }
    return 0;
}

void stream_finish(struct stream *stream)
{
    free(stream->tx);
    free(stream->rx);
    stream->tx = stream->rx = NULL;
}
