/* test_publish.c - from one to many, to listeners, and to the bus and back */
#include "core_script.h"

static struct buf bus_heard;

static int bus_interest(void *self, const char *route, const char *topic,
                        bool on)
{
    (void)self;
    buf_addf(&bus_heard, "%s:%s:%s ", on ? "on" : "off", route, topic);
    return 0;
}

static int bus_publish(void *self, const char *route, const char *topic,
                       bay_kind kind, const void *data, size_t len,
                       bay_id except)
{
    (void)self;
    buf_addf(&bus_heard, "publish:%s:%s:%d:%.*s:%d ", route, topic, kind,
             (int)len, (const char *)data, (int)except);
    return BAY_EFULL; /* a sibling is stuck: not the publisher's fault */
}

static int bus_send_to(void *self, const char *route, bay_id id, bay_kind kind,
                       const void *data, size_t len)
{
    (void)self;
    (void)kind;
    buf_addf(&bus_heard, "send:%s:%llx:%.*s ", route, (unsigned long long)id,
             (int)len, (const char *)data);
    return 0;
}

static int bus_close_id(void *self, const char *route, bay_id id, int code,
                        const char *reason)
{
    (void)self;
    buf_addf(&bus_heard, "close:%s:%llx:%d:%s ", route, (unsigned long long)id,
             code, reason);
    return BAY_ENOTFOUND;
}

static unsigned bus_flushes;

static void bus_flush(void *self)
{
    (void)self;
    bus_flushes++;
}

static const struct bus bus = { .interest = bus_interest,
                                .publish = bus_publish,
                                .send_to = bus_send_to,
                                .close_id = bus_close_id,
                                .flush = bus_flush };

static const char *bus_said(void)
{
    static char text[1024];

    snprintf(text, sizeof text, "%s", bus_heard.data ? bus_heard.data : "");
    buf_clear(&bus_heard);
    return text;
}

static void to_all_but_one(void **state)
{
    struct peer peers[5];
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    for (int i = 0; i < 5; i++) {
        rig_connect(&peers[i], "/a");
        bay_subscribe(&peers[i].conn->handle, "t");
    }
    route = bay_conn_route(&peers[0].conn->handle);
    bay_publish(route, "t", BAY_TEXT, "hello", 5, peers[2].conn->id);
    bay_publish(route, "t", BAY_TEXT, "again", 5, 0);
    bay_publish(route, "nobody", BAY_TEXT, "x", 1, 0);
    core_turn(rig.core);
    for (int i = 0; i < 5; i++) {
        if (i != 2) {
            rig_expect_text(&peers[i], "hello");
        }
        rig_expect_text(&peers[i], "again");
        rig_expect_silence(&peers[i]);
        assert_int_equal(peers[i].writes, 1); /* both in one */
        rig_leave(&peers[i]);
    }
    script_heard();
}

static int publish_it(bay_conn *conn, const bay_message *msg)
{
    int status = bay_publish(bay_conn_route(conn), "t", msg->kind, msg->data,
                             msg->len, 0);

    buf_adds(&script.heard, "published ");
    return status;
}

/* The notice hook runs when the message hook has returned. */
static void notices(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_listen(bay_conn_route(&peer.conn->handle), "t");
    script.on_message = publish_it;
    script_heard();
    rig_say(&peer, "x");
    assert_string_equal(script_heard(),
                        "message:x published notice:t:x:local ");
    rig_leave(&peer);
    script_heard();
}

static void publish_again(bay_route *route, const bay_notice *notice)
{
    bay_publish(route, notice->topic, notice->kind, notice->data, notice->len,
                0);
}

/* A plugin that answers its own notices takes turns with everyone else. */
static void endless_notices(void **state)
{
    struct peer peer;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    bay_listen(route, "t");
    script.on_notice = publish_again;
    bay_publish(route, "t", BAY_TEXT, "x", 1, 0);
    core_turn(rig.core); /* returns */
    assert_int_equal(rig.wakes, 1);
    script.on_notice = NULL;
    core_turn(rig.core);
    rig_leave(&peer);
    script_heard();
}

