/* test_chat_sync.c - one chat in several workers: crashes, losses, races */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "chat_peer.h"

static struct fake *fake;

/* Two workers that know each other. */
static int begin(void **state)
{
    (void)state;
    fake = fake_create(&BAY_PLUGIN_SYMBOL, "/chat");
    fake_option(fake, "burst", "1000");
    assert_int_equal(fake_start(fake, 0), BAY_OK);
    assert_int_equal(fake_start(fake, 1), BAY_OK);
    fake_advance(fake, 5000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    expect(NULL, "");
    fake_destroy(fake);
    return 0;
}

static struct fake_peer *join(int worker, const char *target)
{
    struct fake_peer *peer = fake_connect(fake, worker, target);

    assert_int_equal(fake_status(peer), 101);
    expect(peer, "welcome");
    return peer;
}

static void test_one_room(void **state)
{
    struct fake_peer *ann, *bob, *eve;
    json_t *json;

    (void)state;
    ann = join(0, "/chat?name=ann");
    bob = fake_connect(fake, 1, "/chat?name=bob");
    json = expect(bob, "welcome");
    assert_int_equal(size_at(json, "members"), 2);
    expect_moved(ann, "join", "bob");
    eve = join(1, "/chat?name=eve&room=other");

    say(ann, "from 0");
    say(bob, "from 1");
    expect_said(ann, "from 0");
    expect_said(ann, "from 1");
    expect_nothing(ann);
    expect_said(bob, "from 0");
    expect_said(bob, "from 1");
    expect_nothing(bob);
    expect_nothing(eve);

    tell(ann, bob, "psst");
    assert_string_equal(string_at(expect(bob, "private"), "text"), "psst");
    expect(ann, "private");
    expect_nothing(eve);

    for (int worker = 0; worker < 2; worker++) {
        json = expect(fake_connect(fake, worker,
                                   worker ? "/chat?name=x" : "/chat?name=y"),
                      "welcome");
        assert_int_equal(size_at(json, "history"), 2);
        assert_string_equal(string_at(json, "history.0.text"), "from 0");
    }
    forget(ann);
    fake_leave(bob);
    expect_moved(ann, "leave", "bob");
    expect_nothing(ann);
}

static void test_names_across(void **state)
{
    struct fake_peer *ann, *again, *bob;
    json_t *json;

    (void)state;
    ann = join(0, "/chat?name=ann&key=k");
    bob = join(0, "/chat?name=bob");
    forget(ann);
    assert_int_equal(fake_status(fake_connect(fake, 1, "/chat?name=ann")), 409);
    again = fake_connect(fake, 1, "/chat?name=ann&key=k");
    json = expect(again, "welcome");
    assert_int_equal(size_at(json, "members"), 2);
    assert_int_equal(fake_closed(ann), 4001);
    json = expect(bob, "join");
    assert_string_equal(string_at(json, "replaces"), "1");
    expect_nothing(bob);
    expect_nothing(again);
}

static void test_new_worker(void **state)
{
    struct fake_peer *ann, *bob;
    json_t *json;

    (void)state;
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    say(ann, "1");
    say(bob, "2");
    forget(ann);
    assert_int_equal(fake_start(fake, 2), BAY_OK);
    fake_advance(fake, 60); /* its first beat */
    json = expect(fake_connect(fake, 2, "/chat?name=cat"), "welcome");
    assert_int_equal(size_at(json, "members"), 3);
    assert_int_equal(size_at(json, "history"), 2);
    assert_string_equal(string_at(json, "history.0.text"), "1");
    assert_string_equal(string_at(json, "history.1.text"), "2");
    expect_moved(ann, "join", "cat");
    expect_nothing(ann);
}

/* Who comes to a new worker before it has heard of the others is told later. */
static void test_early_bird(void **state)
{
    struct fake_peer *ann, *cat;
    json_t *json;

    (void)state;
    ann = join(0, "/chat?name=ann");
    say(ann, "hello");
    forget(ann);
    assert_int_equal(fake_start(fake, 2), BAY_OK);
    fake_lose(fake, 2, 1); /* nobody hears of the join */
    cat = fake_connect(fake, 2, "/chat?name=cat");
    json = expect(cat, "welcome");
    assert_int_equal(size_at(json, "members"), 1);
    fake_advance(fake, 60);
    json = expect(cat, "members");
    assert_int_equal(size_at(json, "members"), 2);
    json = expect(cat, "history");
    assert_string_equal(string_at(json, "history.0.text"), "hello");
    json = expect(ann, "members");
    assert_int_equal(size_at(json, "members"), 2);
    say(cat, "hi");
    expect_said(ann, "hi");
}

static void test_crash(void **state)
{
    struct fake_peer *ann, *bob, *again;
    json_t *json;

    (void)state;
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob&key=k");
    join(1, "/chat?name=cat");
    say(bob, "last words");
    forget(ann);
    fake_crash(fake, 1);
    assert_int_equal(fake_start(fake, 1), BAY_OK);
    fake_advance(fake, 100);
    expect_nothing(ann);

    /* one is back at once, and takes its old place */
    again = fake_connect(fake, 1, "/chat?name=bob&key=k");
    json = expect(again, "welcome");
    assert_int_equal(size_at(json, "members"), 2);
    assert_string_equal(string_at(json, "history.0.text"), "last words");
    json = expect(ann, "join");
    assert_string_equal(string_at(json, "member.name"), "bob");
    assert_string_equal(string_at(json, "replaces"), "2");

    /* of the other nothing is heard any more */
    fake_advance(fake, 4500);
    expect_nothing(ann);
    fake_advance(fake, 5000);
    expect_moved(ann, "leave", "cat");
    expect_nothing(ann);
    fake_advance(fake, 20000);
    expect_nothing(ann);
    expect_nothing(again);
}

static void test_lost_join_and_leave(void **state)
{
    struct fake_peer *ann, *bob;
    json_t *json;

    (void)state;
    ann = join(0, "/chat?name=ann");
    fake_lose(fake, 1, 1);
    bob = join(1, "/chat?name=bob");
    expect_nothing(ann);
    fake_advance(fake, 2500);
    json = expect(ann, "members");
    assert_int_equal(size_at(json, "members"), 2);
    expect_nothing(ann);

    fake_lose(fake, 1, 1);
    fake_leave(bob);
    expect_nothing(ann);
    fake_advance(fake, 2500);
    forget(bob);
    expect(ann, "members");
    expect_moved(ann, "leave", "bob");
    expect_nothing(ann);
}

static void test_lost_message(void **state)
{
    struct fake_peer *ann, *bob;
    json_t *json;

    (void)state;
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    forget(ann);
    say(bob, "1");
    fake_lose(fake, 1, 1);
    say(bob, "2");
    expect_said(ann, "1");
    expect_nothing(ann);
    say(bob, "3"); /* its number shows the gap */
    expect_said(ann, "3");
    expect(ann, "members");
    json = expect(ann, "history");
    assert_int_equal(size_at(json, "history"), 3);
    assert_string_equal(string_at(json, "history.1.text"), "2");
    expect_nothing(ann);
    forget(bob);
    fake_advance(fake, 10000); /* and that was all */
    expect_nothing(ann);
    expect_nothing(bob);
}

/* Who was stopped for a while must not take the others for dead. */
static void test_pause(void **state)
{
    struct fake_peer *ann, *bob;

    (void)state;
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    forget(ann);
    fake_suspend(fake, 60000);
    fake_advance(fake, 10000);
    expect_nothing(ann);
    expect_nothing(bob);
}

/* Both workers let an ann in before they heard of the other's. */
static void test_name_race(void **state)
{
    struct fake_peer *first, *second;

    (void)state;
    fake_lose(fake, 0, 1);
    first = join(0, "/chat?name=ann");
    second = join(1, "/chat?name=ann");
    expect_nothing(second);
    fake_advance(fake, 2500);
    forget(first);
    expect_error(second, "name_taken");
    assert_int_equal(fake_closed(second), 4409);
    assert_int_equal(fake_closed(first), 0);
    say(first, "mine");
    expect_said(first, "mine");
    assert_int_equal(fake_status(fake_connect(fake, 1, "/chat?name=ann")), 409);
}

/* More than fits in one answer. */
static void test_pages(void **state)
{
    enum { ROOMS = 30 };
    char text[1800], target[64];
    json_t *json;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < ROOMS; i++) {
        struct fake_peer *peer;

        snprintf(target, sizeof target, "/chat?room=r%d&name=ann", i);
        peer = join(0, target);
        for (int j = 0; j < 20; j++) {
            say(peer, text);
        }
    }
    assert_int_equal(fake_start(fake, 2), BAY_OK);
    fake_advance(fake, 60);
    for (int i = 0; i < ROOMS; i++) {
        snprintf(target, sizeof target, "/chat?room=r%d&name=bob", i);
        json = expect(fake_connect(fake, 2, target), "welcome");
        assert_int_equal(size_at(json, "members"), 2);
        assert_int_equal(size_at(json, "history"), 20);
    }
}

static void test_no_room_for_more(void **state)
{
    struct fake_peer *peer;
    char target[64];

    (void)state;
    fake_option(fake, "rooms", "3");
    fake_reload(fake, 0);
    fake_reload(fake, 1);
    for (int i = 0; i < 20; i++) {
        snprintf(target, sizeof target, "/chat?room=r%d&name=ann", i);
        peer = join(0, target);
        say(peer, "x");
        fake_leave(peer);
    }
    /* the other worker forgot the oldest, too */
    peer = fake_connect(fake, 1, "/chat?room=r2&name=bob");
    assert_int_equal(size_at(expect(peer, "welcome"), "history"), 0);
    peer = fake_connect(fake, 1, "/chat?room=r19&name=bob");
    assert_int_equal(size_at(expect(peer, "welcome"), "history"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(one_room),
        TEST(names_across),
        TEST(new_worker),
        TEST(early_bird),
        TEST(crash),
        TEST(lost_join_and_leave),
        TEST(lost_message),
        TEST(pause),
        TEST(name_race),
        TEST(pages),
        TEST(no_room_for_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
