/* test_outbox.c - the queue of frames for one sibling */
#include "bus/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus/wire.h"

/* A frame with so much data, which is `fill` all over. */
static size_t make(char *out, enum wire_type type, size_t data, char fill)
{
    struct wire_frame frame = {
        .type = type, .kind = 1, .route = "r", .text = "t", .len = data
    };
    char *bytes = malloc(data + 1);
    size_t len;

    assert_non_null(bytes);
    memset(bytes, fill, data);
    frame.data = bytes;
    len = wire_size(&frame);
    wire_encode(out, &frame);
    free(bytes);
    return len;
}

static size_t add(struct outbox *outbox, enum wire_type type, size_t data,
                  char fill)
{
    char bytes[OUTBOX_BATCH];
    size_t len = make(bytes, type, data, fill);

    assert_int_equal(outbox_add(outbox, bytes, len), 0);
    return len;
}

static struct chunk *make_chunk(size_t data, char fill)
{
    struct wire_frame frame = {
        .type = WIRE_PUBLISH, .kind = 1, .route = "r", .text = "t"
    };
    struct chunk *chunk;

    frame.len = data;
    chunk = chunk_create(wire_size(&frame));
    assert_non_null(chunk);
    make(chunk->data, WIRE_PUBLISH, data, fill);
    return chunk;
}

/* Takes so many bytes off the front, as a socket would. */
static void take(struct outbox *outbox, char *out, size_t bytes)
{
    size_t left = bytes;

    while (left > 0) {
        struct iovec iov[3];
        int n = outbox_pieces(outbox, iov, 3);
        size_t taken = 0;
        int i;

        assert_true(n > 0);
        for (i = 0; i < n && taken < left; i++) {
            size_t part = iov[i].iov_len;

            part = part < left - taken ? part : left - taken;
            memcpy(out, iov[i].iov_base, part);
            out += part;
            taken += part;
        }
        outbox_sent(outbox, taken);
        left -= taken;
    }
}

static void small_frames_are_one_piece(void **state)
{
    struct chunk_pool pool = { 0 };
    struct outbox outbox = { .pool = &pool };
    struct iovec iov[8];
    size_t bytes = 0;
    int i;

    (void)state;
    for (i = 0; i < 100; i++) {
        bytes += add(&outbox, WIRE_PUBLISH, 100, 'a');
    }
    assert_int_equal(outbox.bytes, bytes);
    assert_int_equal(outbox_pieces(&outbox, iov, 8), 1);
    assert_int_equal(iov[0].iov_len, bytes);
    for (i = 0; i < 300; i++) {
        bytes += add(&outbox, WIRE_PUBLISH, 100, 'a');
    }
    assert_int_equal(outbox_pieces(&outbox, iov, 8), 2);
    assert_int_equal(iov[0].iov_len + iov[1].iov_len, bytes);
    outbox_sent(&outbox, bytes);
    assert_int_equal(outbox.bytes, 0);
    assert_int_equal(outbox_pieces(&outbox, iov, 8), 0);
    outbox_finish(&outbox);
    chunk_pool_finish(&pool);
}

static void batches_are_used_again(void **state)
{
    struct chunk_pool pool = { 0 };
    struct outbox outbox = { .pool = &pool };
    struct iovec first, iov;
    int i;

    (void)state;
    add(&outbox, WIRE_PUBLISH, 10, 'a');
    assert_int_equal(outbox_pieces(&outbox, &first, 1), 1);
    outbox_sent(&outbox, outbox.bytes);
    assert_int_equal(pool.count, 1);
    for (i = 0; i < 1000; i++) {
        add(&outbox, WIRE_PUBLISH, 10, 'a');
        assert_int_equal(outbox_pieces(&outbox, &iov, 1), 1);
        assert_ptr_equal(iov.iov_base, first.iov_base);
        outbox_sent(&outbox, outbox.bytes);
    }
    assert_int_equal(pool.count, 1);

    /* A jam does not stay in memory when it is over. */
    for (i = 0; i < 10000; i++) {
        add(&outbox, WIRE_PUBLISH, 1000, 'a');
    }
    outbox_clear(&outbox);
    assert_int_equal(outbox.bytes, 0);
    assert_in_range(pool.count, 1, 64);
    outbox_finish(&outbox);
    chunk_pool_finish(&pool);
}

static void a_large_frame_is_shared(void **state)
{
    struct chunk_pool pool = { 0 };
    struct outbox a = { .pool = &pool }, b = { .pool = &pool };
    struct chunk *chunk = make_chunk(100000, 'x');
    struct iovec iov[3];
    size_t before, after;

    (void)state;
    before = add(&a, WIRE_INTEREST, 0, 0);
    assert_int_equal(outbox_share(&a, chunk), 0);
    assert_int_equal(outbox_share(&b, chunk), 0);
    after = add(&a, WIRE_INTEREST, 0, 0);
    assert_int_equal(a.bytes, before + chunk->len + after);
    assert_int_equal(b.bytes, chunk->len);
    assert_int_equal(chunk->refs, 3);

    assert_int_equal(outbox_pieces(&a, iov, 3), 3);
    assert_ptr_equal(iov[1].iov_base, chunk->data);
    assert_int_equal(outbox_pieces(&b, iov, 3), 1);
    assert_ptr_equal(iov[0].iov_base, chunk->data);

    outbox_sent(&a, before + 5);
    assert_int_equal(outbox_pieces(&a, iov, 3), 2);
    assert_ptr_equal(iov[0].iov_base, chunk->data + 5);
    assert_int_equal(iov[0].iov_len, chunk->len - 5);
    outbox_sent(&a, chunk->len - 5);
    assert_int_equal(chunk->refs, 2);
    outbox_clear(&b);
    assert_int_equal(chunk->refs, 1);
    chunk_release(chunk);
    outbox_finish(&a);
    outbox_finish(&b);
    chunk_pool_finish(&pool);
}

