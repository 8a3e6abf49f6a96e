/* chat_sync_test.c - one chat in several workers: crashes, losses, races */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_test_peer.h"

static bay_test *test;

/* Two workers that know each other. */
static void begin(const char *options)
{
    test = bay_test_new(&BAY_PLUGIN_SYMBOL, options);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 1);
    bay_test_advance(test, 5000);
}

static void end(void)
{
    forget_json();
    bay_test_free(test);
}

static bay_peer *connect_to(int worker, const char *target)
{
    const bay_client client = { .worker = worker };

    return bay_test_connect_as(test, target, &client);
}

static bay_peer *join(int worker, const char *target)
{
    bay_peer *peer = connect_to(worker, target);

    BAY_EXPECT_STATUS(peer, 101);
    EXPECT_TYPE(peer, "welcome");
    return peer;
}

static void test_one_room(void)
{
    bay_peer *ann, *bob, *eve;
    json_t *json;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann");
    bob = connect_to(1, "/chat?name=bob");
    json = EXPECT_TYPE(bob, "welcome");
    EXPECT_SIZE_AT(json, "members", 2);
    EXPECT_MOVED(ann, "join", "bob");
    eve = join(1, "/chat?name=eve&room=other");

    say(ann, "from 0");
    say(bob, "from 1");
    EXPECT_SAID(ann, "from 0");
    EXPECT_SAID(ann, "from 1");
    BAY_EXPECT_SILENT(ann);
    EXPECT_SAID(bob, "from 0");
    EXPECT_SAID(bob, "from 1");
    BAY_EXPECT_SILENT(bob);
    BAY_EXPECT_SILENT(eve);

    tell(ann, bob, "psst");
    EXPECT_AT(EXPECT_TYPE(bob, "private"), "text", "psst");
    EXPECT_TYPE(ann, "private");
    BAY_EXPECT_SILENT(eve);

    for (int worker = 0; worker < 2; worker++) {
        json = EXPECT_TYPE(
            connect_to(worker, worker ? "/chat?name=x" : "/chat?name=y"),
            "welcome");
        EXPECT_SIZE_AT(json, "history", 2);
        EXPECT_AT(json, "history.0.text", "from 0");
    }
    bay_peer_forget(ann);
    bay_peer_leave(bob, BAY_CLOSE_GOING_AWAY, NULL);
    EXPECT_MOVED(ann, "leave", "bob");
    BAY_EXPECT_SILENT(ann);
}

static void test_names_across(void)
{
    bay_peer *ann, *again, *bob;
    json_t *json;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann&key=k");
    bob = join(0, "/chat?name=bob");
    bay_peer_forget(ann);
    BAY_EXPECT_STATUS(connect_to(1, "/chat?name=ann"), 409);
    again = connect_to(1, "/chat?name=ann&key=k");
    json = EXPECT_TYPE(again, "welcome");
    EXPECT_SIZE_AT(json, "members", 2);
    BAY_EXPECT_CLOSED(ann, 4001);
    json = EXPECT_TYPE(bob, "join");
    EXPECT_AT(json, "replaces", id_of(ann));
    BAY_EXPECT_SILENT(bob);
    BAY_EXPECT_SILENT(again);
}

static void test_new_worker(void)
{
    bay_peer *ann, *bob;
    json_t *json;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    say(ann, "1");
    say(bob, "2");
    bay_peer_forget(ann);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 2);
    bay_test_advance(test, 60); /* its first beat */
    json = EXPECT_TYPE(connect_to(2, "/chat?name=cat"), "welcome");
    EXPECT_SIZE_AT(json, "members", 3);
    EXPECT_SIZE_AT(json, "history", 2);
    EXPECT_AT(json, "history.0.text", "1");
    EXPECT_AT(json, "history.1.text", "2");
    EXPECT_MOVED(ann, "join", "cat");
    BAY_EXPECT_SILENT(ann);
}

/* Who comes to a new worker before it has heard of the others is told later. */
static void test_early_bird(void)
{
    bay_peer *ann, *cat;
    json_t *json;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann");
    say(ann, "hello");
    bay_peer_forget(ann);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 2);
    bay_test_lose(test, 2, 1); /* nobody hears of the join */
    cat = connect_to(2, "/chat?name=cat");
    json = EXPECT_TYPE(cat, "welcome");
    EXPECT_SIZE_AT(json, "members", 1);
    bay_test_advance(test, 60);
    json = EXPECT_TYPE(cat, "members");
    EXPECT_SIZE_AT(json, "members", 2);
    json = EXPECT_TYPE(cat, "history");
    EXPECT_AT(json, "history.0.text", "hello");
    json = EXPECT_TYPE(ann, "members");
    EXPECT_SIZE_AT(json, "members", 2);
    say(cat, "hi");
    EXPECT_SAID(ann, "hi");
}

