/* test_hearsay.c - whose hook it was that left no witness */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proc/hearsay.h"
#include "proc/remains.h"

static struct board *board;
static struct hook_now *now;
static struct remains *remains;
static char file[] = "/run/images/chat.00000000000000ab.so";
static char *files[] = { file };
static struct pins pins = { .files = files, .count = 1 };
static struct conf_route route;
static const struct conf conf = { .routes = &route, .route_count = 1 };

static int make(void **state)
{
    (void)state;
    board = board_create(1, 3);
    now = &board_stats(board, 0)->now;
    remains = board_remains(board, 0);
    route =
        (struct conf_route){ .name = (char *)(uintptr_t) "lobby",
                             .plugin = (char *)(uintptr_t) "chat",
                             .plugin_file = (char *)(uintptr_t) "/p/chat.so",
                             .slot = 2 };
    atomic_store(&now->hook, HOOK_MESSAGE);
    atomic_store(&now->route, 2);
    stat_set(&now->code, 0xab);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    board_destroy(board);
    return 0;
}

static bool tell(void)
{
    hearsay_tell(board, 0, &conf, &pins);
    return remains->has_witness != 0;
}

static void knows_the_file(void **state)
{
    (void)state;
    assert_true(tell());
    assert_string_equal(remains->witness.plugin, "chat");
    assert_string_equal(remains->witness.route, "lobby");
    assert_string_equal(remains->witness.file, "/p/chat.so");
    assert_string_equal(remains->witness.code, "00000000000000ab");
    assert_true(remains->witness.conn == 0);
}

static void does_not_guess(void **state)
{
    (void)state;
    stat_set(&now->code, 0xac); /* old code */
    assert_false(tell());
    stat_set(&now->code, 0xab);
    atomic_store(&now->route, 1);
    assert_false(tell());
    atomic_store(&now->route, 2);
    atomic_store(&now->hook, HOOK_NONE);
    assert_false(tell());
}

static void believes_the_witness(void **state)
{
    (void)state;
    remains->has_witness = 1;
    strcpy(remains->witness.plugin, "other");
    assert_true(tell());
    assert_string_equal(remains->witness.plugin, "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knows_the_file, make, unmake),
        cmocka_unit_test_setup_teardown(does_not_guess, make, unmake),
        cmocka_unit_test_setup_teardown(believes_the_witness, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
