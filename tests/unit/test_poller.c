/* test_poller.c - the master's loop */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/poller.h"

struct side {
    struct watch watch;
    int other;
    int calls;
};

static struct poller poller;
static char order[16];

static void heard(struct watch *watch, short revents)
{
    struct side *side = watch->arg;
    char byte;

    assert_int_equal(revents & POLLIN, POLLIN);
    assert_int_equal(read(watch->fd, &byte, 1), 1);
    side->calls++;
}

static void open_side(struct side *side,
                      void (*ready)(struct watch *watch, short revents))
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    side->calls = 0;
    side->other = ends[1];
    side->watch = (struct watch){
        .fd = ends[0], .events = POLLIN, .ready = ready, .arg = side
    };
    assert_int_equal(poller_add(&poller, &side->watch), 0);
}

static void close_side(struct side *side)
{
    poller_remove(&poller, &side->watch);
    close(side->watch.fd);
    close(side->other);
}

static void calls_who_is_ready(void **state)
{
    struct side sides[40];

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        open_side(&sides[i], heard);
    }
    assert_int_equal(write(sides[33].other, "x", 1), 1);
    assert_int_equal(poller_turn(&poller), 0);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(sides[i].calls, i == 33);
        close_side(&sides[i]);
    }
    poller_finish(&poller);
}

static struct side *victim;

static void removes_the_other(struct watch *watch, short revents)
{
    heard(watch, revents);
    poller_remove(&poller, &victim->watch);
}

/* Both are ready in the same turn; the first one's callback removes the
 * second, which must not be called with what may be freed memory. */
static void forgets_who_is_removed_meanwhile(void **state)
{
    struct side first, second;

    (void)state;
    open_side(&first, removes_the_other);
    open_side(&second, heard);
    victim = &second;
    assert_int_equal(write(first.other, "x", 1), 1);
    assert_int_equal(write(second.other, "x", 1), 1);
    assert_int_equal(poller_turn(&poller), 0);
    assert_int_equal(first.calls, 1);
    assert_int_equal(second.calls, 0);
    close_side(&first);
    close_side(&second);
    poller_finish(&poller);
}

static void ring(struct alarm_clock *alarm)
{
    strncat(order, alarm->arg, 1);
}

static void set_again(struct alarm_clock *alarm)
{
    ring(alarm);
    if (strlen(order) < 3) {
        poller_set_alarm(&poller, alarm, clock_now_ms() + 1);
    }
}

static void rings_in_order(void **state)
{
    struct alarm_clock a = { .ring = ring, .arg = (char[]){ "a" } };
    struct alarm_clock b = { .ring = ring, .arg = (char[]){ "b" } };
    struct alarm_clock c = { .ring = ring, .arg = (char[]){ "c" } };
    uint64_t now = clock_now_ms();

    (void)state;
    order[0] = 0;
    poller_set_alarm(&poller, &b, now + 20);
    poller_set_alarm(&poller, &a, now + 500000);
    poller_set_alarm(&poller, &c, now + 10);
    poller_set_alarm(&poller, &a, now + 1); /* moved */
    while (strlen(order) < 3) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    assert_string_equal(order, "acb");
    assert_true(clock_now_ms() >= now + 20);
    assert_null(poller.alarms);
    poller_finish(&poller);
}

static void lets_an_alarm_set_itself(void **state)
{
    struct alarm_clock a = { .ring = set_again, .arg = (char[]){ "a" } };
    struct alarm_clock never = { .ring = ring, .arg = (char[]){ "n" } };

    (void)state;
    order[0] = 0;
    poller_set_alarm(&poller, &never, clock_now_ms());
    poller_clear_alarm(&poller, &never);
    poller_clear_alarm(&poller, &never);
    poller_set_alarm(&poller, &a, clock_now_ms());
    while (strlen(order) < 3) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    assert_string_equal(order, "aaa");
    assert_false(a.set);
    poller_finish(&poller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_who_is_ready),
        cmocka_unit_test(forgets_who_is_removed_meanwhile),
        cmocka_unit_test(rings_in_order),
        cmocka_unit_test(lets_an_alarm_set_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
