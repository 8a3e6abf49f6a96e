/* test_envelope.c - what machines send each other: there and back, and what is
 * refused */
#include "bus/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORKER \
    UINT64_C(0x0201000700000000) /* node 2, worker 1, incarnation 7 */

static const struct envelope examples[] = {
    { .type = ENVELOPE_PUBLISH,
      .kind = BAY_TEXT,
      .from = WORKER,
      .group = 0xfedcba98,
      .id = 0xfffefdfcfbfaf9f8,
      .route = "chat",
      .text = "lobby",
      .data = "hello\0there",
      .len = 11 },
    { .type = ENVELOPE_PUBLISH,
      .kind = BAY_BINARY,
      .from = WORKER,
      .route = "r",
      .text = "\x01lobby" },
    { .type = ENVELOPE_SEND,
      .kind = BAY_BINARY,
      .from = WORKER,
      .route = "chat",
      .id = 5,
      .data = "\xff",
      .len = 1 },
    { .type = ENVELOPE_CLOSE,
      .from = WORKER,
      .route = "chat",
      .id = 6,
      .code = 4999,
      .text = "bye" },
    { .type = ENVELOPE_KEPT,
      .kind = BAY_TEXT,
      .late = true,
      .from = WORKER,
      .route = "chat",
      .text = "lobby",
      .time_ms = 0x0123456789abcdef,
      .data = "x",
      .len = 1 },
    { .type = ENVELOPE_BEAT, .from = WORKER, .group = 1 },
    { .type = ENVELOPE_WHO, .from = WORKER, .group = 1 },
    { .type = ENVELOPE_GONE,
      .from = WORKER,
      .id = UINT64_C(0x0200000600000000) },
};

#define EXAMPLES (sizeof examples / sizeof examples[0])

/* Its length, and in *bytes memory of just that size. */
static size_t encode(const struct envelope *envelope, char **bytes)
{
    size_t len = envelope_size(envelope);

    assert_true(len >= ENVELOPE_HEADER + 2);
    *bytes = malloc(len);
    assert_non_null(*bytes);
    envelope_encode(*bytes, envelope);
    return len;
}

static void comes_back_as_it_went(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < EXAMPLES; i++) {
        const struct envelope *in = &examples[i];
        struct envelope out;
        char *bytes;
        size_t len = encode(in, &bytes);

        assert_null(envelope_decode(&out, bytes, len));
        assert_int_equal(out.type, in->type);
        assert_int_equal(out.kind, in->kind);
        assert_int_equal(out.code, in->code);
        assert_int_equal(out.late, in->late);
        assert_true(out.from == in->from);
        assert_int_equal(out.group, in->group);
        assert_true(out.id == in->id);
        assert_true(out.time_ms == in->time_ms);
        assert_string_equal(out.route, in->route ? in->route : "");
        assert_string_equal(out.text, in->text ? in->text : "");
        assert_int_equal(out.len, in->len);
        assert_memory_equal(out.data, in->data ? in->data : "", in->len);
        free(bytes);
    }
}

/* The layout is a promise to other machines. */
static void looks_as_it_is_described(void **state)
{
    static const char expected[] = "pb\x01\x02\x02\x00\x00\x00"
                                   "\x00\x00\x00\x00\x07\x00\x01\x02"
                                   "\x05\x00\x00\x00\x00\x00\x00\x00"
                                   "\x00\x00\x00\x00\x00\x00\x00\x00"
                                   "\x00\x00\x00\x00\x04\x00\x00\x00"
                                   "chat\0\0\xff";
    char *bytes;
    size_t len = encode(&examples[2], &bytes);

    (void)state;
    assert_int_equal(len, sizeof expected - 1);
    assert_memory_equal(bytes, expected, len);
    free(bytes);
}

static void refuses_what_does_not_fit(void **state)
{
    struct envelope envelope = { .type = ENVELOPE_PUBLISH,
                                 .route = "r",
                                 .text = "t" };
    char name[257];

    (void)state;
    memset(name, 'x', sizeof name);
    name[256] = '\0';
    envelope.len = ENVELOPE_MAX;
    assert_int_equal(envelope_size(&envelope), 0);
    envelope.len = 0;
    envelope.text = name;
    assert_int_equal(envelope_size(&envelope), 0);
    envelope.text = name + 1;
    assert_int_equal(envelope_size(&envelope), ENVELOPE_HEADER + 1 + 255 + 2);
    envelope.route = name;
    assert_int_equal(envelope_size(&envelope), 0);
}

