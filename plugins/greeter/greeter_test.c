/* greeter_test.c - the answer, and the three lines of the log */
#include <patchbay_test.h>

#include <inttypes.h>
#include <stdio.h>

/* The next line of the log that is not the host's is this, of that peer. */
static void expect_line(bay_test *test, const bay_peer *peer,
                        const char *before, const char *after)
{
    char line[256];

    snprintf(line, sizeof line, ": %s%" PRIu64 "%s", before, bay_peer_id(peer),
             after);
    BAY_EXPECT_LOG(test, line);
}

static void test_session(void)
{
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, "path = /");
    bay_peer *peer = bay_test_connect(test, "/", NULL);

    expect_line(test, peer, "server: handshake success with fd", "");
    BAY_EXPECT_SILENT(peer);

    bay_peer_text(peer, "client：hello，服务端");
    expect_line(test, peer, "receive from ",
                ":client：hello，服务端,opcode:1,fin:1");
    BAY_EXPECT_TEXT(peer, "this is server");
    BAY_EXPECT_SILENT(peer);

    bay_peer_leave(peer, BAY_CLOSE_NORMAL, NULL);
    BAY_EXPECT_CLOSED(peer, BAY_CLOSE_NORMAL);
    expect_line(test, peer, "client ", " closed");
    bay_test_free(test);
}

static void test_binary(void)
{
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, NULL);
    bay_peer *first = bay_test_connect(test, NULL, NULL);
    bay_peer *second = bay_test_connect(test, NULL, NULL);

    bay_peer_binary(second, "abc", 3);
    expect_line(test, second, "receive from ", ":abc,opcode:2,fin:1");
    BAY_EXPECT_TEXT(second, "this is server");
    BAY_EXPECT_SILENT(first);
    bay_test_free(test);
}

/* A long message is cut in the log, and what follows it is not. */
static void test_long(void)
{
    static char text[100000];
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, NULL);
    bay_peer *peer = bay_test_connect(test, NULL, NULL);

    for (size_t i = 0; i < sizeof text - 1; i++) {
        text[i] = 'x';
    }
    bay_peer_text(peer, text);
    BAY_EXPECT_LOG(test, "xxx,opcode:1,fin:1");
    BAY_EXPECT_TEXT(peer, "this is server");
    bay_test_free(test);
}

int main(void)
{
    test_session();
    test_binary();
    test_long();
    return bay_test_summary("greeter");
}
