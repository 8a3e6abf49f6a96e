/* test_sendq.c - the queue of framed bytes, and where a partial send leaves it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/sendq.h"

static struct sendq_pool pool;

static int finish(void **state)
{
    (void)state;
    sendq_pool_finish(&pool);
    return 0;
}

/* All that the queue holds, in one piece. */
static void gather(const struct sendq *queue, struct buf *out)
{
    struct iovec iov[16];
    int count = sendq_peek(queue, iov, 16);

    for (int i = 0; i < count; i++) {
        buf_add(out, iov[i].iov_base, iov[i].iov_len);
    }
    assert_int_equal(out->len, queue->bytes);
}

static void small_ones_share_a_chunk(void **state)
{
    struct sendq queue = { 0 };
    struct iovec iov[4];
    struct buf out = { 0 };

    (void)state;
    assert_int_equal(sendq_add(&pool, &queue, OPCODE_TEXT, "one", 3), 0);
    assert_int_equal(sendq_add(&pool, &queue, OPCODE_TEXT, "", 0), 0);
    assert_int_equal(sendq_add(&pool, &queue, OPCODE_BINARY, "three", 5), 0);
    assert_int_equal(sendq_peek(&queue, iov, 4), 1);
    gather(&queue, &out);
    assert_int_equal(out.len, 14);
    assert_memory_equal(out.data, "\x81\x03one\x81\x00\x82\x05three", 14);
    buf_free(&out);
    sendq_clear(&pool, &queue);
    assert_int_equal(queue.bytes, 0);
    assert_null(queue.head);
}

/* The last frame goes where there is room, or takes no more than it needs. */
static void the_last_is_no_chunk(void **state)
{
    struct sendq queue = { 0 };
    struct buf out = { 0 };
    size_t held;

    (void)state;
    assert_int_equal(sendq_last(&pool, &queue, "\x88\x00", 2), 0);
    assert_in_range(pool.held, 1, 200);
    assert_int_equal(queue.bytes, 2);
    sendq_clear(&pool, &queue);
    assert_int_equal(pool.held, 0);
    assert_int_equal(sendq_add(&pool, &queue, OPCODE_TEXT, "one", 3), 0);
    held = pool.held;
    assert_int_equal(sendq_last(&pool, &queue, "\x88\x00", 2), 0);
    assert_int_equal(pool.held, held);
    assert_int_equal(queue.nodes, 1);
    gather(&queue, &out);
    assert_memory_equal(out.data, "\x81\x03one\x88\x00", 7);
    buf_free(&out);
    sendq_clear(&pool, &queue);
}

static void a_packet_is_shared(void **state)
{
    struct sendq queues[3] = { { 0 } };
    struct packet *packet = packet_create(OPCODE_TEXT, "all", 3);
    struct iovec first, second;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sendq_share(&pool, &queues[i], packet, 0), 0);
    }
    assert_int_equal(packet->refs, 4);
    packet_unref(&pool, packet);
    /* what is added behind it does not change it */
    assert_int_equal(sendq_add(&pool, &queues[0], OPCODE_TEXT, "mine", 4), 0);
    assert_int_equal(sendq_peek(&queues[1], &first, 1), 1);
    assert_int_equal(sendq_peek(&queues[2], &second, 1), 1);
    assert_ptr_equal(first.iov_base, second.iov_base);
    assert_int_equal(first.iov_len, 5);
    for (int i = 0; i < 3; i++) {
        sendq_clear(&pool, &queues[i]);
    }
}

/* Of what is published in a turn each queue has its ranges, and no byte of the
 * others': also when it is the last to hold the chunk. */
static void ranges_of_a_shared_chunk(void **state)
{
    struct sendq all = { 0 }, some = { 0 };
    struct packet *chunk = packet_create_shared(&pool);
    struct iovec iov[4];
    struct buf out = { 0 };
    size_t second, third;

    (void)state;
    assert_true(packet_append(chunk, OPCODE_TEXT, "one", 3));
    assert_int_equal(sendq_share(&pool, &all, chunk, 0), 0);
    assert_int_equal(sendq_share(&pool, &some, chunk, 0), 0);
    second = chunk->len;
    assert_true(packet_append(chunk, OPCODE_TEXT, "two", 3));
    assert_int_equal(sendq_share(&pool, &all, chunk, second), 0);
    third = chunk->len;
    assert_true(packet_append(chunk, OPCODE_TEXT, "three", 5));
    assert_int_equal(sendq_share(&pool, &all, chunk, third), 0);
    packet_unref(&pool, chunk);
    assert_int_equal(sendq_peek(&all, iov, 4), 1); /* one write for all */
    assert_int_equal(iov[0].iov_len, 5 + 5 + 7);
    sendq_clear(&pool, &all);

    assert_int_equal(sendq_add(&pool, &some, OPCODE_TEXT, "mine", 4), 0);
    gather(&some, &out);
    assert_int_equal(out.len, 11);
    assert_memory_equal(out.data, "\x81\x03one\x81\x04mine", 11);
    buf_free(&out);
    sendq_clear(&pool, &some);
}

