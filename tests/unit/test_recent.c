/* test_recent.c - the last messages, for crash reports */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/recent.h"

static struct recent recent;

static void add(bay_id conn, const char *data, size_t len)
{
    const bay_message message = {
        .data = data, .len = len, .kind = BAY_BINARY, .fin = true
    };

    recent_add(&recent, 1000 + conn, conn, &message);
}

static void keeps_the_last(void **state)
{
    (void)state;
    for (bay_id i = 0; i < RECENT_MESSAGES + 3; i++) {
        const char text[] = { 'm', (char)('a' + i), 0 };

        add(i, text, 2);
    }
    assert_int_equal(recent.count, RECENT_MESSAGES + 3);
    assert_int_equal(recent.list[2].conn, RECENT_MESSAGES + 2);
    assert_int_equal(recent.list[3].conn, 3);
    assert_int_equal(recent.list[3].at_ms, 1003);
    assert_int_equal(recent.list[3].kind, BAY_BINARY);
    assert_int_equal(recent.list[3].fin, 1);
    assert_int_equal(recent.list[3].len, 2);
    assert_memory_equal(recent.list[3].data, "md", 2);
}

static void cuts_long_ones(void **state)
{
    static char large[RECENT_BYTES * 3];
    const struct recent_message *message =
        &recent.list[recent.count % RECENT_MESSAGES];

    (void)state;
    memset(large, 'x', sizeof large);
    add(7, large, sizeof large);
    assert_int_equal(message->len, sizeof large);
    assert_int_equal(message->data[RECENT_BYTES - 1], 'x');
    assert_int_equal((message + 1)->conn == 7, 0);
}

/* Of each length: all of it, and nothing behind it. */
static void copies_all(void **state)
{
    char text[RECENT_BYTES + 2];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(i * 7 + 1);
    }
    for (size_t len = 0; len < sizeof text; len++) {
        struct recent_message *message =
            &recent.list[recent.count % RECENT_MESSAGES];
        size_t kept = len < RECENT_BYTES ? len : RECENT_BYTES;
        char *copy = malloc(len + 1); /* where a sanitizer sees the end */

        assert_non_null(copy);
        memcpy(copy, text, len);
        memset(message->data, 0, sizeof message->data);
        add(1, copy, len);
        free(copy);
        assert_memory_equal(message->data, text, kept);
        for (size_t i = kept; i < RECENT_BYTES; i++) {
            assert_int_equal(message->data[i], 0);
        }
    }
}

static void forgets_all(void **state)
{
    static const struct recent nothing;

    (void)state;
    add(1, "secret", 6);
    recent_forget(&recent);
    assert_memory_equal(&recent, &nothing, sizeof recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_last),
        cmocka_unit_test(cuts_long_ones),
        cmocka_unit_test(copies_all),
        cmocka_unit_test(forgets_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