static void counts_the_messages_that_would_be_lost(void **state)
{
    struct chunk_pool pool = { 0 };
    struct outbox outbox = { .pool = &pool };
    struct chunk *chunk = make_chunk(50000, 'x');
    size_t hello, first;

    (void)state;
    assert_int_equal(outbox_messages(&outbox), 0);
    hello = add(&outbox, WIRE_HELLO, 0, 0);
    first = add(&outbox, WIRE_PUBLISH, 20, 'a');
    add(&outbox, WIRE_INTEREST, 0, 0);
    add(&outbox, WIRE_SEND, 20, 'b');
    add(&outbox, WIRE_CLOSE, 0, 0);
    assert_int_equal(outbox_share(&outbox, chunk), 0);
    assert_int_equal(outbox_messages(&outbox), 4);
    outbox_sent(&outbox, hello + first - 1); /* all of it but a byte */
    assert_int_equal(outbox_messages(&outbox), 4);
    outbox_sent(&outbox, 1);
    assert_int_equal(outbox_messages(&outbox), 3);
    outbox_sent(&outbox, outbox.bytes - 1);
    assert_int_equal(outbox_messages(&outbox), 1);
    outbox_sent(&outbox, 1);
    assert_int_equal(outbox_messages(&outbox), 0);

    /* What was sent of the first says nothing of the second. */
    assert_int_equal(outbox_share(&outbox, chunk), 0);
    add(&outbox, WIRE_SEND, 20, 'b');
    outbox_sent(&outbox, chunk->len - 1);
    assert_int_equal(outbox_messages(&outbox), 2);
    chunk_release(chunk);
    outbox_finish(&outbox);
    chunk_pool_finish(&pool);
}

/* It goes on in place, however long it is never empty. */
static void a_queue_that_never_empties_does_not_grow(void **state)
{
    struct chunk_pool pool = { 0 };
    struct outbox outbox = { .pool = &pool };
    struct chunk *chunks[5];
    struct iovec iov;
    unsigned i;

    (void)state;
    for (i = 0; i < 5; i++) {
        chunks[i] = make_chunk(OUTBOX_SHARE, (char)i);
        assert_int_equal(outbox_share(&outbox, chunks[i]), 0);
    }
    for (i = 0; i < 1000; i++) {
        assert_int_equal(outbox_pieces(&outbox, &iov, 1), 1);
        assert_ptr_equal(iov.iov_base, chunks[i % 5]->data);
        assert_int_equal(outbox_share(&outbox, chunks[i % 5]), 0);
        outbox_sent(&outbox, chunks[i % 5]->len);
    }
    assert_in_range(outbox.cap, 6, 32);
    outbox_finish(&outbox);
    for (i = 0; i < 5; i++) {
        assert_int_equal(chunks[i]->refs, 1);
        chunk_release(chunks[i]);
    }
    chunk_pool_finish(&pool);
}

/* Against a plain array, with sizes and turns from a fixed seed. */
static void every_byte_comes_out_in_order(void **state)
{
    enum { TOTAL = 8 << 20 };
    struct chunk_pool pool = { 0 };
    struct outbox outbox = { .pool = &pool };
    char *want = malloc(TOTAL), *got = malloc(TOTAL);
    size_t in = 0, out = 0;
    unsigned seed = 7;
    char fill = 0;

    (void)state;
    assert_non_null(want);
    assert_non_null(got);
    while (out < TOTAL - 200000) {
        bool full = in >= TOTAL - 200000;
        size_t size, bytes;

        seed = seed * 1103515245u + 12345u;
        if (!full && (seed >> 16 & 1)) {
            bool large = (seed >> 17 & 7) == 0;

            size = large ? OUTBOX_SHARE + (seed >> 20) * 20 : seed >> 21;
            fill++;
            if (large) {
                struct chunk *chunk = make_chunk(size, fill);

                memcpy(want + in, chunk->data, chunk->len);
                in += chunk->len;
                assert_int_equal(outbox_share(&outbox, chunk), 0);
                chunk_release(chunk);
            } else {
                make(want + in, WIRE_PUBLISH, size, fill);
                in += add(&outbox, WIRE_PUBLISH, size, fill);
            }
        } else {
            bytes = (seed >> 17) * 4;
            bytes = bytes < outbox.bytes ? bytes : outbox.bytes;
            take(&outbox, got + out, bytes);
            out += bytes;
        }
        assert_int_equal(outbox.bytes, in - out);
        if (full && in == out) {
            break;
        }
    }
    take(&outbox, got + out, outbox.bytes);
    assert_memory_equal(want, got, in);
    outbox_finish(&outbox);
    chunk_pool_finish(&pool);
    free(want);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_frames_are_one_piece),
        cmocka_unit_test(batches_are_used_again),
        cmocka_unit_test(a_large_frame_is_shared),
        cmocka_unit_test(counts_the_messages_that_would_be_lost),
        cmocka_unit_test(a_queue_that_never_empties_does_not_grow),
        cmocka_unit_test(every_byte_comes_out_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
