/* test_pressure.c - clients that do not read, or are not there any more */
#include "puppet.h"

static int fill(bay_conn *conn, const bay_message *msg)
{
    char block[1000];
    int count = 0, status;

    (void)msg;
    memset(block, 'x', sizeof block);
    while ((status = bay_send_binary(conn, block, sizeof block)) == BAY_OK) {
        count++;
    }
    puppet_hears("%d of %s ", count, bay_strerror(status));
    return status == BAY_EFULL ? 0 : status;
}

static void drained(bay_conn *conn)
{
    puppet_hears("drained ");
    bay_send_text(conn, "more", 4);
}

static void full_and_drained(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "send_queue = 8k");
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = fill;
    puppet.drained = drained;
    bay_peer_take(peer, 0);
    bay_peer_text(peer, "go");
    BAY_EXPECT_STRING(puppet_heard(), "8 of queue full ");
    BAY_EXPECT_SILENT(peer);
    bay_peer_take(peer, 1500); /* a message, and half of another */
    BAY_EXPECT_EQUAL(bay_peer_forget(peer), 1);
    BAY_EXPECT_STRING(puppet_heard(), "");
    bay_peer_take(peer, BAY_ALL);
    BAY_EXPECT_STRING(puppet_heard(), "drained ");
    BAY_EXPECT_EQUAL(bay_peer_waiting(peer), 8);
    for (int i = 0; i < 7; i++) {
        BAY_EXPECT_EQUAL(bay_peer_next(peer)->len, 1000);
    }
    BAY_EXPECT_TEXT(peer, "more");
    bay_test_free(test);
}

/* In bytes one by one, nothing is lost or doubled. */
static void trickles(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = puppet_echo;
    bay_peer_take(peer, 0);
    bay_peer_text(peer, "first");
    bay_peer_text(peer, "second");
    for (int i = 0; i < 6; i++) {
        BAY_EXPECT_SILENT(peer);
        bay_peer_take(peer, 1);
    }
    BAY_EXPECT_SILENT(peer);
    bay_peer_take(peer, 1);
    BAY_EXPECT_TEXT(peer, "first");
    bay_peer_take(peer, 8);
    BAY_EXPECT_TEXT(peer, "second");
    bay_test_free(test);
}

/* What is sent meanwhile is delivered later, in order. */
static void is_not_read_from(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "send_queue = 4k");
    bay_peer *peer = puppet_connect(test);
    char block[1001] = { 0 };

    (void)state;
    puppet.message = puppet_echo;
    memset(block, 'x', sizeof block - 1);
    bay_peer_take(peer, 0);
    for (int i = 0; i < 10; i++) {
        block[0] = (char)('0' + i);
        BAY_EXPECT_EQUAL(bay_peer_text(peer, block), BAY_OK);
    }
    bay_peer_take(peer, BAY_ALL);
    for (int i = 0; i < 10; i++) {
        BAY_EXPECT_EQUAL(bay_peer_next(peer)->data[0], '0' + i);
    }
    bay_test_free(test);
}

static int subscribe(bay_conn *conn)
{
    return bay_subscribe(conn, "news");
}

static int publish(bay_conn *conn, const bay_message *msg)
{
    return bay_publish(bay_conn_route(conn), "news", msg->kind, msg->data,
                       msg->len, 0);
}

static void publish_until_full(bay_test *test, bay_peer *from)
{
    char block[1001] = { 0 };

    memset(block, 'x', sizeof block - 1);
    for (int i = 0; i < 20; i++) {
        bay_peer_text(from, block);
    }
    bay_test_advance(test, 0);
}

static void slow_subscriber_is_closed(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "send_queue = 8k");
    bay_peer *fast, *slow;

    (void)state;
    puppet.open = subscribe;
    puppet.message = publish;
    fast = puppet_connect(test);
    slow = puppet_connect(test);
    bay_peer_take(slow, 0);
    publish_until_full(test, fast);
    BAY_EXPECT_OPEN(slow); /* its Close waits behind the rest */
    bay_peer_take(slow, BAY_ALL);
    BAY_EXPECT_CLOSED(slow, BAY_CLOSE_TRY_LATER);
    BAY_EXPECT_EQUAL(bay_peer_waiting(fast), 20);
    bay_test_free(test);
}

static void slow_subscriber_misses_some(void **state)
{
    bay_test *test =
        bay_test_new(&puppet_plugin, "send_queue = 8k\nslow_peer = drop");
    bay_peer *fast, *slow;

    (void)state;
    puppet.open = subscribe;
    puppet.message = publish;
    fast = puppet_connect(test);
    slow = puppet_connect(test);
    bay_peer_take(slow, 0);
    publish_until_full(test, fast);
    bay_peer_take(slow, BAY_ALL);
    BAY_EXPECT_OPEN(slow);
    BAY_EXPECT_EQUAL(bay_peer_waiting(slow), 7);
    bay_test_free(test);
}

static int pauses(bay_conn *conn, const bay_message *msg)
{
    puppet_hears("%s ", msg->data);
    bay_pause(conn);
    bay_timer_set(bay_conn_route(conn), bay_conn_id(conn), 10);
    return 0;
}

static void resumes(bay_route *route, uint64_t key)
{
    bay_conn *conn = bay_route_find(route, key);

    if (conn != NULL) {
        bay_resume(conn);
    }
}

static void waits_while_paused(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *peer = puppet_connect(test);

    (void)state;
    puppet.message = pauses;
    puppet.timer = resumes;
    puppet.close = puppet_hears_close;
    bay_peer_text(peer, "one");
    bay_peer_text(peer, "two");
    bay_peer_leave(peer, 1000, NULL);
    BAY_EXPECT_STRING(puppet_heard(), "one ");
    bay_test_advance(test, 10);
    BAY_EXPECT_STRING(puppet_heard(), "two ");
    BAY_EXPECT_OPEN(peer);
    bay_test_advance(test, 10);
    BAY_EXPECT_STRING(puppet_heard(), "close:1000: ");
    bay_test_free(test);
}

static void is_unplugged(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "ping = 10s\nping_wait = 5s");
    bay_peer *here, *gone;

    (void)state;
    puppet.message = puppet_hears_message;
    puppet.close = puppet_hears_close;
    here = puppet_connect(test);
    gone = puppet_connect(test);
    bay_peer_unplug(gone);
    BAY_EXPECT_EQUAL(bay_peer_text(gone, "into the void"), BAY_OK);
    bay_test_advance(test, 14000);
    BAY_EXPECT_STRING(puppet_heard(), "");
    bay_test_advance(test, 2500);
    BAY_EXPECT_STRING(puppet_heard(), "close:1006:no pong ");
    BAY_EXPECT_CLOSED(gone, BAY_CLOSE_ABNORMAL);
    bay_test_advance(test, 60000);
    BAY_EXPECT_OPEN(here); /* it answers pings by itself */
    BAY_EXPECT_SILENT(here);
    bay_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(full_and_drained),
        PUPPET_TEST(trickles),
        PUPPET_TEST(is_not_read_from),
        PUPPET_TEST(slow_subscriber_is_closed),
        PUPPET_TEST(slow_subscriber_misses_some),
        PUPPET_TEST(waits_while_paused),
        PUPPET_TEST(is_unplugged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
