/* test_bans.c - plugins and messages that are not let in any more */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/fnv.h"
#include "core/bans.h"

static struct bans bans;

static int clear(void **state)
{
    (void)state;
    bans = (struct bans){ 0 };
    return 0;
}

static void nobody_is_banned(void **state)
{
    (void)state;
    assert_false(bans_plugin(NULL, 1));
    assert_false(bans_plugin(&bans, 1));
    assert_false(bans_any_poison(NULL));
    assert_false(bans_any_poison(&bans));
    assert_false(bans_message(&bans, 1, "x", 1));
    assert_null(bans_find(NULL, "chat"));
    assert_int_equal(bans_count(NULL), 0);
    assert_int_equal(bans_poisons(NULL), 0);
}

static void plugins_by_their_code(void **state)
{
    struct ban *ban = &bans.plugins[BANS_PLUGINS - 1];

    (void)state;
    stat_set(&ban->code, 7);
    strcpy(ban->plugin, "chat");
    bans.plugin_count = 1;
    assert_true(bans_plugin(&bans, 7));
    assert_false(bans_plugin(&bans, 8));
    assert_false(bans_plugin(&bans, 0)); /* of the free places */
    assert_ptr_equal(bans_find(&bans, "chat"), ban);
    assert_null(bans_find(&bans, "cha"));
    assert_null(bans_find(&bans, ""));
    assert_int_equal(bans_count(&bans), 1);
}

static void messages_by_code_length_and_hash(void **state)
{
    struct poison *poison = &bans.poisons[BANS_POISONS - 1];

    (void)state;
    stat_set(&poison->code, 7);
    stat_set(&poison->len, 3);
    stat_set(&poison->hash, fnv_hash(99, "a\0b", 3));
    stat_set(&bans.seed, 99);
    bans.poison_count = 1;
    assert_true(bans_any_poison(&bans));
    assert_true(bans_message(&bans, 7, "a\0b", 3));
    assert_false(bans_message(&bans, 8, "a\0b", 3));
    assert_false(bans_message(&bans, 0, "a\0b", 3));
    assert_false(bans_message(&bans, 7, "a\0c", 3));
    assert_false(bans_message(&bans, 7, "a\0b", 2));
    stat_set(&poison->len, 2); /* the hash alone is not enough */
    assert_false(bans_message(&bans, 7, "a\0b", 3));
}

static void codes_are_hashes_of_files(void **state)
{
    (void)state;
    assert_true(bans_code("fedcba9876543210") == 0xfedcba9876543210u);
    assert_true(bans_code("00000000000000ab.so") == 0xab);
    assert_true(bans_code(NULL) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_is_banned, clear),
        cmocka_unit_test_setup(plugins_by_their_code, clear),
        cmocka_unit_test_setup(messages_by_code_length_and_hash, clear),
        cmocka_unit_test_setup(codes_are_hashes_of_files, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
