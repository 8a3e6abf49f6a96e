/* test_peers.c - who is there, and when one is taken to be gone */
#include "bus/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/id.h"

#define TTL 9000

struct told {
    bay_id worker;
    bool there;
};

static struct told told[64];
static size_t told_count;

static void tell(void *arg, bay_id worker, bool there)
{
    assert_ptr_equal(arg, told);
    assert_true(told_count < 64);
    told[told_count++] = (struct told){ worker, there };
}

static struct peers begin(void)
{
    told_count = 0;
    return (struct peers){ .ttl_ms = TTL, .told = tell, .arg = told };
}

/* The last word was this one, and nothing was said after it. */
static void expect(size_t count, bay_id worker, bool there)
{
    assert_int_equal(told_count, count);
    assert_true(told[count - 1].worker == worker);
    assert_int_equal(told[count - 1].there, there);
}

static bay_id worker(unsigned node, unsigned number, unsigned incarnation)
{
    return id_make(node, number, incarnation, 0);
}

static void is_there_until_silent_for_long(void **state)
{
    struct peers peers = begin();
    uint64_t now;

    (void)state;
    peers_look(&peers, 1000);
    assert_true(peers_seen(&peers, worker(2, 0, 1), 1, 1000));
    expect(1, worker(2, 0, 1), true);
    assert_true(peers_there(&peers, worker(2, 0, 1)));
    assert_false(peers_there(&peers, worker(2, 0, 2)));
    assert_true(peers_seen(&peers, worker(2, 0, 1), 1, 4000));
    for (now = 3000; now < 4000 + TTL; now += 3000) {
        peers_look(&peers, now);
    }
    assert_int_equal(told_count, 1);
    peers_look(&peers, 4000 + TTL);
    expect(2, worker(2, 0, 1), false);
    assert_int_equal(peers.there, 0);
    /* It was only away. */
    assert_true(peers_seen(&peers, worker(2, 0, 1), 1, 4000 + TTL + 1));
    expect(3, worker(2, 0, 1), true);
    peers_finish(&peers);
}

static void is_gone_when_it_is_said(void **state)
{
    struct peers peers = begin();

    (void)state;
    peers_gone(&peers, worker(2, 0, 1), 500); /* of whom nobody knew */
    assert_int_equal(told_count, 0);
    peers_seen(&peers, worker(2, 0, 1), 1, 1000);
    peers_gone(&peers, worker(2, 0, 1), 2000);
    expect(2, worker(2, 0, 1), false);
    peers_gone(&peers, worker(2, 0, 1), 2000);
    assert_int_equal(told_count, 2);
    /* What it had sent comes later. */
    assert_false(peers_seen(&peers, worker(2, 0, 1), 1, 2000));
    assert_false(
        peers_seen(&peers, worker(2, 0, 1), 1, 2000 + PEERS_REST_MS - 1));
    assert_int_equal(told_count, 2);
    /* It was not gone after all. */
    assert_true(peers_seen(&peers, worker(2, 0, 1), 1, 2000 + PEERS_REST_MS));
    expect(3, worker(2, 0, 1), true);
    peers_finish(&peers);
}

static void another_takes_its_place(void **state)
{
    struct peers peers = begin();

    (void)state;
    peers_seen(&peers, worker(2, 0, 65535), 1, 1000);
    peers_seen(&peers, worker(2, 1, 65535), 1, 1000);
    peers_seen(&peers, worker(3, 0, 65535), 1, 1000);
    /* Incarnations wrap. */
    assert_true(peers_seen(&peers, worker(2, 0, 0), 1, 1000));
    assert_int_equal(told_count, 5);
    assert_true(told[3].worker == worker(2, 0, 65535) && !told[3].there);
    expect(5, worker(2, 0, 0), true);
    /* What is left of an earlier one brings nobody back. */
    assert_false(peers_seen(&peers, worker(2, 0, 65534), 1, 1000));
    assert_false(peers_seen(&peers, worker(2, 0, 65535), 1, 1000));
    assert_int_equal(told_count, 5);
    assert_int_equal(peers.there, 3);
    peers_finish(&peers);
}

static void successors_live_beside_it(void **state)
{
    struct peers peers = begin();

    (void)state;
    peers_seen(&peers, worker(2, 0, 1), 1, 1000);
    peers_seen(&peers, worker(2, 0, 5), 2, 1000);
    assert_int_equal(told_count, 2);
    assert_true(peers_there(&peers, worker(2, 0, 1)));
    assert_true(peers_there(&peers, worker(2, 0, 5)));
    peers_finish(&peers);
}

/* It is this process that did not look. */
static void who_stood_still_does_not_judge(void **state)
{
    struct peers peers = begin();

    (void)state;
    peers_look(&peers, 1000);
    peers_seen(&peers, worker(2, 0, 1), 1, 1000);
    peers_look(&peers, 1000 + 10 * TTL);
    assert_int_equal(told_count, 1);
    peers_look(&peers, 1000 + 10 * TTL + 3000);
    assert_int_equal(told_count, 1);
    peers_look(&peers, 1000 + 10 * TTL + 6000);
    peers_look(&peers, 1000 + 10 * TTL + 9000);
    expect(2, worker(2, 0, 1), false);
    peers_finish(&peers);
}

static void the_gone_are_forgotten(void **state)
{
    struct peers peers = begin();
    unsigned i;

    (void)state;
    for (i = 0; i < 30; i++) {
        peers_seen(&peers, worker(2, i, 1), 1, 1000);
        peers_gone(&peers, worker(2, i, 1), 1000);
    }
    peers_look(&peers, 1000 + TTL);
    assert_null(peers.entries);
    peers_finish(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_there_until_silent_for_long),
        cmocka_unit_test(is_gone_when_it_is_said),
        cmocka_unit_test(another_takes_its_place),
        cmocka_unit_test(successors_live_beside_it),
        cmocka_unit_test(who_stood_still_does_not_judge),
        cmocka_unit_test(the_gone_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
