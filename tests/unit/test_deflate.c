/* test_deflate.c - messages there and back, bombs, and broken data */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/deflate.h"

#define MAX (1u << 20)

static struct deflate *deflate_state;

static int finish(void **state)
{
    (void)state;
    deflate_destroy(deflate_state);
    deflate_state = NULL;
    return 0;
}

static enum inflated restore(const void *data, size_t len,
                             const struct buf **out)
{
    return inflate_message(&deflate_state, data, len, MAX, 0, out);
}

/* Words of a small vocabulary. */
static char *text_of(size_t len)
{
    char *text = malloc(len + 1);

    for (size_t i = 0; i < len; i++) {
        text[i] = "patchbay speaks JSON "[(i * i / 7 + i) % 21];
    }
    text[len] = '\0';
    return text;
}

static void there_and_back(void **state)
{
    (void)state;
    for (unsigned bits = DEFLATE_BITS_MIN; bits <= DEFLATE_BITS_MAX; bits++) {
        for (size_t len = DEFLATE_MIN; len < 1000000; len = len * 3 + 1) {
            char *text = text_of(len);
            const struct buf *out;
            char *sent;
            size_t size;

            assert_true(deflate_message(&deflate_state, bits, text, len, &out));
            assert_true(out->len < len);
            size = out->len;
            sent = malloc(size);
            memcpy(sent, out->data, size);
            assert_int_equal(restore(sent, size, &out), INFLATED);
            assert_int_equal(out->len, len);
            assert_memory_equal(out->data, text, len);
            free(sent);
            free(text);
        }
    }
}

/* What is random gets no shorter: it is sent as it is. */
static void not_worth_it(void **state)
{
    unsigned char noise[4096];
    const struct buf *out;
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof noise; i++) {
        x = x * 1664525u + 1013904223u;
        noise[i] = (unsigned char)(x >> 24);
    }
    assert_false(
        deflate_message(&deflate_state, 15, noise, sizeof noise, &out));
    memset(noise, 0, sizeof noise);
    assert_true(deflate_message(&deflate_state, 15, noise, sizeof noise, &out));
}

static void what_peers_send(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text; /* NULL: broken */
    } cases[] = {
#define BYTES(text) text, sizeof text - 1
        /* RFC 7692 section 7.2.3: examples of "Hello" */
        { BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello" },
        { BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello" },
        { BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello" },
        { BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
          "Hello" },
        { BYTES("\x00"), "" },
        { BYTES("\x02\x00"), "" }, /* an empty block of fixed codes */
        { BYTES(""), NULL },
        { BYTES("\xf2\x48\xcd\xc9"), NULL },             /* cut */
        { BYTES("\x07"), NULL },                         /* no such block */
        { BYTES("\xff\xff\xff\xff\xff"), NULL },         /* noise */
        { BYTES("\x00\x05\x00\xfa\xfe\x48\x00"), NULL }, /* wrong length */
        { BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00\xff"), NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct buf *out;
        enum inflated result = restore(cases[i].bytes, cases[i].len, &out);

        if ((result == INFLATED) != (cases[i].text != NULL)) {
            fail_msg("case %zu: %d", i, (int)result);
        }
        if (cases[i].text == NULL) {
            assert_int_equal(result, INFLATE_BAD);
            continue;
        }
        assert_int_equal(out->len, strlen(cases[i].text));
        if (out->len > 0) {
            assert_memory_equal(out->data, cases[i].text, out->len);
        }
    }
}

static void limits(void **state)
{
    char *zeros = calloc(1, MAX);
    const struct buf *out;
    char *sent;
    size_t size;

    (void)state;
    assert_true(deflate_message(&deflate_state, 15, zeros, MAX, &out));
    size = out->len;
    sent = malloc(size);
    memcpy(sent, out->data, size);
    assert_true(MAX / size > 200);
    assert_int_equal(inflate_message(&deflate_state, sent, size, MAX, 0, &out),
                     INFLATED);
    assert_int_equal(out->len, MAX);
    assert_int_equal(
        inflate_message(&deflate_state, sent, size, MAX - 1, 0, &out),
        INFLATE_TOO_BIG);
    assert_true(out->len <= MAX);
    assert_int_equal(
        inflate_message(&deflate_state, sent, size, MAX, 2000, &out), INFLATED);
    assert_int_equal(
        inflate_message(&deflate_state, sent, size, MAX, 200, &out),
        INFLATE_RATIO);
    /* a small one harms nobody, whatever its ratio */
    assert_true(deflate_message(&deflate_state, 15, zeros, INFLATE_FREE, &out));
    size = out->len;
    memcpy(sent, out->data, size);
    assert_int_equal(inflate_message(&deflate_state, sent, size, MAX, 1, &out),
                     INFLATED);
    free(sent);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(there_and_back, finish),
        cmocka_unit_test_teardown(not_worth_it, finish),
        cmocka_unit_test_teardown(what_peers_send, finish),
        cmocka_unit_test_teardown(limits, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
