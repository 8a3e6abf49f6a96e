/* parser.c - the frames a client sends, taken apart */
#include "net/parser.h"

#include <string.h>

#define FIN         0x80u
#define RSV1        0x40u
#define RSV23       0x30u
#define MASKED      0x80u
#define LENGTH_BITS 0x7fu

enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static bool is_control(unsigned opcode)
{
    return opcode >= CLOSE;
}

/* What is wrong with the first two bytes of a frame; NULL: nothing. */
static const char *fault_in_start(const struct parser *parser, unsigned first,
                                  unsigned second)
{
    unsigned opcode = first & 0x0fu;
    unsigned length = second & LENGTH_BITS;

    if ((first & RSV23) != 0) {
        return "reserved bits are set";
    }
    if ((first & RSV1) != 0 &&
        (!parser->allow_deflate || (opcode != TEXT && opcode != BINARY))) {
        return "RSV1 is set";
    }
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) {
        return "unknown opcode";
    }
    if ((second & MASKED) == 0) {
        return "frame is not masked";
    }
    if (is_control(opcode)) {
        if ((first & FIN) == 0) {
            return "control frame in fragments";
        }
        return length > PARSER_CONTROL_MAX ? "control frame is too long" : NULL;
    }
    if (opcode == CONTINUATION) {
        return parser->in_message ? NULL : "nothing to continue";
    }
    return parser->in_message ? "message within a message" : NULL;
}

/* How long the head is, by its first two bytes. */
static size_t head_size(const unsigned char *head)
{
    unsigned length = head[1] & LENGTH_BITS;

    return length < 126 ? 6 : length == 126 ? 8 : 14;
}

static uint64_t big_endian(const unsigned char *bytes, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* The payload's length, from a whole head; false: not in its shortest form, or
 * over 63 bits (RFC 6455 section 5.2). */
static bool read_length(const unsigned char *head, uint64_t *length)
{
    *length = head[1] & LENGTH_BITS;
    if (*length == 126) {
        *length = big_endian(head + 2, 2);
        return *length >= 126;
    }
    if (*length == 127) {
        *length = big_endian(head + 2, 8);
        return *length > UINT16_MAX && *length <= INT64_MAX;
    }
    return true;
}

static size_t fail(struct parser *parser, struct part *part, const char *why,
                   size_t len)
{
    parser->failed = true;
    part->kind = PART_FAULT;
    part->why = why;
    return len;
}

/* Takes up a frame whose head is whole. NULL, or what is wrong. */
static const char *begin_frame(struct parser *parser, const unsigned char *head,
                               size_t size)
{
    if (!read_length(head, &parser->rest)) {
        return "length is not in its shortest form";
    }
    memcpy(parser->mask, head + size - 4, 4);
    parser->mask_at = 0;
    parser->opcode = head[0] & 0x0fu;
    parser->fin = (head[0] & FIN) != 0;
    parser->in_frame = true;
    parser->head_len = 0;
    parser->control_len = 0;
    if (parser->opcode == TEXT || parser->opcode == BINARY) {
        parser->fresh = true;
        parser->binary = parser->opcode == BINARY;
        parser->deflated = (head[0] & RSV1) != 0;
    }
    return NULL;
}

/* Reads what there is of a head; *why is set if it is wrong. Returns the bytes
 * used. */
static size_t read_head(struct parser *parser, const unsigned char *data,
                        size_t len, const char **why)
{
    const unsigned char *head = data;
    size_t used = 0, size;

    if (parser->head_len > 0 || len < PARSER_HEAD_MAX) {
        /* Byte by byte, so that what is wrong is known as soon as it comes. */
        head = parser->head;
        while (used < len && (parser->head_len < 2 ||
                              parser->head_len < head_size(parser->head))) {
            parser->head[parser->head_len++] = data[used++];
            if (parser->head_len == 2) {
                *why = fault_in_start(parser, parser->head[0], parser->head[1]);
                if (*why != NULL) {
                    return used;
                }
            }
        }
        if (parser->head_len < 2 || parser->head_len < head_size(head)) {
            return used;
        }
        size = parser->head_len;
    } else {
        *why = fault_in_start(parser, head[0], head[1]);
        if (*why != NULL) {
            return 2;
        }
        size = head_size(head);
        used = size;
    }
    *why = begin_frame(parser, head, size);
    return used;
}

static void unmask(struct parser *parser, unsigned char *data, size_t len)
{
    unsigned char mask[8];
    uint64_t wide, word;
    size_t i = 0;

    for (size_t k = 0; k < sizeof mask; k++) {
        mask[k] = parser->mask[(parser->mask_at + k) & 3u];
    }
    memcpy(&wide, mask, sizeof wide);
    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        word ^= wide;
        memcpy(data + i, &word, sizeof word);
    }
    for (size_t k = 0; i < len; i++, k++) {
        data[i] ^= mask[k & 7u];
    }
    parser->mask_at = (unsigned char)((parser->mask_at + len) & 3u);
}

static void end_frame(struct parser *parser)
{
    parser->in_frame = false;
    if (!is_control(parser->opcode)) {
        parser->in_message = !parser->fin;
    }
}

/* The payload of a control frame is handed out whole. */
static size_t read_control(struct parser *parser, unsigned char *data,
                           size_t len, struct part *part)
{
    size_t n = parser->rest < len ? (size_t)parser->rest : len;

    unmask(parser, data, n);
    parser->rest -= n;
    if (parser->control_len > 0 || parser->rest > 0) {
        if (n > 0) {
            memcpy(parser->control + parser->control_len, data, n);
            parser->control_len = (unsigned char)(parser->control_len + n);
        }
        data = parser->control;
    }
    if (parser->rest == 0) {
        part->kind = parser->opcode == CLOSE  ? PART_CLOSE
                     : parser->opcode == PING ? PART_PING
                                              : PART_PONG;
        part->data = data;
        part->len = data == parser->control ? parser->control_len : n;
        end_frame(parser);
    }
    return n;
}

static size_t read_data(struct parser *parser, unsigned char *data, size_t len,
                        bool headed, struct part *part)
{
    size_t n = parser->rest < len ? (size_t)parser->rest : len;

    if (n == 0 && parser->rest > 0 && !headed) {
        return 0;
    }
    unmask(parser, data, n);
    parser->rest -= n;
    part->kind = PART_DATA;
    part->binary = parser->binary;
    part->deflated = parser->deflated;
    part->first = parser->fresh;
    part->last = parser->fin && parser->rest == 0;
    part->data = data;
    part->len = n;
    part->rest = parser->rest;
    parser->fresh = false;
    if (parser->rest == 0) {
        end_frame(parser);
    }
    return n;
}

size_t parser_next(struct parser *parser, unsigned char *data, size_t len,
                   struct part *part)
{
    const char *why = NULL;
    size_t used = 0;
    bool headed = !parser->in_frame;

    *part = (struct part){ .kind = PART_NONE };
    if (parser->failed) {
        return len;
    }
    if (headed) {
        used = read_head(parser, data, len, &why);
        if (why != NULL) {
            return fail(parser, part, why, len);
        }
        if (!parser->in_frame) {
            return used;
        }
    }
    return used +
           (is_control(parser->opcode)
                ? read_control(parser, data + used, len - used, part)
                : read_data(parser, data + used, len - used, headed, part));
}
