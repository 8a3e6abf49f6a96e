/* kept.c - a plugin of an older ABI in the test library of today */
#include <patchbay_test.h>

#include <stdio.h>
#include <string.h>

/* Since 1.1: presence and history. */
static void test_presence(const char *file)
{
    bay_test *test = bay_test_load(file, "history = 2");
    bay_peer *ann, *bob;

    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 1);
    ann = bay_test_connect(test, NULL, NULL);
    bob = bay_test_connect_as(test, NULL, &(bay_client){ .worker = 1 });
    bay_peer_text(ann, "watch room");
    BAY_EXPECT_TEXT(ann, "watch 0");
    bay_peer_text(bob, "unique room bob hello");
    BAY_EXPECT_TEXT(bob, "unique 0");
    BAY_EXPECT_TEXT(bob, "presence room 1 bob");
    BAY_EXPECT_TEXT(ann, "presence room 1 bob");
    bay_peer_text(ann, "join room ann");
    BAY_EXPECT_TEXT(ann, "join 0");
    BAY_EXPECT_TEXT(ann, "presence room 1 ann");
    BAY_EXPECT_TEXT(bob, "presence room 1 ann");
    bay_peer_text(ann, "members room");
    BAY_EXPECT_HAS(ann, "members 2 ");
    bay_peer_text(ann, "member room bob");
    BAY_EXPECT_HAS(ann, " bob 5 hello ");
    bay_peer_text(ann, "member room cid");
    BAY_EXPECT_TEXT(ann, "member (null)");
    bay_peer_text(bob, "leave room");
    BAY_EXPECT_TEXT(bob, "leave 0");
    BAY_EXPECT_TEXT(bob, "presence room 2 bob");
    BAY_EXPECT_TEXT(ann, "presence room 2 bob");
    bay_peer_text(ann, "unwatch room");
    BAY_EXPECT_TEXT(ann, "unwatch 0");

    bay_peer_text(bob, "pub room one");
    BAY_EXPECT_TEXT(bob, "pub 0");
    bay_peer_text(ann, "sub room");
    BAY_EXPECT_TEXT(ann, "sub 0");
    bay_peer_text(ann, "history room 10");
    BAY_EXPECT_TEXT(ann, "one");
    BAY_EXPECT_TEXT(ann, "history 0");
    bay_test_free(test);
}

/* usage: kept PLUGIN [MINOR VERSION] */
int main(int argc, char **argv)
{
    bay_test *test = argc > 1 ? bay_test_load(argv[1], NULL) : NULL;
    bay_peer *ann, *bob;

    if (!BAY_EXPECT(test != NULL)) {
        fprintf(stderr, "%s\n", bay_test_why());
        return bay_test_summary("kept");
    }
    ann = bay_test_connect(test, "/everything?hello=1", NULL);
    bob = bay_test_connect(test, "/everything", NULL);
    BAY_EXPECT_STRING(bay_peer_header(ann, "x-everything"), "handshake");
    BAY_EXPECT_HAS(ann, "hello ");
    bay_peer_text(ann, "echo hi");
    BAY_EXPECT_TEXT(ann, "hi");
    bay_peer_text(ann, "sendf");
    BAY_EXPECT_TEXT(ann, "sendf 42 -7 2.50 text %");
    bay_peer_text(ann, "conf limit");
    BAY_EXPECT_HAS(ann, "conf ");
    bay_peer_text(bob, "sub room");
    BAY_EXPECT_TEXT(bob, "sub 0");
    bay_peer_text(ann, "pub room news");
    BAY_EXPECT_TEXT(ann, "pub 0");
    BAY_EXPECT_TEXT(bob, "news");
    bay_peer_text(ann, "timer 7 50");
    BAY_EXPECT_TEXT(ann, "timer 0");
    bay_test_advance(test, 50);
    BAY_EXPECT_TEXT(ann, "fired 7");
    BAY_EXPECT_TEXT(bob, "fired 7");
    bay_peer_text(ann, "defer 1");
    bay_peer_text(ann, "messages");
    BAY_EXPECT_HAS(ann, "defer");
    BAY_EXPECT_EQUAL(bay_test_get(test, "/everything"), 200);
    bay_peer_text(bob, "unsub room");
    BAY_EXPECT_TEXT(bob, "unsub 0");
    bay_peer_text(ann, "close 4000 over");
    BAY_EXPECT(bay_peer_forget(ann) < 100);
    BAY_EXPECT_CLOSED(ann, 4000);
    bay_peer_leave(bob, BAY_CLOSE_NORMAL, NULL);
    bay_test_free(test);
    if (argc > 2 && strcmp(argv[2], "0") != 0) {
        test_presence(argv[1]);
    }
    return bay_test_summary("kept");
}