static void test_crash(void)
{
    bay_peer *ann, *bob, *again;
    json_t *json;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob&key=k");
    join(1, "/chat?name=cat");
    say(bob, "last words");
    bay_peer_forget(ann);
    bay_test_crash_worker(test, 1);
    BAY_EXPECT_EQUAL(bay_test_restart_worker(test, 1), BAY_OK);
    bay_test_advance(test, 100);
    BAY_EXPECT_SILENT(ann);

    /* one is back at once, and takes its old place */
    again = connect_to(1, "/chat?name=bob&key=k");
    json = EXPECT_TYPE(again, "welcome");
    EXPECT_SIZE_AT(json, "members", 2);
    EXPECT_AT(json, "history.0.text", "last words");
    json = EXPECT_TYPE(ann, "join");
    EXPECT_AT(json, "member.name", "bob");
    EXPECT_AT(json, "replaces", id_of(bob));

    /* of the other nothing is heard any more */
    bay_test_advance(test, 4500);
    BAY_EXPECT_SILENT(ann);
    bay_test_advance(test, 5000);
    EXPECT_MOVED(ann, "leave", "cat");
    BAY_EXPECT_SILENT(ann);
    bay_test_advance(test, 20000);
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(again);
}

static void test_lost_join_and_leave(void)
{
    bay_peer *ann, *bob;
    json_t *json;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann");
    bay_test_lose(test, 1, 1);
    bob = join(1, "/chat?name=bob");
    BAY_EXPECT_SILENT(ann);
    bay_test_advance(test, 2500);
    json = EXPECT_TYPE(ann, "members");
    EXPECT_SIZE_AT(json, "members", 2);
    BAY_EXPECT_SILENT(ann);

    bay_test_lose(test, 1, 1);
    bay_peer_leave(bob, BAY_CLOSE_GOING_AWAY, NULL);
    BAY_EXPECT_SILENT(ann);
    bay_test_advance(test, 2500);
    bay_peer_forget(bob);
    EXPECT_TYPE(ann, "members");
    EXPECT_MOVED(ann, "leave", "bob");
    BAY_EXPECT_SILENT(ann);
}

static void test_lost_message(void)
{
    bay_peer *ann, *bob;
    json_t *json;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    bay_peer_forget(ann);
    say(bob, "1");
    bay_test_lose(test, 1, 1);
    say(bob, "2");
    EXPECT_SAID(ann, "1");
    BAY_EXPECT_SILENT(ann);
    say(bob, "3"); /* its number shows the gap */
    EXPECT_SAID(ann, "3");
    EXPECT_TYPE(ann, "members");
    json = EXPECT_TYPE(ann, "history");
    EXPECT_SIZE_AT(json, "history", 3);
    EXPECT_AT(json, "history.1.text", "2");
    BAY_EXPECT_SILENT(ann);
    bay_peer_forget(bob);
    bay_test_advance(test, 10000); /* and that was all */
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(bob);
}

/* Who was stopped for a while must not take the others for dead. */
static void test_pause(void)
{
    bay_peer *ann, *bob;

    begin("chat.burst = 1000");
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    bay_peer_forget(ann);
    bay_test_stall(test, 60000);
    bay_test_advance(test, 10000);
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(bob);
}

/* Both workers let an ann in before they heard of the other's. */
static void test_name_race(void)
{
    bay_peer *first, *second;

    begin("chat.burst = 1000");
    bay_test_lose(test, 0, 1);
    first = join(0, "/chat?name=ann");
    second = join(1, "/chat?name=ann");
    BAY_EXPECT_SILENT(second);
    bay_test_advance(test, 2500);
    bay_peer_forget(first);
    EXPECT_ERROR(second, "name_taken");
    BAY_EXPECT_CLOSED(second, 4409);
    BAY_EXPECT_OPEN(first);
    say(first, "mine");
    EXPECT_SAID(first, "mine");
    BAY_EXPECT_STATUS(connect_to(1, "/chat?name=ann"), 409);
}

/* More than fits in one answer. */
static void test_pages(void)
{
    enum { ROOMS = 30 };
    char text[1800], target[64];
    json_t *json;

    begin("chat.burst = 1000");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < ROOMS; i++) {
        bay_peer *peer;

        snprintf(target, sizeof target, "/chat?room=r%d&name=ann", i);
        peer = join(0, target);
        for (int j = 0; j < 20; j++) {
            say(peer, text);
        }
    }
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 2);
    bay_test_advance(test, 60);
    for (int i = 0; i < ROOMS; i++) {
        snprintf(target, sizeof target, "/chat?room=r%d&name=bob", i);
        json = EXPECT_TYPE(connect_to(2, target), "welcome");
        EXPECT_SIZE_AT(json, "members", 2);
        EXPECT_SIZE_AT(json, "history", 20);
    }
}

static void test_no_room_for_more(void)
{
    bay_peer *peer;
    char target[64];

    begin("rooms = 3");
    for (int i = 0; i < 20; i++) {
        snprintf(target, sizeof target, "/chat?room=r%d&name=ann", i);
        peer = join(0, target);
        say(peer, "x");
        bay_peer_leave(peer, BAY_CLOSE_GOING_AWAY, NULL);
    }
    /* the other worker forgot the oldest, too */
    peer = connect_to(1, "/chat?room=r2&name=bob");
    EXPECT_SIZE_AT(EXPECT_TYPE(peer, "welcome"), "history", 0);
    peer = connect_to(1, "/chat?room=r19&name=bob");
    EXPECT_SIZE_AT(EXPECT_TYPE(peer, "welcome"), "history", 1);
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_one_room,
        test_names_across,
        test_new_worker,
        test_early_bird,
        test_crash,
        test_lost_join_and_leave,
        test_lost_message,
        test_pause,
        test_name_race,
        test_pages,
        test_no_room_for_more,
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i]();
        end();
    }
    return bay_test_summary("chat in several workers");
}
