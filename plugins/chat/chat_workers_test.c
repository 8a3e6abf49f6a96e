/* chat_workers_test.c - one chat in several workers and machines: crashes,
 * losses, races */
#include <stdio.h>
#include <string.h>

#include "chat_test_peer.h"

static bay_test *test;

/* Two workers. */
static void begin(const char *options)
{
    test = bay_test_new(&BAY_PLUGIN_SYMBOL, options);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 1);
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
    bay_peer *ann, *bob, *cat, *eve;

    begin("history = 10");
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    /* the first of a room in a worker hears at once who is in others */
    EXPECT_SIZE_AT(EXPECT_TYPE(bob, "members"), "members", 2);
    EXPECT_MOVED(ann, "join", "bob");
    cat = connect_to(1, "/chat?name=cat");
    EXPECT_SIZE_AT(EXPECT_TYPE(cat, "welcome"), "members", 3);
    EXPECT_MOVED(ann, "join", "cat");
    EXPECT_MOVED(bob, "join", "cat");
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

    tell(ann, "bob", "psst");
    EXPECT_AT(EXPECT_TYPE(bob, "private"), "text", "psst");
    EXPECT_TYPE(ann, "private");
    BAY_EXPECT_SILENT(eve);

    for (int worker = 0; worker < 2; worker++) {
        bay_peer *peer = join(worker, worker ? "/chat?name=x" : "/chat?name=y");

        EXPECT_SAID(peer, "from 0");
        EXPECT_SAID(peer, "from 1");
    }
    bay_peer_forget(ann);
    bay_peer_leave(bob, BAY_CLOSE_GOING_AWAY, NULL);
    EXPECT_MOVED(ann, "leave", "bob");
    BAY_EXPECT_SILENT(ann);
}

static void test_names_across(void)
{
    bay_peer *ann, *again, *bob;

    begin(NULL);
    ann = join(0, "/chat?name=ann&key=secret");
    bob = join(0, "/chat?name=bob");
    join(1, "/chat?name=cat"); /* so that this worker knows who is in */
    BAY_EXPECT_CLOSED(connect_to(1, "/chat?name=ann"), 4409);
    bay_peer_forget(ann);
    bay_peer_forget(bob);
    again = join(1, "/chat?name=ann&key=secret");
    BAY_EXPECT_CLOSED(ann, 4001);
    EXPECT_AT(EXPECT_TYPE(bob, "leave"), "member.id", id_of(ann));
    EXPECT_AT(EXPECT_TYPE(bob, "join"), "member.id", id_of(again));
    BAY_EXPECT_SILENT(bob);
    BAY_EXPECT_OPEN(again);
}

/* A worker that knows nobody in the room yet lets one in, and hears then that
 * the name is another's. */
static void test_name_taken_elsewhere(void)
{
    bay_peer *ann, *other;

    begin(NULL);
    ann = join(0, "/chat?name=ann");
    bay_test_advance(test, 1000); /* the earlier one keeps it */
    other = connect_to(1, "/chat?name=ann");
    EXPECT_TYPE(other, "welcome");
    bay_peer_forget(other);
    BAY_EXPECT_CLOSED(other, 4409);
    BAY_EXPECT_SILENT(ann); /* nobody has come or gone */
    BAY_EXPECT_OPEN(ann);
    tell(ann, "ann", "still me");
    EXPECT_TYPE(ann, "private");
}

/* The same, but for one who comes back: it keeps what is its own. */
static void test_coming_back_elsewhere(void)
{
    bay_peer *ann, *again, *bob;

    begin(NULL);
    ann = join(0, "/chat?name=ann&key=secret");
    bob = join(0, "/chat?name=bob");
    bay_test_advance(test, 1000);
    again = join(1, "/chat?name=ann&key=secret");
    bay_peer_forget(ann);
    BAY_EXPECT_CLOSED(ann, 4001);
    bay_test_advance(test, 1000);
    BAY_EXPECT_OPEN(again);
    bay_peer_forget(again);
    bay_peer_forget(bob);
    tell(bob, "ann", "psst");
    EXPECT_TYPE(again, "private");
    /* and the name is this one's alone */
    BAY_EXPECT_CLOSED(connect_to(0, "/chat?name=ann"), 4409);
}

static void test_crash(void)
{
    bay_peer *ann, *again;

    begin("history = 10");
    ann = join(0, "/chat?name=ann");
    say(join(1, "/chat?name=bob&key=secret"), "last words");
    bay_peer_forget(ann);
    bay_test_crash_worker(test, 1);
    EXPECT_MOVED(ann, "leave", "bob");
    BAY_EXPECT_EQUAL(bay_test_restart_worker(test, 1), BAY_OK);
    again = join(1, "/chat?name=bob&key=secret");
    EXPECT_MOVED(ann, "join", "bob");
    EXPECT_SAID(again, "last words");
    EXPECT_SIZE_AT(EXPECT_TYPE(again, "members"), "members", 2);
    BAY_EXPECT_SILENT(ann);
}

/* Two machines of one worker each: 0 and far. */
static int begin_far(void)
{
    test = bay_test_new(&BAY_PLUGIN_SYMBOL, "history = 10");
    return bay_test_add_machine(test, 1);
}

static void test_machines(void)
{
    bay_peer *ann, *bob;
    int far = begin_far();

    ann = join(0, "/chat?name=ann&key=secret");
    say(ann, "before");
    bob = join(far, "/chat?name=bob");
    EXPECT_SAID(bob, "before");
    bay_peer_forget(ann);
    bay_peer_forget(bob);
    tell(bob, "ann", "psst");
    EXPECT_AT(EXPECT_TYPE(ann, "private"), "from.name", "bob");
    EXPECT_TYPE(bob, "private");
    BAY_EXPECT_CLOSED(connect_to(far, "/chat?name=Ann"), 4409);
    join(far, "/chat?name=ann&key=secret");
    BAY_EXPECT_CLOSED(ann, 4001);
}

/* While the machines do not hear of each other both let an ann in. */
static void test_cut_off(void)
{
    bay_peer *ann, *bob, *other;
    int far = begin_far();

    ann = join(0, "/chat?name=ann");
    bob = join(far, "/chat?name=bob");
    say(ann, "hello");
    bay_peer_forget(ann);
    bay_peer_forget(bob);
    bay_test_cut_machine(test, far, true);
    bay_test_advance(test, BAY_TEST_TTL);
    EXPECT_MOVED(ann, "leave", "bob");
    EXPECT_MOVED(bob, "leave", "ann");
    other = join(far, "/chat?name=ann");
    EXPECT_MOVED(bob, "join", "ann");
    say(ann, "on this side");
    EXPECT_SAID(ann, "on this side");
    BAY_EXPECT_SILENT(bob);

    bay_test_cut_machine(test, far, false);
    bay_test_advance(test, BAY_TEST_TTL);
    bay_peer_forget(other);
    BAY_EXPECT_CLOSED(other, 4409);
    BAY_EXPECT_OPEN(ann);
    BAY_EXPECT(has_got(bob, "on this side"));
    bay_peer_forget(ann);
    tell(bob, "ann", "there you are");
    EXPECT_TYPE(ann, "private");
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_one_room,
        test_names_across,
        test_name_taken_elsewhere,
        test_coming_back_elsewhere,
        test_crash,
        test_machines,
        test_cut_off,
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i]();
        end();
    }
    return bay_test_summary("chat in several workers");
}
