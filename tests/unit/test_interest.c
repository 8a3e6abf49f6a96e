/* test_interest.c - which worker wants what */
#include "bus/interest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The workers that want a topic, as a list: "0 5 127". */
static const char *who(const struct interest *interest, const char *route,
                       const char *topic)
{
    static char out[512];
    const struct worker_set *set = interest_find(interest, route, topic);
    size_t len = 0;
    int worker;

    out[0] = '\0';
    if (!set) {
        return out;
    }
    for (worker = worker_set_next(set, 0); worker >= 0;
         worker = worker_set_next(set, (unsigned)worker + 1)) {
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%d",
                                len ? " " : "", worker);
    }
    assert_true(len > 0); /* nobody is NULL, not an empty set */
    return out;
}

static void a_set_holds_every_worker(void **state)
{
    struct worker_set set = { { 0 } };
    unsigned worker;

    (void)state;
    assert_true(worker_set_empty(&set));
    for (worker = 0; worker < CONF_MAX_WORKERS; worker++) {
        assert_false(worker_set_has(&set, worker));
        worker_set_add(&set, worker);
        assert_true(worker_set_has(&set, worker));
        assert_int_equal(worker_set_next(&set, 0), worker);
        assert_int_equal(worker_set_next(&set, worker), worker);
        assert_int_equal(worker_set_next(&set, worker + 1), -1);
        worker_set_remove(&set, worker);
        assert_true(worker_set_empty(&set));
    }
}

static void begins_and_ends(void **state)
{
    struct interest interest = { 0 };

    (void)state;
    assert_string_equal(who(&interest, "chat", "lobby"), "");
    assert_int_equal(interest_set(&interest, "chat", "lobby", 5, true), 0);
    assert_int_equal(interest_set(&interest, "chat", "lobby", 127, true), 0);
    assert_int_equal(interest_set(&interest, "chat", "lobby", 0, true), 0);
    assert_int_equal(interest_set(&interest, "chat", "lobby", 5, true), 0);
    assert_string_equal(who(&interest, "chat", "lobby"), "0 5 127");
    assert_string_equal(who(&interest, "chat", "lobb"), "");
    assert_string_equal(who(&interest, "chat2", "lobby"), "");

    assert_int_equal(interest_set(&interest, "chat", "lobby", 5, false), 0);
    assert_string_equal(who(&interest, "chat", "lobby"), "0 127");
    assert_int_equal(interest_set(&interest, "chat", "lobby", 5, false), 0);
    assert_int_equal(interest_set(&interest, "chat", "other", 5, false), 0);
    assert_int_equal(interest_set(&interest, "chat", "lobby", 0, false), 0);
    assert_int_equal(interest_set(&interest, "chat", "lobby", 127, false), 0);
    assert_string_equal(who(&interest, "chat", "lobby"), "");
    assert_int_equal(interest_count(&interest), 0);
    interest_finish(&interest);
}

static void route_and_topic_do_not_run_together(void **state)
{
    struct interest interest = { 0 };

    (void)state;
    interest_set(&interest, "ab", "c", 1, true);
    interest_set(&interest, "a", "bc", 2, true);
    interest_set(&interest, "abc", "", 3, true);
    interest_set(&interest, "", "abc", 4, true);
    assert_string_equal(who(&interest, "ab", "c"), "1");
    assert_string_equal(who(&interest, "a", "bc"), "2");
    assert_string_equal(who(&interest, "abc", ""), "3");
    assert_string_equal(who(&interest, "", "abc"), "4");
    assert_int_equal(interest_count(&interest), 4);
    interest_finish(&interest);
}

static void refuses_names_that_are_too_long(void **state)
{
    struct interest interest = { 0 };
    char name[3000];

    (void)state;
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(interest_set(&interest, "r", name, 1, true), -1);
    assert_int_equal(interest_set(&interest, name, "t", 1, true), -1);
    assert_null(interest_find(&interest, "r", name));
    assert_null(interest_find(&interest, name, "t"));
    name[1100] = '\0';
    assert_int_equal(interest_set(&interest, name, "t", 1, true), 0);
    assert_string_equal(who(&interest, name, "t"), "1");
    interest_finish(&interest);
}

static void forgets_a_worker(void **state)
{
    struct interest interest = { 0 };
    char topic[16];
    unsigned i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        snprintf(topic, sizeof topic, "t%u", i);
        interest_set(&interest, "r", topic, i % 3, true);
        interest_set(&interest, "r", topic, 100, true);
    }
    interest_forget(&interest, 1);
    assert_string_equal(who(&interest, "r", "t0"), "0 100");
    assert_string_equal(who(&interest, "r", "t1"), "100");
    assert_string_equal(who(&interest, "r", "t2"), "2 100");
    assert_int_equal(interest_count(&interest), 1000);
    interest_forget(&interest, 100);
    assert_string_equal(who(&interest, "r", "t1"), "");
    assert_int_equal(interest_count(&interest), 667);
    interest_finish(&interest);
}

static void learns_anew_without_a_gap(void **state)
{
    struct interest interest = { 0 };

    (void)state;
    interest_set(&interest, "r", "kept", 1, true);
    interest_set(&interest, "r", "ended", 1, true);
    interest_set(&interest, "r", "shared", 1, true);
    interest_set(&interest, "r", "shared", 2, true);

    interest_mark(&interest, 1);
    assert_string_equal(who(&interest, "r", "kept"), "1");
    assert_string_equal(who(&interest, "r", "ended"), "1");
    interest_set(&interest, "r", "kept", 1, true);
    interest_set(&interest, "r", "new", 1, true);
    interest_sweep(&interest, 1);

    assert_string_equal(who(&interest, "r", "kept"), "1");
    assert_string_equal(who(&interest, "r", "new"), "1");
    assert_string_equal(who(&interest, "r", "ended"), "");
    assert_string_equal(who(&interest, "r", "shared"), "2");

    /* Nothing is left over from the first round. */
    interest_sweep(&interest, 1);
    assert_string_equal(who(&interest, "r", "kept"), "1");
    /* Ended, and begun by another, between mark and sweep. */
    interest_mark(&interest, 1);
    interest_set(&interest, "r", "kept", 1, false);
    interest_set(&interest, "r", "kept", 3, true);
    interest_sweep(&interest, 1);
    assert_string_equal(who(&interest, "r", "kept"), "3");
    interest_finish(&interest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_holds_every_worker),
        cmocka_unit_test(begins_and_ends),
        cmocka_unit_test(route_and_topic_do_not_run_together),
        cmocka_unit_test(refuses_names_that_are_too_long),
        cmocka_unit_test(forgets_a_worker),
        cmocka_unit_test(learns_anew_without_a_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
