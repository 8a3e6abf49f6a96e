/* test_membership.c - how a host stands with others: in health, metrics and
 * status */
#include "proc/membership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proc/pages.h"

static void set(const struct board *board, unsigned worker, unsigned state)
{
    atomic_store(&board_slot(board, worker)->state, WORKER_RUNNING);
    stat_set(&board_stats(board, worker)->cluster_state, state);
}

static void the_worst_counts(void **state)
{
    struct board *board = board_create(3, 1);
    struct conf conf = { .cluster = { .node = 0 } };
    char shown[] = "redis://h:1";
    struct bans bans = { 0 };
    struct pages pages = { board, &conf };
    struct buf text = { 0 };

    (void)state;
    board->bans = &bans;
    set(board, 0, CLUSTER_UP);
    set(board, 1, CLUSTER_AWAY);
    assert_int_equal(membership_of(board, &conf), CLUSTER_OFF);
    pages_metrics(&pages, &text);
    assert_null(strstr(text.data, "patchbay_cluster_up"));
    conf.cluster.url.shown = shown;
    assert_int_equal(membership_of(board, &conf), CLUSTER_AWAY);
    buf_clear(&text);
    pages_metrics(&pages, &text);
    assert_non_null(strstr(text.data, "\npatchbay_cluster_up 0\n"));
    /* What is in the board of one that runs wild, or does not run. */
    set(board, 1, CLUSTER_STATES);
    assert_int_equal(membership_of(board, &conf), CLUSTER_UP);
    stat_set(&board_stats(board, 2)->cluster_state, CLUSTER_TAKEN);
    assert_int_equal(membership_of(board, &conf), CLUSTER_UP);
    set(board, 2, CLUSTER_UP);
    set(board, 1, CLUSTER_UP);
    buf_clear(&text);
    assert_int_equal(pages_health(&pages, &text), 200);
    assert_non_null(strstr(text.data, "\"status\":\"ok\""));
    assert_non_null(strstr(text.data, "\"cluster\":\"ok\""));
    set(board, 1, CLUSTER_TAKEN);
    buf_clear(&text);
    assert_int_equal(pages_health(&pages, &text), 200);
    assert_non_null(strstr(text.data, "\"status\":\"degraded\""));
    assert_non_null(strstr(text.data,
                           "\"cluster\":\"another host has this node's "
                           "number\""));
    buf_free(&text);
    board_destroy(board);
}

static void degraded_if_anything_is_missing(void **state)
{
    struct board *board = board_create(3, 1);
    struct conf conf = { .cluster = { .node = 0 } };
    struct bans bans = { 0 };

    (void)state;
    board->bans = &bans;
    board_spare(board, 2);
    assert_false(board_has_worker(board, 2));
    assert_true(board_has_worker(board, 1));
    set(board, 0, CLUSTER_OFF);
    assert_true(membership_degraded(board, &conf)); /* one is down */
    set(board, 1, CLUSTER_OFF);
    assert_false(membership_degraded(board, &conf));
    atomic_store(&bans.plugin_count, 1);
    assert_true(membership_degraded(board, &conf));
    board_destroy(board);
}

static void each_has_a_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CLUSTER_STATES; i++) {
        assert_true(strlen(membership_text((enum cluster_state)i)) > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_counts),
        cmocka_unit_test(degraded_if_anything_is_missing),
        cmocka_unit_test(each_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
