/* test_presence_wire.c - frames there and back, and none that are broken */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/id.h"
#include "core/presence_wire.h"

static struct buf make(enum presence_type type, bay_id sender)
{
    struct presence_frame frame = { .type = type,
                                    .marks = PRESENCE_BEGIN,
                                    .part = 1,
                                    .sender = sender,
                                    .topic = "room",
                                    .id = sender + 7,
                                    .count = 3,
                                    .sum = 0x123456789abcdef0u };
    struct member_facts facts = { .id = sender + 7,
                                  .joined_ms = 99,
                                  .flags = BAY_UNIQUE,
                                  .label = "anna",
                                  .label_len = 4,
                                  .info = "\0x",
                                  .info_len = 2 };
    struct buf out = { 0 };

    presence_wire_begin(&out, &frame);
    if (type == PRESENCE_JOIN || type == PRESENCE_UPDATE ||
        type == PRESENCE_SNAP) {
        presence_wire_add(&out, &facts);
    }
    assert_false(out.failed);
    return out;
}

static void test_round(void **state)
{
    bay_id sender = id_make(2, 3, 4, 0);

    (void)state;
    for (int type = PRESENCE_WANT; type <= PRESENCE_DIGEST; type++) {
        struct buf out = make((enum presence_type)type, sender);
        struct presence_frame frame;
        struct member_facts facts;

        assert_null(presence_wire_read(&frame, out.data, out.len));
        assert_int_equal(frame.type, type);
        assert_int_equal(frame.sender, sender);
        assert_string_equal(frame.topic, "room");
        if (type == PRESENCE_JOIN) {
            assert_true(presence_wire_next(&frame, &facts));
            assert_int_equal(facts.id, sender + 7);
            assert_int_equal(facts.joined_ms, 99);
            assert_int_equal(facts.flags, BAY_UNIQUE);
            assert_memory_equal(facts.label, "anna", 4);
            assert_memory_equal(facts.info, "\0x", 2);
            assert_false(presence_wire_next(&frame, &facts));
        }
        if (type == PRESENCE_DIGEST) {
            assert_int_equal(frame.count, 3);
            assert_true(frame.sum == 0x123456789abcdef0u);
        }
        /* None that is cut off, and none with more behind. */
        for (size_t len = 0; len < out.len; len++) {
            bool whole = type == PRESENCE_SNAP && len == 17 + 4;

            assert_true(whole ==
                        (presence_wire_read(&frame, out.data, len) == NULL));
        }
        buf_add(&out, "!", 1);
        assert_non_null(presence_wire_read(&frame, out.data, out.len));
        buf_free(&out);
    }
}

static void refuse(size_t at, char byte)
{
    struct buf out = make(PRESENCE_JOIN, id_make(2, 3, 4, 0));
    struct presence_frame frame;

    out.data[at] = byte;
    assert_non_null(presence_wire_read(&frame, out.data, out.len));
    buf_free(&out);
}

static void test_refused(void **state)
{
    (void)state;
    refuse(0, 'x');     /* magic */
    refuse(1, 2);       /* version */
    refuse(2, 9);       /* type */
    refuse(3, 8);       /* marks */
    refuse(8, 1);       /* a sender that is a connection */
    refuse(12, 9);      /* not the member's worker */
    refuse(17, '\n');   /* the topic */
    refuse(21, 0);      /* serial 0 */
    refuse(37, 2);      /* flags */
    refuse(38, 0);      /* no label */
    refuse(41, '\x01'); /* in the label */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