static void over_the_bus(void **state)
{
    struct peer peer;
    bay_route *route;
    bay_id away = (bay_id)3 << 48 | 7;

    (void)state;
    core_set_bus(rig.core, &bus, NULL);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    script_heard();

    bay_subscribe(&peer.conn->handle, "t");
    bay_listen(route, "t");
    bay_listen(route, "u");
    assert_string_equal(bus_said(), "on:one:t on:one:u ");
    assert_int_equal(bay_publish(route, "t", BAY_TEXT, "x", 1, 1), BAY_OK);
    assert_string_equal(bus_said(), "publish:one:t:1:x:1 ");
    core_turn(rig.core);
    assert_string_equal(script_heard(), "notice:t:x:local ");

    assert_int_equal(bay_send_to(route, away, BAY_TEXT, "y", 1), BAY_OK);
    assert_int_equal(bay_close_id(route, away, 4000, NULL), BAY_ENOTFOUND);
    assert_string_equal(bus_said(), "send:one:3000000000007:y "
                                    "close:one:3000000000007:4000: ");
    assert_int_equal(bay_send_to(route, peer.conn->id, BAY_TEXT, "z", 1),
                     BAY_OK);
    assert_string_equal(bus_said(), "");
    core_turn(rig.core);
    rig_expect_text(&peer, "z");

    /* and what comes in */
    core_bus_publish(rig.core, "one", "t", BAY_TEXT, "in", 2, 0);
    core_bus_publish(rig.core, "nowhere", "t", BAY_TEXT, "in", 2, 0);
    core_bus_send(rig.core, "one", peer.conn->id, BAY_BINARY, "me", 2);
    core_bus_send(rig.core, "two", peer.conn->id, BAY_BINARY, "me", 2);
    core_bus_send(rig.core, "one", away, BAY_BINARY, "me", 2);
    core_turn(rig.core);
    rig_expect_text(&peer, "in");
    assert_int_equal(rig_frame(&peer, NULL), OPCODE_BINARY);
    rig_expect_silence(&peer);
    assert_string_equal(script_heard(), "notice:t:in:away ");
    core_bus_close(rig.core, "one", peer.conn->id, 4005, "bye");
    core_turn(rig.core);
    rig_expect_close(&peer, 4005);
    rig_leave(&peer);
    assert_string_equal(bus_said(), ""); /* t is still listened to */
    bay_unlisten(route, "t");
    assert_string_equal(bus_said(), "off:one:t ");
    core_set_bus(rig.core, NULL, NULL);
    buf_free(&bus_heard);
    script_heard();
}

/* A sibling knows of a subscription before the client hears anything. */
static void interest_goes_first(void **state)
{
    static char data[4096];
    struct peer peer;

    (void)state;
    core_set_bus(rig.core, &bus, NULL);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bus_flushes = 0;
    bay_subscribe(&peer.conn->handle, "t");
    bay_send_binary(&peer.conn->handle, data, sizeof data);
    assert_true(peer.out.len > 0); /* at once: a large one */
    assert_int_equal(bus_flushes, 1);
    bay_send_text(&peer.conn->handle, "x", 1);
    conn_flush(peer.conn);
    assert_int_equal(bus_flushes, 1);
    core_set_bus(rig.core, NULL, NULL);
    rig_leave(&peer);
    buf_free(&bus_heard);
    script_heard();
}

static void count_interest(void *arg, const char *route, const char *topic)
{
    struct buf *said = arg;

    buf_addf(said, "%s:%s ", route, topic);
}

static void every_interest(void **state)
{
    struct peer peer;
    struct buf said = { 0 };

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_subscribe(&peer.conn->handle, "first");
    bay_listen(bay_conn_route(&peer.conn->handle), "second");
    core_bus_each_interest(rig.core, count_interest, &said);
    assert_string_equal(said.data, "one:first one:second ");
    buf_free(&said);
    rig_leave(&peer);
    script_heard();
}

static void bad_arguments(void **state)
{
    struct peer peer;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    assert_int_equal(bay_publish(route, "", BAY_TEXT, "x", 1, 0), BAY_EINVAL);
    assert_int_equal(bay_publish(route, "t", 9, "x", 1, 0), BAY_EINVAL);
    assert_int_equal(bay_publish(route, "t", BAY_TEXT, NULL, 1, 0), BAY_EINVAL);
    assert_int_equal(bay_publish(route, "t", BAY_TEXT, "x", SEND_MAX + 1, 0),
                     BAY_ETOOBIG);
    assert_int_equal(bay_send_to(route, 0, BAY_TEXT, "x", 1), BAY_EINVAL);
    assert_int_equal(bay_send_to(route, 99, BAY_TEXT, "x", 1), BAY_ENOTFOUND);
    assert_int_equal(bay_close_id(route, 99, 4000, ""), BAY_ENOTFOUND);
    assert_int_equal(bay_close_id(route, 99, 1006, ""), BAY_EINVAL);
    rig_leave(&peer);
    script_heard();
}

static int publish_much(bay_conn *conn, const bay_message *msg)
{
    static char data[1 << 20];
    bay_route *route = bay_conn_route(conn);
    int taken = 0, status;

    (void)msg;
    while ((status = bay_publish(route, "t", BAY_BINARY, data, sizeof data,
                                 0)) == BAY_OK) {
        assert_true(++taken < 100);
    }
    assert_int_equal(status, BAY_EFULL);
    assert_int_equal(taken, 63); /* of 1 MiB and a little, in 64 MiB */
    return 0;
}

