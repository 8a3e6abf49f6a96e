/* test_unheard.c - workers that did not say what a reload has done in them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proc/reason.h"
#include "proc/unheard.h"

static struct generation generation;
static const char *deed;
static char why[REASON_SIZE];

bool crew_serves(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return worker == 2;
}

const char *crew_ended_by(const struct crew *crew, unsigned worker)
{
    (void)crew;
    assert_int_equal(worker, 1);
    return deed;
}

static int make(void **state)
{
    (void)state;
    generation.board = board_create(3, 1);
    board_name(generation.board, 0, "lobby", "chat");
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    board_destroy(generation.board);
    return 0;
}

static bool ask(int lost, int silent)
{
    return unheard_why(&generation, lost, silent, "all is well", why,
                       sizeof why);
}

static void finds_who_serves(void **state)
{
    json_t *missing = json_pack("[i, i, i]", 0, 2, 1);

    (void)state;
    assert_int_equal(unheard_find(NULL, missing), 2);
    json_array_remove(missing, 1);
    assert_int_equal(unheard_find(NULL, missing), -1);
    json_decref(missing);
}

static void tells_where_one_is(void **state)
{
    struct hook_now *now = &board_stats(generation.board, 2)->now;

    (void)state;
    assert_false(ask(1, 2));
    assert_non_null(strstr(why, "worker 2 does not answer, so everything"));
    atomic_store(&now->hook, HOOK_RELOAD);
    assert_true(ask(1, 2));
    assert_string_equal(why, "worker 2 does not answer: it is in the reload "
                             "hook of plugin chat, [route.lobby], and serves "
                             "nobody until that returns or is ended");
}

static void tells_what_one_died_of(void **state)
{
    (void)state;
    assert_false(ask(-1, -1));
    assert_string_equal(why, "");
    assert_false(ask(1, -1));
    assert_string_equal(why, "worker 1 died while it got ready, so everything "
                             "goes on as it was; try again");
    deed = "it fell";
    assert_true(ask(1, -1));
    assert_string_equal(why, "it fell; its clients have to connect again, all "
                             "is well");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_who_serves, make, unmake),
        cmocka_unit_test_setup_teardown(tells_where_one_is, make, unmake),
        cmocka_unit_test_setup_teardown(tells_what_one_died_of, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
