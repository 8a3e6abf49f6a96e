/* @NAME@_test.c - the plugin in a host without a network */
#include <patchbay_test.h>

static void test_talk(bay_test *test)
{
    bay_peer *ann = bay_test_connect(test, "/@NAME@", NULL);
    bay_peer *bob = bay_test_connect(test, "/@NAME@", NULL);

    BAY_EXPECT_TEXT(ann, "hi from @NAME@");
    BAY_EXPECT_TEXT(bob, "hi from @NAME@");
    bay_peer_text(ann, "one");
    bay_peer_text(ann, "two");
    bay_peer_text(bob, "one");
    BAY_EXPECT_TEXT(ann, "1: one");
    BAY_EXPECT_TEXT(ann, "2: two");
    BAY_EXPECT_TEXT(bob, "1: one");
    BAY_EXPECT_SILENT(ann);

    bay_peer_binary(bob, "\1\2", 2);
    BAY_EXPECT_CLOSED(bob, BAY_CLOSE_UNSUPPORTED);
    bay_peer_leave(ann, BAY_CLOSE_NORMAL, NULL);
}

/* New code below an open connection: it keeps what was counted. */
static void test_reload(bay_test *test)
{
    const bay_plugin later = BAY_PLUGIN_SYMBOL;
    bay_peer *ann = bay_test_connect(test, "/@NAME@", NULL);

    BAY_EXPECT_TEXT(ann, "hi from @NAME@");
    bay_peer_text(ann, "one");
    BAY_EXPECT_TEXT(ann, "1: one");
    BAY_EXPECT_EQUAL(bay_test_reload(test, &later, "@NAME@.greeting = ho"),
                     BAY_OK);
    bay_peer_text(ann, "two");
    BAY_EXPECT_TEXT(ann, "2: two");
}

int main(void)
{
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, "@NAME@.greeting = hi");

    if (BAY_EXPECT(test != NULL)) {
        test_talk(test);
        test_reload(test);
        bay_test_free(test);
    }
    return bay_test_summary("@NAME@");
}
