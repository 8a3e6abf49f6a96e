/* chat_reload_test.c - other options and other code under a chat that goes on */
#include <string.h>

#include "chat_test_peer.h"

static bay_test *test;

/* Other versions with the same state, as far as the host can tell. */
static bay_plugin later, last;

static void begin(const char *options)
{
    later = BAY_PLUGIN_SYMBOL;
    later.version = "1.0.1";
    last = BAY_PLUGIN_SYMBOL;
    last.version = "1.0.2";
    test = bay_test_new(&BAY_PLUGIN_SYMBOL, options);
}

static void end(void)
{
    forget_json();
    bay_test_free(test);
}

static bay_peer *join(int worker, const char *target)
{
    const bay_client client = { .worker = worker };
    bay_peer *peer = bay_test_connect_as(test, target, &client);

    BAY_EXPECT_STATUS(peer, 101);
    EXPECT_TYPE(peer, "welcome");
    return peer;
}

static void expect_way(const char *way, size_t kept)
{
    BAY_EXPECT_STRING(bay_test_reloaded(test)->way, way);
    BAY_EXPECT_EQUAL(bay_test_reloaded(test)->kept, kept);
    BAY_EXPECT_EQUAL(bay_test_reloaded(test)->closed, 0);
}

static void test_options(void)
{
    bay_peer *ann;

    begin(NULL);
    ann = join(0, "/chat?name=ann");
    say(ann, "123456");
    EXPECT_SAID(ann, "123456");
    BAY_EXPECT_EQUAL(bay_test_reload(test, NULL, "max_text = 5"), BAY_OK);
    expect_way("options", 1);
    say(ann, "123456");
    EXPECT_ERROR(ann, "too_long");
    say(ann, "12345");
    EXPECT_SAID(ann, "12345");
}

/* Who is there, what was said, whose mailbox is whose: all is as it was. */
static void test_new_code(void)
{
    bay_peer *ann, *bob, *cat;

    begin("history = 10");
    ann = join(0, "/chat?name=ann&key=secret");
    bob = join(0, "/chat?name=bob");
    say(ann, "before");
    bay_peer_forget(ann);
    bay_peer_forget(bob);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &later, "history = 10"), BAY_OK);
    expect_way("swapped", 2);
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(bob);

    say(ann, "after");
    EXPECT_SAID(ann, "after");
    EXPECT_SAID(bob, "after");
    tell(bob, "ann", "psst");
    EXPECT_AT(EXPECT_TYPE(ann, "private"), "text", "psst");

    BAY_EXPECT_CLOSED(bay_test_connect(test, "/chat?name=ann", NULL), 4409);
    cat = bay_test_connect(test, "/chat?name=cat", NULL);
    EXPECT_SIZE_AT(EXPECT_TYPE(cat, "welcome"), "members", 3);
    EXPECT_SAID(cat, "before");
    EXPECT_SAID(cat, "after");

    BAY_EXPECT_EQUAL(bay_test_reload(test, &last, "history = 10"), BAY_OK);
    expect_way("swapped", 3);
    bay_peer_forget(bob);
    bay_peer_forget(cat);
    bay_peer_leave(ann, BAY_CLOSE_NORMAL, NULL);
    EXPECT_MOVED(bob, "leave", "ann");
    EXPECT_MOVED(cat, "leave", "ann");
}

/* Nobody in other workers is told anything. */
static void test_workers(void)
{
    bay_peer *ann, *bob;

    begin(NULL);
    bay_test_add_worker(test);
    ann = join(0, "/chat?name=ann");
    bob = join(1, "/chat?name=bob");
    bay_peer_forget(ann);
    bay_peer_forget(bob);
    BAY_EXPECT_EQUAL(bay_test_reload(test, &later, "members = 100"), BAY_OK);
    expect_way("swapped", 2);
    bay_test_advance(test, 20000);
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(bob);
    say(ann, "from 0");
    EXPECT_SAID(bob, "from 0");
    say(bob, "from 1");
    EXPECT_SAID(ann, "from 0");
    EXPECT_SAID(ann, "from 1");
    join(1, "/chat?name=cat");
    EXPECT_MOVED(ann, "join", "cat");
}

/* A version that keeps something else: who is in goes on with the old one, and
 * the two are one chat all the same. */
static void test_another_state(void)
{
    bay_peer *ann, *bob;

    begin(NULL);
    ann = join(0, "/chat?name=ann");
    later.state_version++;
    BAY_EXPECT_EQUAL(bay_test_reload(test, &later, NULL), BAY_OK);
    BAY_EXPECT_STRING(bay_test_reloaded(test)->way, "replaced");
    BAY_EXPECT_EQUAL(bay_test_reloaded(test)->outdated, 1);
    /* of whom the new code knows nobody yet */
    BAY_EXPECT_CLOSED(bay_test_connect(test, "/chat?name=ann", NULL), 4409);
    bob = bay_test_connect(test, "/chat?name=bob", NULL);
    EXPECT_SIZE_AT(EXPECT_TYPE(bob, "welcome"), "members", 2);
    EXPECT_MOVED(ann, "join", "bob");
    say(ann, "still here");
    say(bob, "hello");
    EXPECT_SAID(ann, "still here");
    EXPECT_SAID(ann, "hello");
    EXPECT_SAID(bob, "still here");
    EXPECT_SAID(bob, "hello");
    BAY_EXPECT_CLOSED(bay_test_connect(test, "/chat?name=ann", NULL), 4409);
    bay_peer_leave(ann, BAY_CLOSE_NORMAL, NULL);
    EXPECT_MOVED(bob, "leave", "ann");
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_options,
        test_new_code,
        test_workers,
        test_another_state,
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i]();
        end();
    }
    return bay_test_summary("chat, reloaded");
}
