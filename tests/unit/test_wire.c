/* test_wire.c - frames between workers: there and back, and what is refused */
#include "bus/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct wire_frame examples[] = {
    { .type = WIRE_HELLO, .code = WIRE_VERSION, .id = 0x0001000200000003 },
    { .type = WIRE_INTEREST, .kind = 1, .route = "chat", .text = "lobby" },
    { .type = WIRE_INTEREST, .kind = 0, .route = "chat", .text = "" },
    { .type = WIRE_RESYNC },
    { .type = WIRE_SYNCED },
    { .type = WIRE_PUBLISH,
      .kind = BAY_TEXT,
      .route = "chat",
      .text = "lobby",
      .id = 0xfffefdfcfbfaf9f8,
      .data = "hello\0there",
      .len = 11 },
    { .type = WIRE_PUBLISH, .kind = BAY_BINARY, .route = "r", .text = "t" },
    { .type = WIRE_SEND,
      .kind = BAY_BINARY,
      .route = "chat",
      .id = 5,
      .data = "\xff",
      .len = 1 },
    { .type = WIRE_CLOSE,
      .route = "chat",
      .id = 6,
      .code = 4999,
      .text = "bye" },
    { .type = WIRE_CLOSE, .route = "chat", .id = 6, .code = 1000 },
};

#define EXAMPLES (sizeof examples / sizeof examples[0])

/* Its length, and in *bytes memory of just that size. */
static size_t encode(const struct wire_frame *frame, char **bytes)
{
    size_t len = wire_size(frame);

    assert_true(len >= WIRE_HEADER);
    *bytes = malloc(len);
    assert_non_null(*bytes);
    wire_encode(*bytes, frame);
    return len;
}

static void comes_back_as_it_went(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < EXAMPLES; i++) {
        const struct wire_frame *in = &examples[i];
        struct wire_frame out;
        char *bytes;
        size_t len = encode(in, &bytes);

        assert_int_equal(wire_length(bytes, len), len);
        assert_int_equal(wire_type(bytes), in->type);
        assert_null(wire_decode(&out, bytes, len));
        assert_int_equal(out.type, in->type);
        assert_int_equal(out.kind, in->kind);
        assert_int_equal(out.code, in->code);
        assert_true(out.id == in->id);
        assert_string_equal(out.route, in->route ? in->route : "");
        assert_string_equal(out.text, in->text ? in->text : "");
        assert_int_equal(out.len, in->len);
        if (in->type != WIRE_HELLO) {
            assert_memory_equal(out.data, in->data ? in->data : "", in->len);
            assert_int_equal(((const char *)out.data)[out.len], 0);
        }
        free(bytes);
    }
}

static void tells_its_length_from_four_bytes(void **state)
{
    char *bytes;
    size_t len = encode(&examples[5], &bytes);
    uint32_t wrong;
    size_t n;

    (void)state;
    for (n = 0; n < 4; n++) {
        assert_int_equal(wire_length(bytes, n), 0);
    }
    assert_int_equal(wire_length(bytes, 4), len);
    wrong = WIRE_HEADER - 1;
    memcpy(bytes, &wrong, sizeof wrong);
    assert_int_equal(wire_length(bytes, len), -1);
    wrong = (uint32_t)WIRE_MAX + 1;
    memcpy(bytes, &wrong, sizeof wrong);
    assert_int_equal(wire_length(bytes, len), -1);
    wrong = (uint32_t)WIRE_MAX;
    memcpy(bytes, &wrong, sizeof wrong);
    assert_int_equal(wire_length(bytes, len), WIRE_MAX);
    free(bytes);
}

static void refuses_what_does_not_fit(void **state)
{
    struct wire_frame frame = { .type = WIRE_PUBLISH,
                                .route = "r",
                                .text = "t" };
    char *name = malloc(UINT16_MAX + 2);

    (void)state;
    assert_non_null(name);
    frame.len = WIRE_MAX - WIRE_HEADER - 5;
    assert_int_equal(wire_size(&frame), WIRE_MAX);
    frame.len++;
    assert_int_equal(wire_size(&frame), 0);
    frame.len = SIZE_MAX;
    assert_int_equal(wire_size(&frame), 0);

    memset(name, 'x', UINT16_MAX + 1);
    name[UINT16_MAX + 1] = '\0';
    frame.len = 0;
    frame.text = name;
    assert_int_equal(wire_size(&frame), 0);
    frame.text = name + 1;
    assert_true(wire_size(&frame) > 0);
    frame.text = "t";
    frame.route = name;
    assert_int_equal(wire_size(&frame), 0);
    free(name);
}

