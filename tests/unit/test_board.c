/* test_board.c - memory that master and workers share */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/board.h"

#define ROUTES 3

static int make(void **state)
{
    *state = board_create(4, ROUTES);
    return *state == NULL ? -1 : 0;
}

static int unmake(void **state)
{
    board_destroy(*state);
    return 0;
}

static void begins_empty(void **state)
{
    const struct board *board = *state;

    for (unsigned i = 0; i < board->workers; i++) {
        assert_int_equal(atomic_load(&board_slot(board, i)->state),
                         WORKER_DOWN);
        assert_int_equal(atomic_load(&board_slot(board, i)->pid), 0);
        assert_int_equal(stat_get(&board_slot(board, i)->incarnation), 0);
    }
    assert_int_equal(board_running(board), 0);
    assert_false(board_draining(board));
    assert_true(board->started_wall_ms > 1500000000000u);
}

/* The last number of one slot must not be the first of the next. */
static void keeps_slots_apart(void **state)
{
    const struct board *board = *state;

    for (unsigned i = 0; i < board->workers; i++) {
        struct worker_stats *stats = board_stats(board, i);

        assert_int_equal((uintptr_t)board_slot(board, i) % 64, 0);
        assert_int_equal((uintptr_t)stats % 64, 0);
        stat_set(&stats->heartbeat_ms, i + 100);
        stat_set(&stats->routes[ROUTES - 1].slow_hooks, i + 1);
        board_begin(board, i, (int)i + 10);
    }
    for (unsigned i = 0; i < board->workers; i++) {
        const struct worker_stats *stats = board_stats(board, i);

        assert_int_equal(stat_get(&stats->routes[ROUTES - 1].slow_hooks),
                         i + 1);
        assert_int_equal(atomic_load(&board_slot(board, i)->pid), i + 10);
    }
}

static void is_seen_by_other_processes(void **state)
{
    const struct board *board = *state;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        stat_set(&board_stats(board, 2)->routes[1].connections, 7);
        board_set_draining(board);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(board_connections(board, 1), 7);
    assert_true(board_draining(board));
}

/* The memory is the workers', too: whatever lies in it can be read. */
static void bears_any_bytes(void **state)
{
    const struct board *board = *state;

    memset(board->shared, 0xff, board->size);
    assert_true(board_draining(board));
    assert_non_null(
        board_state_name(atomic_load(&board_slot(board, 0)->state)));
    board_bury(board, 0);
    assert_int_equal(board_running(board), 0);
}

static void sums_over_workers(void **state)
{
    const struct board *board = *state;

    stat_set(&board_stats(board, 0)->routes[1].connections, 3);
    stat_set(&board_stats(board, 3)->routes[1].connections, 4);
    stat_set(&board_stats(board, 3)->routes[2].connections, 9);
    assert_int_equal(board_connections(board, 1), 7);
    atomic_store(&board_slot(board, 0)->state, WORKER_RUNNING);
    atomic_store(&board_slot(board, 1)->state, WORKER_STARTING);
    atomic_store(&board_slot(board, 3)->state, WORKER_RUNNING);
    assert_int_equal(board_running(board), 2);
}

static void buries_what_was_open_and_keeps_what_was_counted(void **state)
{
    const struct board *board = *state;
    struct board_slot *slot = board_slot(board, 1);
    struct worker_stats *stats = board_stats(board, 1);

    board_begin(board, 1, 77);
    assert_int_equal(atomic_load(&slot->state), WORKER_STARTING);
    assert_true(stat_get(&slot->since_ms) > 0);
    atomic_store(&stats->now.hook, HOOK_MESSAGE);
    stat_set(&stats->now.conn, 5);
    stat_set(&stats->sockets, 5);
    stat_set(&stats->timers, 5);
    stat_set(&stats->topics, 5);
    stat_set(&stats->jobs_queued, 5);
    stat_set(&stats->http_requests, 5);
    for (unsigned i = 0; i < ROUTES; i++) {
        stat_set(&stats->routes[i].connections, 5);
        stat_set(&stats->routes[i].messages_in, 5);
    }
    board_bury(board, 1);
    assert_int_equal(atomic_load(&slot->state), WORKER_DOWN);
    assert_int_equal(atomic_load(&slot->pid), 0);
    assert_int_equal(stat_get(&slot->incarnation), 1);
    assert_int_equal(atomic_load(&stats->now.hook), HOOK_NONE);
    assert_int_equal(stat_get(&stats->now.conn), 0);
    assert_int_equal(stat_get(&stats->sockets), 0);
    assert_int_equal(stat_get(&stats->timers), 0);
    assert_int_equal(stat_get(&stats->topics), 0);
    assert_int_equal(stat_get(&stats->jobs_queued), 0);
    assert_int_equal(stat_get(&stats->http_requests), 5);
    for (unsigned i = 0; i < ROUTES; i++) {
        assert_int_equal(stat_get(&stats->routes[i].connections), 0);
        assert_int_equal(stat_get(&stats->routes[i].messages_in), 5);
    }
}

