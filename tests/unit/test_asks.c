/* test_asks.c - questions put to workers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "proc/asks.h"

static struct poller poller;
static struct asks asks;
static bool down[4]; /* takes no order */
static bool spare[4], leaving[4];
static json_int_t told[4];
static size_t done_count;
static size_t answers, missing;
static int64_t limit;

bool crew_tell(struct crew *crew, unsigned worker, const json_t *order)
{
    (void)crew;
    if (down[worker]) {
        return false;
    }
    assert_string_equal(json_string_value(json_object_get(order, "do")), "x");
    told[worker] = json_integer_value(json_object_get(order, "id"));
    return true;
}

bool crew_is_spare(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return spare[worker];
}

bool crew_is_leaving(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return leaving[worker];
}

static void done(void *arg, const struct ask *ask)
{
    assert_ptr_equal(arg, &asks);
    done_count++;
    answers = json_array_size(ask->answers);
    missing = json_array_size(ask->missing);
    limit = ask->limit;
}

static int make(void **state)
{
    (void)state;
    asks_init(&asks, &poller);
    memset(down, 0, sizeof down);
    memset(spare, 0, sizeof spare);
    memset(leaving, 0, sizeof leaving);
    memset(told, 0, sizeof told);
    done_count = 0;
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    asks_finish(&asks);
    assert_null(poller.alarms);
    poller_finish(&poller);
    return 0;
}

static bool put(unsigned first, unsigned last)
{
    struct ask ask = { .done = done, .arg = &asks, .limit = 5 };

    return asks_put(&asks, first, last, json_pack("{s:s}", "do", "x"), &ask);
}

static void answer(unsigned worker, json_int_t id)
{
    json_t *json = json_object();

    asks_answered(&asks, worker, id, json);
    json_decref(json);
}

static void waits_for_all(void **state)
{
    (void)state;
    assert_true(put(0, 2));
    assert_int_equal(told[3], 0);
    answer(2, told[2]);
    answer(0, told[0]);
    answer(0, told[0]); /* twice */
    assert_int_equal(done_count, 0);
    answer(1, told[1]);
    assert_int_equal(done_count, 1);
    assert_int_equal(answers, 3);
    assert_int_equal(missing, 0);
    assert_int_equal(limit, 5);
    answer(1, told[1]); /* too late */
    answer(1, 0);
    answer(1, -1);
    assert_int_equal(done_count, 1);
}

static void does_not_wait_for_the_dead(void **state)
{
    (void)state;
    down[0] = true;
    assert_true(put(0, 2));
    answer(1, told[1]);
    asks_died(&asks, 1);
    assert_int_equal(done_count, 0);
    asks_died(&asks, 2);
    assert_int_equal(done_count, 1);
    assert_int_equal(answers, 1);
    assert_int_equal(missing, 2);
}

static void is_done_at_once_when_nobody_is_there(void **state)
{
    (void)state;
    down[3] = true;
    assert_true(put(3, 3));
    assert_int_equal(done_count, 1);
    assert_int_equal(missing, 1);
}

/* A place that nobody has does not keep silent, and who leaves has no part in a
 * reload. */
static void asks_only_whom_it_concerns(void **state)
{
    struct ask vital = { .done = done, .arg = &asks, .vital = true };

    (void)state;
    spare[0] = leaving[1] = true;
    down[0] = true;
    assert_true(put(0, 2));
    answer(1, told[1]);
    answer(2, told[2]);
    assert_int_equal(done_count, 1);
    assert_int_equal(answers, 2);
    assert_int_equal(missing, 0);
    told[1] = 0;
    assert_true(asks_put(&asks, 0, 2, json_pack("{s:s}", "do", "x"), &vital));
    assert_int_equal(told[1], 0);
    answer(2, told[2]);
    assert_int_equal(done_count, 2);
    assert_int_equal(answers, 1);
    assert_int_equal(missing, 0);
}

static void gives_up_in_time(void **state)
{
    (void)state;
    assert_true(put(0, 1));
    answer(0, told[0]);
    while (done_count == 0) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    assert_int_equal(answers, 1);
    assert_int_equal(missing, 1);
    answer(1, told[1]);
    assert_int_equal(done_count, 1);
}

static void bounds_their_number(void **state)
{
    json_int_t first;

    (void)state;
    assert_true(put(0, 0));
    first = told[0];
    for (size_t i = 1; i < ASKS_MAX; i++) {
        assert_true(put(0, 0));
    }
    assert_false(put(0, 0));
    answer(0, first);
    assert_int_equal(done_count, 1);
    assert_true(put(0, 0));
    assert_false(put(0, 0));
}

/* A reload has to be seen through, whatever else is asked. */
static void keeps_room_for_what_has_to_be_asked(void **state)
{
    struct ask ask = { .done = done, .arg = &asks, .vital = true };

    (void)state;
    for (size_t i = 0; i < ASKS_MAX; i++) {
        assert_true(put(0, 0));
    }
    assert_false(put(0, 0));
    for (size_t i = 0; i < ASKS_KEPT; i++) {
        assert_true(asks_put(&asks, 1, 1, json_pack("{s:s}", "do", "x"), &ask));
    }
    assert_false(asks_put(&asks, 1, 1, json_pack("{s:s}", "do", "x"), &ask));
    asks_died(&asks, 1);
    assert_int_equal(done_count, ASKS_KEPT);
    assert_false(put(0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waits_for_all, make, unmake),
        cmocka_unit_test_setup_teardown(does_not_wait_for_the_dead, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(is_done_at_once_when_nobody_is_there,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(asks_only_whom_it_concerns, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(gives_up_in_time, make, unmake),
        cmocka_unit_test_setup_teardown(bounds_their_number, make, unmake),
        cmocka_unit_test_setup_teardown(keeps_room_for_what_has_to_be_asked,
                                        make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
