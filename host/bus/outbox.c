/* outbox.c - the frames that wait to be sent to one sibling */
#include "bus/outbox.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bus/wire.h"

/* Batches kept for reuse: more only wait where a sibling is slow. */
#define POOL_MAX 16

struct chunk *chunk_create(size_t len)
{
    struct chunk *chunk = malloc(sizeof *chunk + len);

    if (chunk) {
        chunk->next = NULL;
        chunk->refs = 1;
        chunk->len = chunk->cap = len;
    }
    return chunk;
}

void chunk_release(struct chunk *chunk)
{
    if (chunk && --chunk->refs == 0) {
        free(chunk);
    }
}

static struct chunk *batch_take(struct chunk_pool *pool)
{
    struct chunk *batch = pool->free;

    if (batch) {
        pool->free = batch->next;
        pool->count--;
    } else {
        batch = chunk_create(OUTBOX_BATCH);
        if (!batch) {
            return NULL;
        }
    }
    batch->len = 0;
    return batch;
}

/* Into the pool, whatever it was before, if it is of the size of a batch. */
static void let_go(struct chunk_pool *pool, struct chunk *chunk)
{
    if (chunk->refs == 1 && chunk->cap == OUTBOX_BATCH &&
        pool->count < POOL_MAX) {
        chunk->next = pool->free;
        pool->free = chunk;
        pool->count++;
    } else {
        chunk_release(chunk);
    }
}

static int append(struct outbox *outbox, struct chunk *chunk)
{
    if (outbox->first + outbox->count == outbox->cap) {
        if (outbox->first > outbox->cap / 2) {
            memmove(outbox->chunks, outbox->chunks + outbox->first,
                    outbox->count * sizeof *outbox->chunks);
            outbox->first = 0;
        } else {
            size_t cap = outbox->cap ? outbox->cap * 2 : 8;
            struct chunk **chunks =
                realloc(outbox->chunks, cap * sizeof *chunks);

            if (!chunks) {
                return -1;
            }
            outbox->chunks = chunks;
            outbox->cap = cap;
        }
    }
    outbox->chunks[outbox->first + outbox->count++] = chunk;
    return 0;
}

/* The chunk that has room for len more bytes at its end. */
static struct chunk *chunk_for(struct outbox *outbox, size_t len)
{
    struct chunk *last = NULL;

    if (outbox->count > 0) {
        last = outbox->chunks[outbox->first + outbox->count - 1];
    }
    if (last && last->cap - last->len >= len) {
        return last;
    }
    if (len > OUTBOX_BATCH) {
        last = chunk_create(len);
    } else {
        last = batch_take(outbox->pool);
    }
    if (!last) {
        return NULL;
    }
    last->len = 0;
    if (append(outbox, last) < 0) {
        let_go(outbox->pool, last);
        return NULL;
    }
    return last;
}

char *outbox_extend(struct outbox *outbox, size_t len)
{
    struct chunk *chunk = chunk_for(outbox, len);

    if (!chunk) {
        return NULL;
    }
    chunk->len += len;
    outbox->bytes += len;
    return chunk->data + chunk->len - len;
}

int outbox_add(struct outbox *outbox, const void *frame, size_t len)
{
    char *at = outbox_extend(outbox, len);

    if (!at) {
        return -1;
    }
    memcpy(at, frame, len);
    return 0;
}

int outbox_share(struct outbox *outbox, struct chunk *chunk)
{
    if (append(outbox, chunk) < 0) {
        return -1;
    }
    chunk->refs++;
    outbox->bytes += chunk->len;
    return 0;
}

int outbox_pieces(const struct outbox *outbox, struct iovec *iov, int max)
{
    size_t skip = outbox->sent;
    int n = 0;

    while (n < max && (size_t)n < outbox->count) {
        struct chunk *chunk = outbox->chunks[outbox->first + (size_t)n];

        iov[n].iov_base = chunk->data + skip;
        iov[n].iov_len = chunk->len - skip;
        skip = 0;
        n++;
    }
    return n;
}

static void drop_first(struct outbox *outbox)
{
    let_go(outbox->pool, outbox->chunks[outbox->first]);
    outbox->first++;
    outbox->count--;
    outbox->sent = 0;
    if (outbox->count == 0) {
        outbox->first = 0;
    }
}

void outbox_sent(struct outbox *outbox, size_t bytes)
{
    outbox->bytes -= bytes;
    while (bytes > 0) {
        size_t rest = outbox->chunks[outbox->first]->len - outbox->sent;

        if (bytes < rest) {
            outbox->sent += bytes;
            return;
        }
        bytes -= rest;
        drop_first(outbox);
    }
}

static bool is_message(const char *frame)
{
    switch (wire_type(frame)) {
    case WIRE_PUBLISH:
    case WIRE_SEND:
    case WIRE_CLOSE: return true;
    default: return false;
    }
}

size_t outbox_messages(const struct outbox *outbox)
{
    size_t messages = 0, sent = outbox->sent, i;

    for (i = 0; i < outbox->count; i++) {
        const struct chunk *chunk = outbox->chunks[outbox->first + i];
        size_t at = 0;

        while (at < chunk->len) {
            size_t len = (size_t)wire_length(chunk->data + at, chunk->len - at);

            if (at + len > sent && is_message(chunk->data + at)) {
                messages++;
            }
            at += len;
        }
        sent = 0;
    }
    return messages;
}

void outbox_clear(struct outbox *outbox)
{
    while (outbox->count > 0) {
        drop_first(outbox);
    }
    outbox->bytes = 0;
}

void outbox_finish(struct outbox *outbox)
{
    outbox_clear(outbox);
    free(outbox->chunks);
    outbox->chunks = NULL;
    outbox->cap = 0;
}

void chunk_pool_finish(struct chunk_pool *pool)
{
    while (pool->free) {
        struct chunk *chunk = pool->free;

        pool->free = chunk->next;
        free(chunk);
    }
    pool->count = 0;
}