static void refuse(struct envelope envelope, const char *says)
{
    struct envelope out;
    char *bytes;
    size_t len = encode(&envelope, &bytes);
    const char *fault = envelope_decode(&out, bytes, len);

    assert_non_null(fault);
    assert_string_equal(fault, says);
    free(bytes);
}

static void refuses_what_makes_no_sense(void **state)
{
    struct envelope envelope = examples[0];

    (void)state;
    envelope.from = 0;
    refuse(envelope, "an envelope from no worker");
    envelope.from = WORKER + 1;
    refuse(envelope, "an envelope from no worker");
    envelope.from = WORKER;
    envelope.kind = BUS_NEWS;
    refuse(envelope, "a message that is neither text nor binary");
    envelope = examples[0];
    envelope.text = "";
    refuse(envelope, "an envelope to no topic");
    envelope.type = ENVELOPE_GONE + 1;
    refuse(envelope, "an envelope of unknown type");
    envelope = examples[7];
    envelope.id = 0;
    refuse(envelope, "the end of no worker");
    envelope.id = WORKER + 1;
    refuse(envelope, "the end of no worker");
}

static void refuses_other_things(void **state)
{
    struct envelope out;
    char *bytes;
    size_t len = encode(&examples[0], &bytes), n;

    (void)state;
    assert_non_null(envelope_decode(&out, "", 0));
    assert_non_null(envelope_decode(&out, "hello", 5));
    for (n = 0; n < len - examples[0].len; n++) {
        char *cut = malloc(n + 1);

        assert_non_null(cut);
        memcpy(cut, bytes, n);
        assert_non_null(envelope_decode(&out, cut, n));
        free(cut);
    }
    bytes[2] = ENVELOPE_VERSION + 1;
    assert_string_equal(envelope_decode(&out, bytes, len),
                        "an envelope of another version");
    bytes[2] = ENVELOPE_VERSION;
    bytes[ENVELOPE_HEADER + 1] = '\0';
    assert_string_equal(envelope_decode(&out, bytes, len),
                        "an envelope whose parts do not end where they should");
    free(bytes);
}

/* Each byte of each example takes each value: nothing beyond it is read. */
static void any_bytes_are_safe(void **state)
{
    size_t i, at;
    int value;

    (void)state;
    for (i = 0; i < EXAMPLES; i++) {
        char *bytes;
        size_t len = encode(&examples[i], &bytes);

        for (at = 0; at < len; at++) {
            char kept = bytes[at];

            for (value = 0; value < 256; value++) {
                struct envelope out;

                bytes[at] = (char)value;
                if (!envelope_decode(&out, bytes, len)) {
                    assert_true(strlen(out.route) < len);
                    assert_true(strlen(out.text) < len);
                    assert_ptr_equal((const char *)out.data + out.len,
                                     bytes + len);
                }
            }
            bytes[at] = kept;
        }
        free(bytes);
    }
}

static void expect_position(const char *text, long len, uint64_t epoch,
                            uint64_t offset)
{
    struct position at = { 0 };
    char *copy = strdup(text);

    assert_non_null(copy);
    assert_int_equal(envelope_position(&at, copy, strlen(copy)), len);
    if (len > 0) {
        assert_true(at.epoch == epoch);
        assert_true(at.offset == offset);
    }
    free(copy);
}

static void reads_a_position(void **state)
{
    (void)state;
    expect_position("K 12 345\npb", 9, 12, 345);
    expect_position("K 18446744073709551615 18446744073709551615\n", 44,
                    UINT64_MAX, UINT64_MAX);
    expect_position("", 0, 0, 0);
    expect_position("K", 0, 0, 0);
    expect_position("pb", 0, 0, 0);
    expect_position("K ", -1, 0, 0);
    expect_position("K 1", -1, 0, 0);
    expect_position("K 1 ", -1, 0, 0);
    expect_position("K 1 2", -1, 0, 0);
    expect_position("K 0 2\n", -1, 0, 0);
    expect_position("K 1 0\n", -1, 0, 0);
    expect_position("K -1 2\n", -1, 0, 0);
    expect_position("K  1 2\n", -1, 0, 0);
    expect_position("K 1 2 \n", -1, 0, 0);
    expect_position("K 18446744073709551616 1\n", -1, 0, 0);
    expect_position("K 0000000000000000000000000000000000000001 1\n", -1, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(looks_as_it_is_described),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(refuses_other_things),
        cmocka_unit_test(any_bytes_are_safe),
        cmocka_unit_test(reads_a_position),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
