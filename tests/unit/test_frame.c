/* test_frame.c - frames on the wire, at each border of their lengths */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/frame.h"

static void heads(void **state)
{
    unsigned char out[4];

    (void)state;
    assert_int_equal(frame_head(out, OPCODE_TEXT, true, 0), 2);
    assert_memory_equal(out, "\x81\x00", 2);
    assert_int_equal(frame_head(out, OPCODE_BINARY, false, 125), 2);
    assert_memory_equal(out, "\x02\x7d", 2);
    assert_int_equal(frame_head(out, OPCODE_TEXT, true, 126), 4);
    assert_memory_equal(out, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(frame_head(out, OPCODE_TEXT, true, 65535), 4);
    assert_memory_equal(out, "\x81\x7e\xff\xff", 4);
}

/* Reassembles what was framed; the sizes must agree. */
static void round_trip(size_t len)
{
    size_t size = frame_message_size(len), at = 0, got = 0, frames = 0;
    unsigned char *data = malloc(len + 1), *out = malloc(size);

    for (size_t i = 0; i < len; i++) {
        data[i] = (unsigned char)(i * 31 + i / 251);
    }
    assert_int_equal(frame_message(out, OPCODE_BINARY, data, len), size);
    while (at < size) {
        size_t frame = frame_size(out + at);
        size_t head = out[at + 1] < 126 ? 2 : 4;

        assert_int_equal(out[at] & 0x0f,
                         frames == 0 ? OPCODE_BINARY : OPCODE_CONTINUATION);
        assert_int_equal((out[at] & 0x80) != 0, at + frame == size);
        assert_memory_equal(out + at + head, data + got, frame - head);
        got += frame - head;
        at += frame;
        frames++;
    }
    assert_int_equal(at, size);
    assert_int_equal(got, len);
    free(data);
    free(out);
}

static void messages(void **state)
{
    static const size_t sizes[] = { 0,     1,     125,    126,    65534,  65535,
                                    65536, 65660, 131070, 131071, 1 << 20 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        round_trip(sizes[i]);
    }
}

static void closes(void **state)
{
    unsigned char out[FRAME_CLOSE_MAX];
    char reason[200];

    (void)state;
    assert_int_equal(frame_close(out, 0, NULL), 2);
    assert_memory_equal(out, "\x88\x00", 2);
    assert_int_equal(frame_close(out, 1001, "bye"), 7);
    assert_memory_equal(out,
                        "\x88\x05\x03\xe9"
                        "bye",
                        7);
    /* 61 two-byte characters and half of one more fit into 123 bytes */
    for (size_t i = 0; i < sizeof reason - 1; i += 2) {
        memcpy(reason + i, "\xc3\xa4", 2);
    }
    reason[sizeof reason - 2] = '\0';
    assert_int_equal(frame_close(out, 1000, reason), 4 + 122);
}

static void close_codes(void **state)
{
    static const int valid[] = { 1000, 1001, 1002, 1003, 1007,
                                 1011, 1014, 3000, 4000, 4999 };
    static const int invalid[] = { -1,   0,    999,  1004, 1005, 1006,
                                   1015, 1016, 2999, 5000, 65536 };

    (void)state;
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        assert_true(frame_close_code_valid(valid[i]));
    }
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        assert_false(frame_close_code_valid(invalid[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(messages),
        cmocka_unit_test(closes),
        cmocka_unit_test(close_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
