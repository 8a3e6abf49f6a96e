/* test_receive.c - pieces become messages; what breaks a rule is closed */
#include "core_script.h"

/* A piece of one frame; rest is what the frame still has to come. */
static void piece(struct peer *peer, bay_kind kind, bool first, bool last,
                  const char *text, uint64_t rest)
{
    conn_receive(peer->conn, kind, first, last, text, strlen(text), rest);
}

static struct peer *open_peer(void)
{
    static struct peer peer;

    rig_connect(&peer, "/a");
    script_heard();
    return &peer;
}

static void assembled(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &script_plugin);
    peer = open_peer();
    piece(peer, BAY_TEXT, true, false, "He", 3);
    piece(peer, BAY_TEXT, false, false, "llo", 0);
    piece(peer, BAY_TEXT, false, false, "", 0);
    piece(peer, BAY_TEXT, false, true, "!", 0);
    piece(peer, BAY_BINARY, true, true, "", 0);
    assert_string_equal(script_heard(), "message:Hello! message: ");
    assert_int_equal(peer->conn->facts.messages_in, 2);
    assert_int_equal(peer->conn->facts.bytes_in, 6);
    rig_leave(peer);
}

static const bay_plugin pieces_plugin = {
    .name = "pieces",
    .flags = BAY_PIECES,
    .message = script_message,
};

static void handed_over_in_pieces(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &pieces_plugin);
    peer = open_peer();
    piece(peer, BAY_TEXT, true, false, "one", 3);
    piece(peer, BAY_TEXT, false, false, "two", 0);
    piece(peer, BAY_TEXT, false, true, "end", 0);
    assert_string_equal(script_heard(),
                        "message:one... message:two... message:end ");
    assert_int_equal(peer->conn->facts.messages_in, 1);
    rig_leave(peer);
}

static void too_big(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &script_plugin)->limits.max_message = 10;
    peer = open_peer();
    piece(peer, BAY_TEXT, true, true, "0123456789", 0);
    assert_string_equal(script_heard(), "message:0123456789 ");
    piece(peer, BAY_TEXT, true, true, "0123456789a", 0);
    core_turn(rig.core);
    rig_expect_close(peer, 1009);
    rig_leave(peer);

    peer = open_peer(); /* the sum of fragments */
    piece(peer, BAY_TEXT, true, false, "01234567", 0);
    piece(peer, BAY_TEXT, false, true, "89a", 0);
    core_turn(rig.core);
    rig_expect_close(peer, 1009);
    rig_leave(peer);

    peer = open_peer(); /* as soon as it is announced */
    piece(peer, BAY_BINARY, true, false, "0", UINT64_MAX);
    core_turn(rig.core);
    rig_expect_close(peer, 1009);
    rig_leave(peer);

    peer = open_peer(); /* even by a head alone */
    piece(peer, BAY_BINARY, true, false, "", 11);
    core_turn(rig.core);
    rig_expect_close(peer, 1009);
    rig_leave(peer);
    assert_int_equal(stat_get(&rig.stats->routes[0].protocol_errors), 4);
    assert_int_equal(stat_get(&rig.stats->routes[0].limits[LIMIT_MESSAGE]), 4);
    script_heard();
}

static void empty_fragments(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &script_plugin);
    peer = open_peer();
    piece(peer, BAY_TEXT, true, false, "", 0);
    for (int i = 1; i < 1024; i++) {
        piece(peer, BAY_TEXT, false, false, "", 0);
    }
    core_turn(rig.core);
    rig_expect_silence(peer);
    piece(peer, BAY_TEXT, false, false, "", 0);
    core_turn(rig.core);
    rig_expect_close(peer, 1009);
    rig_leave(peer);
    assert_int_equal(stat_get(&rig.stats->routes[0].limits[LIMIT_FRAGMENTS]),
                     1);
    script_heard();
}

/* So many bytes in fragments of that size. */
static void send_in(struct peer *peer, size_t total, size_t size)
{
    static const char bytes[4096];

    for (size_t at = 0; at < total; at += size) {
        conn_receive(peer->conn, BAY_BINARY, at == 0, at + size >= total, bytes,
                     size, 0);
    }
    core_turn(rig.core);
}

/* What an honest client splits a large message into, and what a mean one does.
 */
static void small_fragments_count(void **state)
{
    struct peer *peer;
    const struct route_stats *stats = &rig.stats->routes[0];

    (void)state;
    rig_route("/a", &script_plugin)->limits.max_message = 16 << 20;
    peer = open_peer();
    send_in(peer, 16 << 20, 4096);
    send_in(peer, 4 << 20, 64);
    send_in(peer, 1024 * 63, 63);
    rig_expect_silence(peer);
    assert_int_equal(stat_get(&stats->messages_in), 3);
    send_in(peer, 1025 * 63, 63);
    rig_expect_close(peer, 1009);
    rig_leave(peer);
    assert_int_equal(stat_get(&stats->limits[LIMIT_FRAGMENTS]), 1);
    script_heard();
}

