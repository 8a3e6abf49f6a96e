/* test_outcome.c - what a reload has done, of all workers together */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proc/outcome.h"

static json_t *make(const char *answers)
{
    json_t *list = json_loads(answers, 0, NULL);
    json_t *outcome;

    assert_non_null(list);
    outcome = outcome_make(list, 12, false);
    json_decref(list);
    assert_non_null(outcome);
    return outcome;
}

static void expect_text(const json_t *outcome, const char *expected)
{
    struct buf buf = { 0 };

    outcome_text(outcome, &buf);
    assert_string_equal(buf.data, expected);
    buf_free(&buf);
}

#define ROUTE(name, way, kept, outdated, closed, why)                   \
    "{\"route\":\"" name "\",\"plugin\":\"p\",\"way\":\"" way           \
    "\",\"kept\":" kept ",\"outdated\":" outdated ",\"closed\":" closed \
    ",\"why\":\"" why "\"}"
#define ANSWER(routes) "{\"ok\":true,\"routes\":[" routes "]}"

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void adds_the_workers_up(void **state)
{
    json_t *outcome =
        make("[" ANSWER(ROUTE("a", "swapped", "1", "0", "0", "") "," ROUTE(
            "b", "unchanged", "3", "0", "0",
            "")) "," ANSWER(ROUTE("b", "unchanged", "1", "0", "0",
                                  "") "," ROUTE("a", "swapped", "2", "0", "0",
                                                "")) "]");

    (void)state;
    assert_true(json_is_true(json_object_get(outcome, "ok")));
    assert_int_equal(number(outcome, "ms"), 12);
    assert_int_equal(number(outcome, "kept"), 7);
    assert_int_equal(json_array_size(json_object_get(outcome, "routes")), 2);
    expect_text(outcome, "reloaded in 12 ms, 7 connections kept\n"
                         "[route.a] plugin p: swapped, 3 connections kept\n");
    json_decref(outcome);
}

static void tells_who_is_not_kept(void **state)
{
    json_t *outcome = make(
        "[" ANSWER(ROUTE("a", "migrated", "1", "0", "1", "it broke") "," ROUTE(
            "b", "replaced", "0", "2", "0", "") "," ROUTE("c", "added", "0",
                                                          "0", "0", "")) "]");

    (void)state;
    expect_text(
        outcome,
        "reloaded in 12 ms, 1 connection kept, 2 left on old code, 1 closed\n"
        "[route.a] plugin p: migrated, 1 connection kept, 1 closed: it broke\n"
        "[route.b] plugin p: replaced, 2 left on old code\n"
        "[route.c] plugin p: added\n");
    json_decref(outcome);
}

/* One worker is enough, whichever it is. */
static void fails_with_a_route(void **state)
{
    json_t *outcome =
        make("[" ANSWER(ROUTE("a", "swapped", "1", "0", "0", "")) "," ANSWER(
            ROUTE("a", "failed", "1", "0", "0", "busy")) "]");

    (void)state;
    assert_true(json_is_false(json_object_get(outcome, "ok")));
    assert_string_equal(json_string_value(json_object_get(outcome, "error")),
                        "[route.a] plugin p: busy");
    json_decref(outcome);
}

/* A worker has foreign code in it: nonsense that it says does no harm. */
static void bears_nonsense(void **state)
{
    json_t *outcome = make("[" ANSWER(ROUTE(
        "a", "swapped", "9223372036854775807", "-1", "0",
        "")) "," ANSWER(ROUTE("a", "swapped", "9223372036854775807", "-1", "0",
                              "")) ",7,{\"routes\":[7,null,{\"why\":7}]},"
                                   "{\"routes\":7}]");

    (void)state;
    assert_int_equal(number(outcome, "kept"), UINT32_MAX);
    assert_int_equal(number(outcome, "outdated"), 0);
    json_decref(outcome);
}

static void tells_of_workers_that_are_replaced(void **state)
{
    struct conf_route routes[2][2] = {
        { { .name = (char[]){ "a" }, .plugin = (char[]){ "p" } },
          { .name = (char[]){ "b" }, .plugin = (char[]){ "q" }, .slot = 1 } },
        { { .name = (char[]){ "a" }, .plugin = (char[]){ "p" } },
          { .name = (char[]){ "c" }, .plugin = (char[]){ "r" }, .slot = 2 } },
    };
    struct conf now = { .routes = routes[0], .route_count = 2 };
    struct conf next = { .routes = routes[1], .route_count = 2 };
    struct board *board = board_create(1, 3);
    json_t *answers, *outcome;

    (void)state;
    stat_set(&board_stats(board, 0)->routes[0].connections, 3);
    stat_set(&board_stats(board, 0)->routes[1].connections, 1);
    answers = outcome_replaced(board, &now, &next);
    outcome = outcome_make(answers, 5, true);
    expect_text(outcome, "reloaded in 5 ms, 0 connections kept, 4 closed, "
                         "workers replaced\n"
                         "[route.a] plugin p: replaced, 3 closed\n"
                         "[route.c] plugin r: added\n"
                         "[route.b] plugin q: removed, 1 closed\n");
    json_decref(answers);
    json_decref(outcome);
    board_destroy(board);
}

static void finds_who_refuses(void **state)
{
    json_t *answers =
        json_pack("[{s:b}, {s:b, s:s}, {}]", "ok", 1, "ok", 0, "why", "busy");

    (void)state;
    assert_ptr_equal(outcome_refusal(answers), json_array_get(answers, 1));
    json_array_remove(answers, 1);
    assert_ptr_equal(outcome_refusal(answers), json_array_get(answers, 1));
    json_array_remove(answers, 1);
    assert_null(outcome_refusal(answers));
    json_decref(answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_the_workers_up),
        cmocka_unit_test(tells_who_is_not_kept),
        cmocka_unit_test(fails_with_a_route),
        cmocka_unit_test(bears_nonsense),
        cmocka_unit_test(tells_of_workers_that_are_replaced),
        cmocka_unit_test(finds_who_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
