/* test_slots.c - which place on the board has the counters of which route */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proc/reason.h"
#include "proc/slots.h"

static struct board *board;
static struct conf_route routes[2][3];
static struct conf now = { .routes = routes[0] };
static struct conf next = { .routes = routes[1] };
static char why[REASON_SIZE];

static int make(void **state)
{
    (void)state;
    now.route_count = next.route_count = 0;
    board = board_create(2, 3);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    board_destroy(board);
    return 0;
}

static void add(struct conf *conf, const char *name)
{
    struct conf_route *route = &conf->routes[conf->route_count];

    *route = (struct conf_route){ .name = (char *)(uintptr_t)name,
                                  .plugin = (char *)(uintptr_t) "p",
                                  .slot = (unsigned)conf->route_count++ };
}

static int assign(void)
{
    return slots_assign(board, &now, &next, why, sizeof why);
}

static void go_with_the_name(void **state)
{
    (void)state;
    add(&now, "a");
    add(&now, "b");
    slots_name(board, &now);
    assert_string_equal(board->names[1].name, "b");
    add(&next, "b");
    add(&next, "new");
    assert_int_equal(assign(), 0);
    assert_int_equal(next.routes[0].slot, 1);
    assert_int_equal(next.routes[1].slot, 2); /* a is still served */
    assert_string_equal(board->names[0].name, "a");
    assert_string_equal(board->names[2].name, "new");
}

/* A route that was removed keeps its place as long as it has connections. */
static void are_used_again_when_nobody_is_left(void **state)
{
    (void)state;
    add(&now, "a");
    stat_set(&board_stats(board, 1)->routes[1].connections, 1);
    stat_set(&board_stats(board, 0)->routes[2].accepted, 5);
    add(&next, "a");
    add(&next, "b");
    assert_int_equal(assign(), 0);
    assert_int_equal(next.routes[1].slot, 2);
    assert_int_equal(stat_get(&board_stats(board, 0)->routes[2].accepted), 0);
    add(&next, "c");
    assert_int_equal(assign(), -1);
    assert_string_equal(why, "[route.c] has no place for its counters: 3 "
                             "routes, old and new, are served at a time");
    stat_set(&board_stats(board, 1)->routes[1].connections, 0);
    assert_int_equal(assign(), 0);
}

static void have_their_names_back(void **state)
{
    struct board_route *names;

    (void)state;
    add(&now, "a");
    slots_name(board, &now);
    names = slots_save(board);
    add(&next, "a");
    next.routes[0].plugin = (char *)(uintptr_t) "q";
    assert_int_equal(assign(), 0);
    assert_string_equal(board->names[0].plugin, "q");
    slots_restore(board, names);
    assert_string_equal(board->names[0].plugin, "p");
    assert_string_equal(board->names[0].before, "q");
    slots_restore(board, NULL);
    free(names);
}

/* A hook that hangs in a reload is named by what was tried. */
static void keep_what_was_nobodys(void **state)
{
    struct board_route *names;

    (void)state;
    add(&now, "a");
    slots_name(board, &now);
    names = slots_save(board);
    add(&next, "a");
    add(&next, "b");
    assert_int_equal(assign(), 0);
    slots_restore(board, names);
    assert_string_equal(board->names[1].name, "b");
    assert_string_equal(board->names[1].plugin, "p");
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(go_with_the_name, make, unmake),
        cmocka_unit_test_setup_teardown(are_used_again_when_nobody_is_left,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(have_their_names_back, make, unmake),
        cmocka_unit_test_setup_teardown(keep_what_was_nobodys, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
