/* plusplus.cpp - the test library as C++ sees it */
#include <patchbay_test.h>

#include <string>

static int message(bay_conn *conn, const bay_message *msg)
{
    const std::string text(msg->data, msg->len);

    return bay_send_text(conn, text.data(), text.size());
}

static const bay_plugin plugin = {
    BAY_INIT,
    .name = "plusplus",
    .message = message,
};

int main()
{
    bay_test *test = bay_test_new(&plugin, "max_message = 1k");
    bay_client client = {};
    bay_peer *peer;

    client.headers = "X-A: b";
    peer = bay_test_connect_as(test, "/plusplus", &client);
    BAY_EXPECT_STATUS(peer, 101);
    bay_peer_text(peer, "hello");
    BAY_EXPECT_TEXT(peer, "hello");
    BAY_EXPECT_SILENT(peer);
    BAY_EXPECT_EQUAL(bay_test_free(test), 0);
    return bay_test_summary("plusplus");
}
