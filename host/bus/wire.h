/* wire.h - the frames workers send each other: encode and decode, no sockets
 *
 * A frame is a header of fixed size, then two strings and the data, each with
 * a 0 byte behind it, so that what was received is used where it lies:
 *
 * | 0 length u32 | 4 type u8 | 5 kind u8 | 6 code u16 | 8 id u64 |
 * | 16 route length u16 | 18 text length u16 | route 0 | text 0 | data 0 |
 *
 * length is that of the whole frame, the header included. Numbers are in the
 * machine's own byte order: both ends are on the same machine.
 */
#ifndef PATCHBAY_BUS_WIRE_H
#define PATCHBAY_BUS_WIRE_H

#include <stddef.h>

#include <patchbay.h>

/* Raise it with every change of the layout or of the meaning of a frame; the
 * place of length, type and code never changes. */
#define WIRE_VERSION 1

#define WIRE_HEADER    20
#define WIRE_MAX       ((size_t)1 << 30) /* of a whole frame... */
#define WIRE_HELLO_MAX 256               /* ...and of a hello, in any version */

enum wire_type {
    WIRE_HELLO = 1,    /* first on each stream: code is WIRE_VERSION, id is
                        * node, worker, incarnation and number of the stream */
    WIRE_INTEREST = 2, /* route, text: topic, kind: 1 begins, 0 ends */
    WIRE_RESYNC = 3,   /* all interests follow, as INTEREST frames... */
    WIRE_SYNCED = 4,   /* ...to here: what was not among them has ended */
    WIRE_PUBLISH = 5,  /* route, text: topic, kind, id: except, data */
    WIRE_SEND = 6,     /* route, id, kind, data */
    WIRE_CLOSE = 7     /* route, id, code, text: reason, "" for none */
};

struct wire_frame {
    enum wire_type type;
    int kind;
    int code;
    bay_id id;
    const char *route; /* NULL is encoded as "" */
    const char *text;
    const void *data;
    size_t len;
};

/* Bytes it takes, or 0 if a part of it is too long for a frame. */
size_t wire_size(const struct wire_frame *frame);

/* Writes wire_size bytes. */
void wire_encode(char *out, const struct wire_frame *frame);

/*
 * The length of the frame that begins here; 0 if len bytes are too few to
 * tell, -1 if no frame begins so.
 */
long wire_length(const char *bytes, size_t len);

/* The type of a frame that this program has encoded. */
enum wire_type wire_type(const char *bytes);

/*
 * Reads the frame that these len bytes are. Its strings and data point into
 * them. Returns NULL, or what is wrong with it. Of a HELLO only the header is
 * read, since another version may have another layout behind it.
 */
const char *wire_decode(struct wire_frame *frame, const char *bytes,
                        size_t len);

#endif
