/* echo_test.c - same opcode, same bytes */
#include <patchbay_test.h>

#include <stdlib.h>

static void expect_back(bay_test *test, bay_kind kind, const void *data,
                        size_t len)
{
    bay_peer *peer = bay_test_connect(test, NULL, NULL);

    BAY_EXPECT_STATUS(peer, 101);
    bay_peer_send(peer, kind, data, len);
    if (kind == BAY_TEXT) {
        BAY_EXPECT_TEXT(peer, data);
    } else {
        BAY_EXPECT_BINARY(peer, data, len);
    }
    BAY_EXPECT_SILENT(peer);
    BAY_EXPECT_OPEN(peer);
}

static void test_large(bay_test *test)
{
    size_t len = 16u << 20;
    char *data = malloc(len);

    for (size_t i = 0; i < len; i++) {
        data[i] = (char)(i * 7);
    }
    expect_back(test, BAY_BINARY, data, len);
    free(data);
}

/* Who does not read what comes back is not read from, either, and misses
 * nothing. */
static void test_slow_reader(void)
{
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, "send_queue = 4k");
    bay_peer *peer = bay_test_connect(test, NULL, NULL);

    bay_peer_take(peer, 0);
    for (int i = 0; i < 1000; i++) {
        bay_peer_text(peer, i % 2 == 0 ? "even" : "odd");
    }
    BAY_EXPECT_SILENT(peer);
    bay_peer_take(peer, BAY_ALL);
    for (int i = 0; i < 1000; i++) {
        BAY_EXPECT_TEXT(peer, i % 2 == 0 ? "even" : "odd");
    }
    BAY_EXPECT_SILENT(peer);
    BAY_EXPECT_OPEN(peer);
    bay_test_free(test);
}

static void test_out_of_memory(void)
{
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, NULL);
    bay_peer *peer = bay_test_connect(test, NULL, NULL);

    bay_test_fail(test, 1, BAY_ENOMEM);
    bay_peer_text(peer, "lost");
    BAY_EXPECT_SILENT(peer);
    BAY_EXPECT_CLOSED(peer, BAY_CLOSE_INTERNAL);
    bay_test_free(test);
}

/* It keeps nothing, so that any two versions go together. */
static void test_new_code(void)
{
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, NULL);
    bay_peer *peer = bay_test_connect(test, NULL, NULL);
    const bay_plugin later = BAY_PLUGIN_SYMBOL;

    BAY_EXPECT_EQUAL(bay_test_reload(test, &later, NULL), BAY_OK);
    BAY_EXPECT_STRING(bay_test_reloaded(test)->way, "swapped");
    bay_peer_text(peer, "still here");
    BAY_EXPECT_TEXT(peer, "still here");
    bay_test_free(test);
}

int main(void)
{
    bay_test *test = bay_test_new(&BAY_PLUGIN_SYMBOL, "max_message = 16m");

    expect_back(test, BAY_TEXT, "hello", 5);
    expect_back(test, BAY_TEXT, "", 0);
    expect_back(test, BAY_BINARY, "", 0);
    expect_back(test, BAY_BINARY, "\0\xff\0", 3);
    test_large(test);
    bay_test_free(test);
    test_slow_reader();
    test_out_of_memory();
    test_new_code();
    return bay_test_summary("echo");
}