/* One that gave way to another was not restarted. */
static void has_places_that_are_spare(void **state)
{
    struct board *board = *state;
    struct board_slot *slot = board_slot(board, 3);

    assert_int_equal(board->wanted, 4);
    board_spare(board, 3);
    assert_int_equal(board->wanted, 3);
    assert_int_equal(board->workers, 4);
    assert_int_equal(atomic_load(&slot->state), WORKER_SPARE);
    assert_int_equal(atomic_load(&board_slot(board, 2)->state), WORKER_DOWN);
    board_begin(board, 3, 77);
    stat_set(&board_stats(board, 3)->resident, 5);
    board_bury(board, 3);
    board_vacate(board, 3, true);
    assert_int_equal(atomic_load(&slot->state), WORKER_SPARE);
    assert_int_equal(stat_get(&board_stats(board, 3)->resident), 0);
    assert_int_equal(stat_get(&slot->incarnation), 1);
    assert_int_equal(board_restarts(board, 3), 0);
    board_bury(board, 3);
    board_vacate(board, 3, false);
    assert_int_equal(board_restarts(board, 3), 1);
}

static void counts_requests_of_a_worker(void **state)
{
    const struct board *board = *state;
    struct worker_stats *stats = board_stats(board, 1);

    assert_int_equal(board_requests(board, 1), 0);
    stat_set(&stats->http_requests, 1);
    stat_set(&stats->handshake_errors, 20);
    stat_set(&stats->routes[0].accepted, 300);
    stat_set(&stats->routes[ROUTES - 1].refused, 4000);
    stat_set(&stats->routes[0].messages_in, 50000);
    assert_int_equal(board_requests(board, 1), 4321);
    assert_int_equal(board_requests(board, 2), 0);
}

/* Connections of an address: those of a dead worker are gone. */
static void counts_addresses_over_workers(void **state)
{
    struct board *board = *state;
    struct board *second = board_create(2, ROUTES);
    struct addresses one = board_addresses(board, 0);
    struct addresses two = board_addresses(board, 1);
    struct addresses next;
    uint64_t key = address_key(board->seed, "192.0.2.1", 0);

    address_add(&one, key);
    address_add(&two, key);
    address_add(&two, key);
    assert_int_equal(board_address(board, key), 3);
    assert_int_equal(board_succeed(second, board), 0);
    assert_int_equal(second->seed, board->seed);
    next = board_addresses(second, 1);
    address_add(&next, key);
    assert_int_equal(board_address(second, key), 4);
    board_bury(board, 1);
    assert_int_equal(board_address(board, key), 1);
    assert_int_equal(board_address(second, key), 2);
    address_add(&two, key);
    assert_int_equal(board_address(board, key), 2);
    assert_int_equal(
        address_count(
            &(struct addresses){ board_connects(board).cells, board->seed },
            key),
        0);
    board_destroy(second);
}

static uint64_t accepted_of(const struct board *board, unsigned route)
{
    return board_sum_route(board, route,
                           offsetof(struct route_stats, accepted));
}

static void count(const struct board *board, unsigned worker, uint64_t open,
                  uint64_t accepted)
{
    struct worker_stats *stats = board_stats(board, worker);

    stat_set(&stats->routes[1].connections, open);
    stat_set(&stats->routes[1].accepted, accepted);
    stat_set(&stats->http_requests, accepted);
    stat_set(&stats->history_missed, accepted);
}

static void begins_where_it_is_told(void **state)
{
    struct board *board = board_create(2, 1), *next = board_create(2, 1);

    (void)state;
    board_begin_at(board, 1000);
    assert_int_equal(stat_get(&board_slot(board, 1)->incarnation), 1000);
    board_bury(board, 1);
    assert_int_equal(stat_get(&board_slot(board, 1)->incarnation), 1001);
    /* Its successor's clock may have gone back. */
    board_begin_at(next, 500);
    assert_int_equal(board_succeed(next, board), 0);
    assert_int_equal(next->incarnation, 1002);
    board_destroy(next);
    next = board_create(2, 1);
    board_begin_at(next, 2000);
    assert_int_equal(board_succeed(next, board), 0);
    assert_int_equal(next->incarnation, 2000);
    assert_int_equal(stat_get(&board_slot(next, 0)->incarnation), 2000);
    board_destroy(next);
    board_destroy(board);
}

