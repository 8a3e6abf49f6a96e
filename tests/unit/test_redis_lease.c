/* test_redis_lease.c - whose number is it? */
#include "bus/redis_lease.h"

#include <sys/wait.h>

#include "fake_redis.h"

static void marks_tell_hosts_apart(void **state)
{
    char mine[LEASE_MARK], again[LEASE_MARK], other[LEASE_MARK], name[128];
    char host[65] = "";

    (void)state;
    redis_lease_mark(mine, 0x0123456789abcdef, getpid());
    redis_lease_mark(again, 0x0123456789abcdef, getpid());
    redis_lease_mark(other, 0xfedcba9876543210, getpid());
    assert_string_equal(mine, again);
    assert_string_not_equal(mine, other);
    assert_int_equal(strncmp(mine, "0123456789abcdef ", 17), 0);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    redis_lease_owner(mine, name, sizeof name);
    assert_non_null(strstr(name, ", process "));
    assert_int_equal(strncmp(name, host, strlen(host)), 0);
    redis_lease_owner("", name, sizeof name);
    assert_string_equal(name, "something that is no host of patchbay");
    redis_lease_owner("0 \n\x1b x", name, sizeof name);
    assert_string_equal(name, "something that is no host of patchbay");
}

static void knows_the_dead_of_this_machine(void **state)
{
    char mine[LEASE_MARK], other[LEASE_MARK], far[LEASE_MARK];
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        _exit(0);
    }
    redis_lease_mark(mine, 1, getpid());
    redis_lease_mark(other, 2, getppid());
    assert_false(redis_lease_is_dead(other, mine));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    redis_lease_mark(other, 2, pid);
    assert_true(redis_lease_is_dead(other, mine));
    /* Of another machine nothing is known. */
    snprintf(far, sizeof far, "%.200sx", other);
    assert_false(redis_lease_is_dead(far, mine));
    assert_false(redis_lease_is_dead("", mine));
    assert_false(redis_lease_is_dead("0000000000000002 h -1 m", mine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_tell_hosts_apart),
        cmocka_unit_test(knows_the_dead_of_this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