static void as_many_as_the_route_says(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &script_plugin)->limits.fragments = 3;
    peer = open_peer();
    send_in(peer, 3, 1);
    rig_expect_silence(peer);
    send_in(peer, 4, 1);
    rig_expect_close(peer, 1009);
    rig_leave(peer);
    script_heard();
}

/* Many pieces of one frame are one fragment. */
static void slow_frame(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &script_plugin);
    peer = open_peer();
    piece(peer, BAY_TEXT, true, false, "x", 4999);
    for (unsigned i = 1; i < 5000; i++) {
        piece(peer, BAY_TEXT, false, i == 4999, "x", 4999 - i);
    }
    core_turn(rig.core);
    rig_expect_silence(peer);
    assert_int_equal(peer->conn->facts.messages_in, 1);
    rig_leave(peer);
    script_heard();
}

static void not_utf8(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &script_plugin);
    peer = open_peer();
    piece(peer, BAY_TEXT, true, false, "\xe2\x82", 1); /* a character split */
    piece(peer, BAY_TEXT, false, true, "\xac", 0);
    assert_string_equal(script_heard(), "message:\xe2\x82\xac ");
    piece(peer, BAY_BINARY, true, true, "\xff", 0); /* is no text */
    core_turn(rig.core);
    rig_expect_silence(peer);

    piece(peer, BAY_TEXT, true, false, "\xed\xa0", 100); /* a surrogate */
    core_turn(rig.core);
    rig_expect_close(peer, 1007); /* at once, in the middle of the frame */
    rig_leave(peer);

    peer = open_peer(); /* cut at the end */
    piece(peer, BAY_TEXT, true, false, "\xe2\x82", 0);
    piece(peer, BAY_TEXT, false, true, "", 0);
    core_turn(rig.core);
    rig_expect_close(peer, 1007);
    rig_leave(peer);
    script_heard();
}

/* After a fault nothing more is heard, whatever is still on its way. */
static void ignored_after_a_fault(void **state)
{
    struct peer *peer;

    (void)state;
    rig_route("/a", &script_plugin);
    peer = open_peer();
    piece(peer, BAY_TEXT, true, true, "\xff", 0);
    piece(peer, BAY_TEXT, true, true, "good", 0);
    core_turn(rig.core);
    rig_expect_close(peer, 1007);
    rig_expect_silence(peer);
    assert_string_equal(script_heard(), "");
    rig_leave(peer);
}

static int answer(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

/* The answers to one read go out in one write; to another who speaks in the
 * same turn, before it is served. */
static void answers_are_batched(void **state)
{
    struct peer one, two;

    (void)state;
    script.on_message = answer;
    rig_route("/a", &script_plugin);
    rig_connect(&one, "/a");
    rig_connect(&two, "/a");
    piece(&one, BAY_TEXT, true, true, "a", 0);
    piece(&one, BAY_TEXT, true, true, "b", 0);
    piece(&one, BAY_TEXT, true, true, "c", 0);
    rig_expect_silence(&one);
    piece(&two, BAY_TEXT, true, true, "d", 0);
    assert_int_equal(one.writes, 1);
    rig_expect_silence(&two);
    core_turn(rig.core);
    rig_expect_text(&one, "a");
    rig_expect_text(&one, "b");
    rig_expect_text(&one, "c");
    rig_expect_text(&two, "d");
    assert_int_equal(one.writes, 1);
    rig_leave(&one);
    rig_leave(&two);
    script_heard();
}

static const char *message_data;

static int keep_data(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    message_data = msg->data;
    return 0;
}

/* For the test library: a block of its own, not the one for all. */
static void copied_when_strict(void **state)
{
    struct peer peer;

    (void)state;
    rig.core->setup.strict = true;
    script.on_message = keep_data;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    rig_say(&peer, "x");
    assert_non_null(message_data);
    assert_ptr_not_equal(message_data, rig.core->scratch.data);
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open message:x close:1006: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(assembled),
        SCRIPT_TEST(handed_over_in_pieces),
        SCRIPT_TEST(too_big),
        SCRIPT_TEST(empty_fragments),
        SCRIPT_TEST(small_fragments_count),
        SCRIPT_TEST(as_many_as_the_route_says),
        SCRIPT_TEST(slow_frame),
        SCRIPT_TEST(not_utf8),
        SCRIPT_TEST(ignored_after_a_fault),
        SCRIPT_TEST(answers_are_batched),
        SCRIPT_TEST(copied_when_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
