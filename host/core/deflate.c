/* deflate.c - messages, compressed and restored */
#include "core/deflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

/* Fast: chat compresses as well by this level as by the slow ones. */
#define LEVEL     3
#define MEM_LEVEL 8

#define FIRST_ROOM 16384u
/* Longer results are not kept for the next message. */
#define KEEP (1u << 20)

/* What a message ends with but does not carry (RFC 7692 section 7.2.1). */
static unsigned char tail[] = { 0x00, 0x00, 0xff, 0xff };

struct deflate {
    z_stream inflate;
    bool inflates;
    z_stream deflate[DEFLATE_BITS_MAX + 1]; /* by bits */
    bool deflates[DEFLATE_BITS_MAX + 1];
    struct buf in;  /* restored */
    struct buf out; /* compressed */
};

static struct deflate *get(struct deflate **self)
{
    if (*self == NULL) {
        *self = calloc(1, sizeof **self);
    }
    return *self;
}

/* An empty one, with the memory it has unless that is a lot. */
static void empty(struct buf *buf)
{
    if (buf->cap > KEEP) {
        buf_free(buf);
    }
    buf_clear(buf);
    buf->failed = false;
}

static z_stream *deflater(struct deflate *self, unsigned bits)
{
    z_stream *stream = &self->deflate[bits];

    if (self->deflates[bits]) {
        return deflateReset(stream) == Z_OK ? stream : NULL;
    }
    if (deflateInit2(stream, LEVEL, Z_DEFLATED, -(int)bits, MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return NULL;
    }
    self->deflates[bits] = true;
    return stream;
}

bool deflate_message(struct deflate **self, unsigned bits, const void *data,
                     size_t len, const struct buf **out)
{
    struct deflate *deflate_state = get(self);
    z_stream *stream =
        deflate_state != NULL ? deflater(deflate_state, bits) : NULL;
    struct buf *to;
    int result;

    if (stream == NULL || len > UINT32_MAX) {
        return false;
    }
    to = &deflate_state->out;
    empty(to);
    /* What does not fit is not shorter. */
    stream->next_out = (Bytef *)buf_reserve(to, len + sizeof tail);
    if (stream->next_out == NULL) {
        return false;
    }
    stream->avail_out = (uInt)(len + sizeof tail);
    stream->next_in = (z_const Bytef *)(uintptr_t)data;
    stream->avail_in = (uInt)len;
    result = deflate(stream, Z_SYNC_FLUSH);
    if (result != Z_OK || stream->avail_out == 0) {
        return false;
    }
    to->len = len - stream->avail_out; /* without the tail */
    *out = to;
    return to->len < len;
}

/* ---- the other way ----------------------------------------------------- */

static z_stream *inflater(struct deflate *self)
{
    z_stream *stream = &self->inflate;

    if (self->inflates) {
        return inflateReset(stream) == Z_OK ? stream : NULL;
    }
    if (inflateInit2(stream, -(int)DEFLATE_BITS_MAX) != Z_OK) {
        return NULL;
    }
    self->inflates = true;
    return stream;
}

/* Room for a bit more than is allowed, so that too much is seen. */
static enum inflated make_room(struct buf *to, z_stream *stream, size_t most)
{
    size_t more = to->len < FIRST_ROOM ? FIRST_ROOM : to->len;

    if (more > most + 1 - to->len) {
        more = most + 1 - to->len;
    }
    stream->next_out = (Bytef *)buf_reserve(to, more);
    if (stream->next_out == NULL) {
        return INFLATE_NO_MEMORY;
    }
    stream->avail_out = (uInt)more;
    return INFLATED;
}

/* Restores all of the input that stream has; most bounds the whole result. */
static enum inflated restore(z_stream *stream, struct buf *to, size_t most)
{
    for (;;) {
        enum inflated made = make_room(to, stream, most);
        uInt room;
        int result;

        if (made != INFLATED) {
            return made;
        }
        room = stream->avail_out;
        result = inflate(stream, Z_SYNC_FLUSH);
        to->len += room - stream->avail_out;
        if (to->len > most) {
            return INFLATE_TOO_BIG;
        }
        if (result == Z_STREAM_END) {
            /* A last block, which no message needs; others may follow it. */
            if (inflateReset(stream) != Z_OK) {
                return INFLATE_BAD;
            }
        } else if (result == Z_MEM_ERROR) {
            return INFLATE_NO_MEMORY;
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return INFLATE_BAD;
        }
        if (stream->avail_in == 0 && stream->avail_out > 0) {
            return INFLATED;
        }
    }
}

/* Whether the input ended where a block ends: else something is missing. */
static bool is_between_blocks(const z_stream *stream)
{
    return (stream->data_type & 128) != 0 || stream->total_in == 0;
}

enum inflated inflate_message(struct deflate **self, const void *data,
                              size_t len, size_t max, unsigned ratio,
                              const struct buf **out)
{
    struct deflate *state = get(self);
    z_stream *stream = state != NULL ? inflater(state) : NULL;
    enum inflated result;
    size_t most = max;

    if (stream == NULL) {
        return INFLATE_NO_MEMORY;
    }
    if (ratio > 0 && len < SIZE_MAX / ratio && len * ratio < max) {
        most = len * ratio > INFLATE_FREE ? len * ratio : INFLATE_FREE;
        most = most < max ? most : max;
    }
    empty(&state->in);
    stream->next_in = (z_const Bytef *)(uintptr_t)data;
    stream->avail_in = (uInt)len;
    result = len > 0 ? restore(stream, &state->in, most) : INFLATED;
    if (result == INFLATED) {
        stream->next_in = tail;
        stream->avail_in = sizeof tail;
        result = restore(stream, &state->in, most);
    }
    if (result == INFLATED && !is_between_blocks(stream)) {
        result = INFLATE_BAD;
    }
    if (result == INFLATE_TOO_BIG && most < max) {
        result = INFLATE_RATIO;
    }
    *out = &state->in;
    return result;
}

void deflate_destroy(struct deflate *self)
{
    if (self == NULL) {
        return;
    }
    if (self->inflates) {
        inflateEnd(&self->inflate);
    }
    for (unsigned bits = DEFLATE_BITS_MIN; bits <= DEFLATE_BITS_MAX; bits++) {
        if (self->deflates[bits]) {
            deflateEnd(&self->deflate[bits]);
        }
    }
    buf_free(&self->in);
    buf_free(&self->out);
    free(self);
}