/* Notices wait for their hook in memory, and not without end. */
static void no_more_notices_than_fit(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_listen(bay_conn_route(&peer.conn->handle), "t");
    script.on_message = publish_much;
    rig_say(&peer, "once");
    assert_int_equal(stat_get(&rig.stats->routes[0].dropped), 1);
    assert_int_equal(rig.core->notice_bytes, 0);
    rig_say(&peer, "and again");
    rig_leave(&peer);
    script_heard();
}

/* Many small ones of a turn lie in few pieces, and arrive in order. */
static void a_burst(void **state)
{
    static char data[1000];
    struct peer peer;
    bay_route *route;

    (void)state;
    rig_route("/a", &script_plugin)->limits.send_queue = 1 << 20;
    rig_connect(&peer, "/a");
    bay_subscribe(&peer.conn->handle, "t");
    route = bay_conn_route(&peer.conn->handle);
    for (int i = 0; i < 100; i++) {
        memset(data, 'a' + i % 26, sizeof data);
        bay_publish(route, "t", BAY_TEXT, data, sizeof data, 0);
    }
    assert_in_range(peer.conn->sendq.nodes, 1, 10);
    core_turn(rig.core);
    for (int i = 0; i < 100; i++) {
        struct buf got;

        assert_int_equal(rig_frame(&peer, &got), OPCODE_TEXT);
        assert_int_equal(got.len, sizeof data);
        assert_int_equal(got.data[0], 'a' + i % 26);
        assert_int_equal(got.data[sizeof data - 1], 'a' + i % 26);
    }
    rig_expect_silence(&peer);
    rig_leave(&peer);
    script_heard();
}

/* A sibling's plugin cannot know that a queue here is full. */
static void sent_by_a_sibling_to_a_full_queue(void **state)
{
    static char data[3000];
    struct conf_route *route;

    (void)state;
    route = rig_route("/a", &script_plugin);
    route->limits.send_queue = 4096;
    for (int drop = 0; drop < 2; drop++) {
        struct peer peer;

        route->limits.slow_peer = drop ? CONF_SLOW_DROP : CONF_SLOW_CLOSE;
        rig_connect(&peer, "/a");
        peer.room = 0;
        for (int i = 0; i < 2; i++) {
            core_bus_send(rig.core, "one", peer.conn->id, BAY_BINARY, data,
                          sizeof data);
        }
        core_turn(rig.core);
        rig_give_room(&peer, SIZE_MAX);
        assert_int_equal(rig_frame(&peer, NULL), OPCODE_BINARY);
        if (!drop) {
            rig_expect_close(&peer, 1013);
        }
        rig_expect_silence(&peer);
        rig_leave(&peer);
    }
    assert_int_equal(stat_get(&rig.stats->routes[0].dropped), 1);
    assert_int_equal(stat_get(&rig.stats->routes[0].slow_closed), 1);
    script_heard();
}

static int subscribe_and_answer(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    bay_subscribe(conn, "t");
    return bay_send_text(conn, "subscribed", 10);
}

/* Also when a queue goes out in the middle of a turn, as another speaks. */
static void interest_goes_first_in_a_turn(void **state)
{
    struct peer peers[2];

    (void)state;
    core_set_bus(rig.core, &bus, NULL);
    rig_route("/a", &script_plugin);
    rig_connect(&peers[0], "/a");
    rig_connect(&peers[1], "/a");
    script.on_message = subscribe_and_answer;
    bus_flushes = 0;
    conn_receive(peers[0].conn, BAY_TEXT, true, true, "x", 1, 0);
    assert_int_equal(bus_flushes, 0);
    rig_expect_silence(&peers[0]);
    conn_receive(peers[1].conn, BAY_TEXT, true, true, "x", 1, 0);
    rig_expect_text(&peers[0], "subscribed");
    assert_int_equal(bus_flushes, 1);
    core_turn(rig.core);
    core_set_bus(rig.core, NULL, NULL);
    rig_leave(&peers[0]);
    rig_leave(&peers[1]);
    buf_free(&bus_heard);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(to_all_but_one),
        SCRIPT_TEST(notices),
        SCRIPT_TEST(endless_notices),
        SCRIPT_TEST(over_the_bus),
        SCRIPT_TEST(interest_goes_first),
        SCRIPT_TEST(every_interest),
        SCRIPT_TEST(bad_arguments),
        SCRIPT_TEST(no_more_notices_than_fit),
        SCRIPT_TEST(a_burst),
        SCRIPT_TEST(sent_by_a_sibling_to_a_full_queue),
        SCRIPT_TEST(interest_goes_first_in_a_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