/* However much of the queue is sent, what remains of the frame that was begun
 * and the queue behind it make up the rest of the bytes. */
static void partial_sends(void **state)
{
    char large[20000];

    (void)state;
    memset(large, 'x', sizeof large);
    for (size_t n = 1; n < 20100; n += n < 40 || n > 20000 ? 1 : 997) {
        struct sendq queue = { 0 };
        struct buf before = { 0 }, after = { 0 };
        struct packet *held;
        struct iovec rest;

        assert_int_equal(sendq_add(&pool, &queue, OPCODE_TEXT, "one", 3), 0);
        assert_int_equal(sendq_add(&pool, &queue, OPCODE_TEXT, "two", 3), 0);
        assert_int_equal(
            sendq_add(&pool, &queue, OPCODE_BINARY, large, sizeof large), 0);
        assert_int_equal(sendq_add(&pool, &queue, OPCODE_TEXT, "end", 3), 0);
        gather(&queue, &before);
        if (n > before.len) {
            n = before.len;
        }
        sendq_sent(&pool, &queue, n, &rest, &held);
        buf_add(&after, before.data, n);
        if (rest.iov_len > 0) {
            buf_add(&after, rest.iov_base, rest.iov_len);
        }
        if (held != NULL) {
            packet_unref(&pool, held);
        }
        if (queue.head != NULL) { /* the queue begins with a frame */
            struct iovec iov;

            sendq_peek(&queue, &iov, 1);
            assert_true((*(unsigned char *)iov.iov_base & 0x70) == 0);
        }
        {
            struct buf left = { 0 };

            gather(&queue, &left);
            buf_add(&after, left.data, left.len);
            buf_free(&left);
        }
        assert_int_equal(after.len, before.len);
        assert_memory_equal(after.data, before.data, before.len);
        sendq_clear(&pool, &queue);
        buf_free(&before);
        buf_free(&after);
    }
}

/* A fragmented message that is cut leaves at most one fragment to copy. */
static void partial_sends_of_fragments(void **state)
{
    size_t len = 300000;
    char *data = calloc(1, len);
    struct sendq queue = { 0 };
    struct packet *held;
    struct iovec rest, next;

    (void)state;
    assert_int_equal(sendq_add(&pool, &queue, OPCODE_BINARY, data, len), 0);
    sendq_sent(&pool, &queue, 100000, &rest, &held);
    assert_int_equal(rest.iov_len, 2 * (FRAME_MAX_PAYLOAD + 4) - 100000);
    packet_unref(&pool, held);
    assert_int_equal(sendq_peek(&queue, &next, 1), 1);
    assert_int_equal(((unsigned char *)next.iov_base)[0], OPCODE_CONTINUATION);
    sendq_clear(&pool, &queue);
    free(data);
}

static void chunks_are_used_again(void **state)
{
    struct sendq queue = { 0 };
    struct iovec first, second;

    (void)state;
    sendq_add(&pool, &queue, OPCODE_TEXT, "a", 1);
    sendq_peek(&queue, &first, 1);
    sendq_clear(&pool, &queue);
    sendq_add(&pool, &queue, OPCODE_TEXT, "b", 1);
    sendq_peek(&queue, &second, 1);
    assert_ptr_equal(first.iov_base, second.iov_base);
    sendq_clear(&pool, &queue);
}

/* What is kept to be used again has an end. */
static void the_pool_has_a_limit(void **state)
{
    enum { QUEUES = 300 };
    static struct sendq queues[QUEUES];
    struct packet *packet = packet_create(OPCODE_TEXT, "x", 1);

    (void)state;
    for (int i = 0; i < QUEUES; i++) {
        assert_int_equal(sendq_add(&pool, &queues[i], OPCODE_TEXT, "x", 1), 0);
        for (int k = 0; k < 20; k++) {
            assert_int_equal(sendq_share(&pool, &queues[i], packet, 0), 0);
        }
    }
    for (int i = 0; i < QUEUES; i++) {
        sendq_clear(&pool, &queues[i]);
    }
    assert_int_equal(packet->refs, 1);
    packet_unref(&pool, packet);
    assert_int_equal(pool.chunk_count, 256);
    assert_int_equal(pool.node_count, 4096);
    sendq_pool_finish(&pool);
    assert_null(pool.chunks);
    assert_null(pool.nodes);
    assert_int_equal(pool.chunk_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ones_share_a_chunk),
        cmocka_unit_test(the_last_is_no_chunk),
        cmocka_unit_test(a_packet_is_shared),
        cmocka_unit_test(ranges_of_a_shared_chunk),
        cmocka_unit_test(partial_sends),
        cmocka_unit_test(partial_sends_of_fragments),
        cmocka_unit_test(chunks_are_used_again),
        cmocka_unit_test(the_pool_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, finish);
}