static void refuses_a_wrong_length(void **state)
{
    struct wire_frame frame;
    size_t i;

    (void)state;
    for (i = 0; i < EXAMPLES; i++) {
        char *bytes;
        size_t len = encode(&examples[i], &bytes);
        size_t cut;

        for (cut = 0; cut < len; cut++) {
            uint32_t claimed = (uint32_t)cut;
            char *part = malloc(cut + 1);

            assert_non_null(part);
            memcpy(part, bytes, cut);
            assert_non_null(wire_decode(&frame, part, cut));
            /* And if the header agrees: the parts no longer fit, unless only
             * data is missing, and its 0 byte happens to be there. */
            if (cut >= sizeof claimed) {
                const char *why;

                memcpy(part, &claimed, sizeof claimed);
                why = wire_decode(&frame, part, cut);
                assert_true(why || examples[i].type == WIRE_HELLO ||
                            part[cut - 1] == '\0');
            }
            free(part);
        }
        free(bytes);
    }
}

static void refuses_what_makes_no_sense(void **state)
{
    static const struct wire_frame wrong[] = {
        { .type = (enum wire_type)0 },
        { .type = (enum wire_type)8 },
        { .type = (enum wire_type)255 },
        { .type = WIRE_INTEREST, .kind = 2, .route = "r", .text = "t" },
        { .type = WIRE_PUBLISH, .kind = 0, .route = "r", .text = "t" },
        { .type = WIRE_SEND, .kind = 3, .route = "r" },
    };
    struct wire_frame frame;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *bytes;
        size_t len = encode(&wrong[i], &bytes);

        assert_non_null(wire_decode(&frame, bytes, len));
        free(bytes);
    }
}

/* A string with a 0 byte inside would be taken for a shorter one. */
static void refuses_zeros_in_names(void **state)
{
    struct wire_frame frame;
    char *bytes;
    size_t len = encode(&examples[5], &bytes);

    (void)state;
    assert_null(wire_decode(&frame, bytes, len));
    bytes[WIRE_HEADER + 2] = '\0';
    assert_non_null(wire_decode(&frame, bytes, len));
    bytes[WIRE_HEADER + 2] = 'x';
    bytes[WIRE_HEADER + 6] = '\0';
    assert_non_null(wire_decode(&frame, bytes, len));
    bytes[WIRE_HEADER + 6] = 'x';
    assert_null(wire_decode(&frame, bytes, len));
    bytes[WIRE_HEADER + 4] = 'x'; /* the end of the route */
    assert_non_null(wire_decode(&frame, bytes, len));
    bytes[WIRE_HEADER + 4] = '\0';
    bytes[len - 1] = 'x'; /* the end of the data */
    assert_non_null(wire_decode(&frame, bytes, len));
    free(bytes);
}

/* Only the places of length, type and version are promised to stay. */
static void reads_the_hello_of_another_version(void **state)
{
    struct wire_frame hello = { .type = WIRE_HELLO, .code = WIRE_VERSION + 1 };
    struct wire_frame frame;
    char *bytes;
    size_t len = encode(&hello, &bytes);

    (void)state;
    memset(bytes + 16, 0xff, len - 16);
    assert_null(wire_decode(&frame, bytes, len));
    assert_int_equal(frame.code, WIRE_VERSION + 1);
    free(bytes);
}

/* Whatever the bytes: refused, or every part lies inside. Run under ASan. */
static void any_bytes_are_safe(void **state)
{
    size_t i, at;
    int value;

    (void)state;
    for (i = 0; i < EXAMPLES; i++) {
        char *bytes;
        size_t len = encode(&examples[i], &bytes);

        for (at = 4; at < len; at++) {
            char kept = bytes[at];

            for (value = 0; value < 256; value++) {
                struct wire_frame frame;

                bytes[at] = (char)value;
                if (wire_decode(&frame, bytes, len)) {
                    continue;
                }
                if (frame.type != WIRE_HELLO) {
                    const char *data = frame.data;

                    assert_true(strlen(frame.route) < len);
                    assert_true(strlen(frame.text) < len);
                    assert_ptr_equal(data + frame.len + 1, bytes + len);
                }
            }
            bytes[at] = kept;
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(tells_its_length_from_four_bytes),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(refuses_a_wrong_length),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(refuses_zeros_in_names),
        cmocka_unit_test(reads_the_hello_of_another_version),
        cmocka_unit_test(any_bytes_are_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
