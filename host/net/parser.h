/* parser.h - the frames a client sends, taken apart (RFC 6455 section 5)
 *
 * libwebsockets 4.1.6 takes unmasked frames, lengths that are longer than they
 * need be and reserved bits of control frames, answers one of several pings,
 * changes the code of some Close frames, and unmasks byte by byte. So it is
 * asked for bytes only (tap.h), and these are taken apart here.
 */
#ifndef PATCHBAY_NET_PARSER_H
#define PATCHBAY_NET_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARSER_CONTROL_MAX 125u
#define PARSER_HEAD_MAX    14u

/* One for each connection. A zeroed struct expects the first frame. */
struct parser {
    uint64_t rest; /* of the frame's payload, still to come */
    unsigned char mask[4];
    bool in_frame;   /* its head has been read */
    bool in_message; /* a frame without FIN came before */
    bool fin;
    bool fresh;    /* no byte of the message has been handed out */
    bool deflated; /* the message is compressed (RFC 7692) */
    bool binary;
    bool failed;
    bool allow_deflate; /* set by the owner: it was negotiated */
    unsigned char opcode;
    unsigned char mask_at;
    unsigned char head_len;
    unsigned char control_len;
    unsigned char head[PARSER_HEAD_MAX]; /* as far as it has come */
    /* A control frame that comes in pieces. */
    unsigned char control[PARSER_CONTROL_MAX];
};

enum part_kind {
    PART_NONE, /* more bytes are needed */
    PART_DATA, /* a piece of a message */
    PART_PING, /* whole control frames */
    PART_PONG,
    PART_CLOSE,
    PART_FAULT /* the peer broke a rule: nothing that follows can be read */
};

struct part {
    enum part_kind kind;
    bool binary; /* of the message */
    bool first;  /* begins it */
    bool last;   /* ends it */
    bool deflated;
    unsigned char *data; /* unmasked, in place or in the parser */
    size_t len;
    uint64_t rest;   /* of the frame, behind this piece */
    const char *why; /* of a fault: the reason for the Close 1002 */
};

/* Finds the next part in what came. Returns how many bytes it used; the caller
 * goes on behind them until it gets PART_NONE. Unmasks in place. */
size_t parser_next(struct parser *parser, unsigned char *data, size_t len,
                   struct part *part);

#endif
