/* test_settle.c - a worker that takes another's place knows its siblings first
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "caught_log.h"
#include "proc/settle.h"

#define PLACES 4
#define SELF   3

static uv_loop_t loop;
static struct board *board;
static struct settle settle;
static bool known[PLACES];
static int done_count;

bool local_bus_knows(const struct local_bus *bus, unsigned worker)
{
    assert_ptr_equal(bus, &loop); /* any pointer would do */
    assert_true(worker < PLACES && worker != SELF);
    return known[worker];
}

static void done(void *arg)
{
    assert_ptr_equal(arg, &loop);
    done_count++;
}

static void be(unsigned worker, enum worker_state is)
{
    atomic_store(&board_slot(board, worker)->state, is);
}

static int make(void **state)
{
    (void)state;
    done_count = 0;
    known[0] = known[1] = known[2] = false;
    board = board_create(PLACES, 1);
    settle = (struct settle){ .arg = &loop, .done = done };
    uv_loop_init(&loop);
    settle_init(&settle, &loop, board, (const struct local_bus *)&loop, SELF);
    return caught_log_begin();
}

static int unmake(void **state)
{
    (void)state;
    settle_close(&settle);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    board_destroy(board);
    caught_log_end();
    return 0;
}

static void waits_for_those_that_have_clients(void **state)
{
    (void)state;
    be(0, WORKER_RUNNING);
    be(1, WORKER_DRAINING);
    be(2, WORKER_SPARE);
    settle_begin(&settle);
    uv_run(&loop, UV_RUN_ONCE);
    known[0] = true;
    uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(done_count, 0);
    known[1] = true;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done_count, 1);
    assert_string_equal(caught_log(), "");
}

static void does_not_wait_for_nobody(void **state)
{
    (void)state;
    be(0, WORKER_STARTING);
    be(1, WORKER_DOWN);
    be(SELF, WORKER_RUNNING);
    settle_begin(&settle);
    assert_int_equal(done_count, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done_count, 1);
}

static void needs_no_bus(void **state)
{
    (void)state;
    settle.bus = NULL;
    be(0, WORKER_RUNNING);
    settle_begin(&settle);
    assert_int_equal(done_count, 1);
}

static void gives_up_in_time(void **state)
{
    (void)state;
    be(1, WORKER_RUNNING);
    settle_begin(&settle);
    settle.until_ms = uv_now(&loop) + 20;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(done_count, 1);
    assert_int_equal(caught_log_count("worker 1 does not tell"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waits_for_those_that_have_clients, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(does_not_wait_for_nobody, make, unmake),
        cmocka_unit_test_setup_teardown(needs_no_bus, make, unmake),
        cmocka_unit_test_setup_teardown(gives_up_in_time, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
