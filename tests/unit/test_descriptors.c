/* test_descriptors.c - how many files a process may have open */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "proc/descriptors.h"

static struct conf_route routes[8];
static struct conf conf = { .routes = routes };

static void allow(unsigned workers, size_t count, uint32_t connections)
{
    conf.workers = workers;
    conf.route_count = count;
    for (size_t i = 0; i < count; i++) {
        routes[i].limits.connections = connections;
    }
}

static void follows_the_limits(void **state)
{
    (void)state;
    allow(1, 2, 1000);
    assert_in_range(descriptors_of_worker(&conf), 2001, 4000);
    allow(2, 2, 1000); /* few may all come to one worker */
    assert_in_range(descriptors_of_worker(&conf), 2001, 4000);
    allow(8, 2, 20000);
    assert_in_range(descriptors_of_worker(&conf), 10000, 12000);
}

/* Each connection that closes pays for all that could be open. */
static void does_not_grow_with_every_route(void **state)
{
    (void)state;
    allow(1, 1, 10000); /* the default */
    assert_in_range(descriptors_of_worker(&conf), 11000, 14000);
    allow(1, 8, 10000);
    assert_in_range(descriptors_of_worker(&conf), 12000, 14000);
    allow(2, 8, 10000);
    assert_in_range(descriptors_of_worker(&conf), 12000, 14000);
}

static void follows_the_largest_route(void **state)
{
    (void)state;
    allow(1, 8, 1000);
    routes[3].limits.connections = 20000;
    assert_in_range(descriptors_of_worker(&conf), 20001, 22000);
    assert_int_equal(descriptors_at_least(&conf), 20000);
    conf.workers = 4; /* its share of it, and as much again */
    assert_in_range(descriptors_of_worker(&conf), 12288, 14000);
    assert_int_equal(descriptors_at_least(&conf), 10000);
    allow(1, 1, 0); /* unlimited */
    assert_in_range(descriptors_of_worker(&conf), 65536, 70000);
    allow(1, 1, 300000);
    assert_in_range(descriptors_of_worker(&conf), 300001, 310000);
    assert_int_equal(descriptors_at_least(&conf), 300000);
}

/* More routes do not make it too few, a larger one does. */
static void suffices_for_the_largest_route(void **state)
{
    size_t got;

    (void)state;
    allow(1, 1, 10000);
    got = descriptors_of_worker(&conf);
    allow(1, 8, 10000);
    assert_true(descriptors_suffice(got, &conf));
    allow(1, 1, 10001);
    assert_false(descriptors_suffice(got, &conf));
    assert_true(descriptors_suffice(descriptors_of_worker(&conf), &conf));
}

static void has_room_for_every_listener(void **state)
{
    (void)state;
    allow(128, 1, 1);
    conf.listen_count = 32;
    assert_true(descriptors_of_master(&conf) > 128 * 34);
}

static void sets_the_soft_limit(void **state)
{
    struct rlimit limit;
    size_t got;

    (void)state;
    assert_int_equal(descriptors_limit(100), 100);
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(limit.rlim_cur, 100);
    assert_true(limit.rlim_max > 100); /* it can be raised again */
    assert_int_equal(descriptors_limit(200), 200);
    got = descriptors_limit((size_t)1 << 40);
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(limit.rlim_cur, got);
    assert_true(got >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_limits),
        cmocka_unit_test(does_not_grow_with_every_route),
        cmocka_unit_test(follows_the_largest_route),
        cmocka_unit_test(suffices_for_the_largest_route),
        cmocka_unit_test(has_room_for_every_listener),
        cmocka_unit_test(sets_the_soft_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