/* Sums never go back, whoever leaves, and no incarnation comes twice. */
static void is_succeeded(void **state)
{
    size_t requests = offsetof(struct worker_stats, http_requests);
    size_t missed = offsetof(struct worker_stats, history_missed);
    struct board *first = *state;
    struct board *second = board_create(1, ROUTES);
    struct board *third = board_create(2, ROUTES);

    count(first, 0, 2, 10);
    count(first, 3, 1, 5);
    board_begin(first, 0, 7);
    board_bury(first, 1);
    assert_int_equal(board_succeed(second, first), 0);
    assert_int_equal(second->incarnation, 2);
    assert_true(second->seed == first->seed);
    assert_int_equal(stat_get(&board_slot(second, 0)->incarnation), 2);
    assert_int_equal(board_connections(second, 1), 3);
    assert_int_equal(accepted_of(second, 1), 15);
    count(second, 0, 4, 4);
    assert_int_equal(board_connections(second, 1), 7);
    assert_int_equal(board_all_connections(second), 7);
    assert_int_equal(accepted_of(second, 1), 19);
    for (unsigned i = 0; i < first->workers; i++) {
        board_bury(first, i);
    }
    assert_int_equal(board_connections(second, 1), 4);
    assert_int_equal(accepted_of(second, 1), 19);
    first->over = true;
    assert_int_equal(board_succeed(third, second), 0);
    assert_int_equal(third->older_count, 1); /* first was summed up */
    assert_int_equal(third->incarnation, 3);
    assert_int_equal(accepted_of(third, 1), 19);
    assert_int_equal(board_sum(third, requests), 19);
    assert_int_equal(board_sum(third, missed), 19);
    assert_int_equal(accepted_of(second, 1), 19);
    board_clear_route(third, 1);
    assert_int_equal(accepted_of(third, 1), 0);
    assert_int_equal(board_connections(third, 1), 0);
    assert_int_equal(board_sum(third, requests), 19);
    board_destroy(third);
    board_destroy(second);
}

static void names_its_places(void **state)
{
    const struct board *board = *state;

    assert_string_equal(board->names[2].name, "");
    board_name(board, 2, "lobby", "chat");
    board_name(board, 2, "lobby", "chat");
    assert_string_equal(board->names[2].before, "");
    board_name(board, 2, "lobby", "talk");
    assert_string_equal(board->names[2].plugin, "talk");
    assert_string_equal(board->names[2].before, "chat");
}

static void counts_crashes(void **state)
{
    const struct board *board = *state;

    board_count_crash(board, 2);
    board_count_crash(board, 2);
    assert_int_equal(
        board_sum_route(board, 2, offsetof(struct route_stats, crashes)), 2);
    assert_int_equal(
        board_sum_route(board, 1, offsetof(struct route_stats, crashes)), 0);
}

static void knows_its_memory(void **state)
{
    const struct board *board = *state;
    struct addresses addresses = board_addresses(board, 0);

    assert_true(board_holds(board, board_stats(board, 0)));
    assert_true(board_holds(board, board->shared));
    assert_true(board_holds(board, addresses.cells));
    assert_false(board_holds(board, board->shared + board->size));
    assert_false(board_holds(board, &addresses));
    assert_false(board_holds(board, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_where_it_is_told),
        cmocka_unit_test_setup_teardown(counts_crashes, make, unmake),
        cmocka_unit_test_setup_teardown(is_succeeded, make, unmake),
        cmocka_unit_test_setup_teardown(names_its_places, make, unmake),
        cmocka_unit_test_setup_teardown(begins_empty, make, unmake),
        cmocka_unit_test_setup_teardown(knows_its_memory, make, unmake),
        cmocka_unit_test_setup_teardown(keeps_slots_apart, make, unmake),
        cmocka_unit_test_setup_teardown(is_seen_by_other_processes, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(bears_any_bytes, make, unmake),
        cmocka_unit_test_setup_teardown(sums_over_workers, make, unmake),
        cmocka_unit_test_setup_teardown(
            buries_what_was_open_and_keeps_what_was_counted, make, unmake),
        cmocka_unit_test_setup_teardown(has_places_that_are_spare, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(counts_requests_of_a_worker, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(counts_addresses_over_workers, make,
                                        unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
