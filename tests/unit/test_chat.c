/* test_chat.c - the chat in one worker: the door, talking, the limits */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "chat_peer.h"

static struct fake *fake;

static void begin_on(const char *path)
{
    fake = fake_create(&BAY_PLUGIN_SYMBOL, path);
}

static void start(void)
{
    assert_int_equal(fake_start(fake, 0), BAY_OK);
}

static void begin(void)
{
    begin_on("/chat");
    start();
}

static int end(void **state)
{
    (void)state;
    expect(NULL, "");
    fake_destroy(fake);
    return 0;
}

static struct fake_peer *join(const char *target)
{
    struct fake_peer *peer = fake_connect(fake, 0, target);

    assert_int_equal(fake_status(peer), 101);
    expect(peer, "welcome");
    return peer;
}

static int status_of(const char *target)
{
    return fake_status(fake_handshake(fake, 0, target));
}

/* ---- the door ---------------------------------------------------------- */

static void test_welcome(void **state)
{
    struct fake_peer *ann, *bob;
    json_t *json;

    (void)state;
    begin();
    ann = fake_connect(fake, 0, "/chat?name=ann");
    json = expect(ann, "welcome");
    assert_string_equal(string_at(json, "room"), "lobby");
    assert_string_equal(string_at(json, "you.name"), "ann");
    assert_string_equal(string_at(json, "you.id"), "1");
    assert_int_equal(size_at(json, "members"), 1);
    assert_int_equal(size_at(json, "history"), 0);
    assert_int_equal(integer_at(json, "limits.text"), 2000);
    assert_int_equal(integer_at(json, "limits.rate"), 3);
    assert_int_equal(integer_at(json, "limits.burst"), 10);
    expect_nothing(ann);

    bob = fake_connect(fake, 0, "/chat?name=bob&key=secret");
    json = expect(bob, "welcome");
    assert_int_equal(size_at(json, "members"), 2);
    assert_string_equal(string_at(json, "members.0.name"), "ann");
    assert_string_equal(string_at(json, "members.1.name"), "bob");
    expect_nothing(bob);
    json = expect(ann, "join");
    assert_string_equal(string_at(json, "member.name"), "bob");
    assert_string_equal(string_at(json, "member.id"), "2");
    assert_null(json_object_get(json_object_get(json, "member"), "key"));
    expect_nothing(ann);

    fake_leave(bob);
    expect_moved(ann, "leave", "bob");
    expect_nothing(ann);
}

static void test_rooms_by_query(void **state)
{
    struct fake_peer *ann, *bob, *cat;

    (void)state;
    begin();
    ann = join("/chat?name=ann&room=blue");
    bob = join("/chat?name=bob&room=blue");
    cat = join("/chat?name=ann&room=red"); /* names are per room */
    expect_moved(ann, "join", "bob");
    say(ann, "hello");
    expect_said(ann, "hello");
    expect_said(bob, "hello");
    expect_nothing(cat);
    expect_nothing(ann);
}

static void test_rooms_by_path(void **state)
{
    struct fake_peer *ann;

    (void)state;
    begin_on("/rooms/*");
    start();
    ann = fake_connect(fake, 0, "/rooms/caf%C3%A9?name=ann&room=other");
    assert_string_equal(string_at(expect(ann, "welcome"), "room"), "café");
    ann = fake_connect(fake, 0, "/rooms/?name=ann");
    assert_string_equal(string_at(expect(ann, "welcome"), "room"), "lobby");
    assert_int_equal(status_of("/rooms/%07?name=ann"), 400);
}

static void test_names(void **state)
{
    static const char *const bad[] = {
        "/chat",
        "/chat?name=",
        "/chat?name=%20%E3%80%80",              /* blanks, U+3000 */
        "/chat?name=abcdefghijklmnopqrstuvwxy", /* 25 */
        "/chat?name=a%0Ab",
        "/chat?name=a%7F",
        "/chat?name=a%C2%85",       /* U+0085 */
        "/chat?name=a%E2%80%AEnna", /* U+202E, right to left */
        "/chat?name=a%E2%80%8B",    /* U+200B, no width */
        "/chat?name=%FF",
        "/chat?name=%C0%80",       /* 0, overlong */
        "/chat?name=%ED%A0%80",    /* half of a surrogate pair */
        "/chat?name=%E2%82",       /* cut */
        "/chat?name=%F4%90%80%80", /* beyond U+10FFFF */
        "/chat?name=ann&room=",
    };
    static const struct {
        const char *target, *name;
    } good[] = {
        { "/chat?name=%20%C2%A0ann%20lee%20", "ann lee" },
        { "/chat?name=abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx" },
        { "/chat?name=%E6%9C%8D%E5%8A%A1%E7%AB%AF", "服务端" },
        { "/chat?name=%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB", "👩‍💻" },
    };

    (void)state;
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (status_of(bad[i]) != 400) {
            fail_msg("%s was let in", bad[i]);
        }
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct fake_peer *peer = fake_connect(fake, 0, good[i].target);

        assert_string_equal(string_at(expect(peer, "welcome"), "you.name"),
                            good[i].name);
    }
}

static void test_name_taken(void **state)
{
    struct fake_peer *ann, *first, *second;

    (void)state;
    begin();
    ann = join("/chat?name=ann");
    assert_int_equal(status_of("/chat?name=ann"), 409);
    assert_int_equal(status_of("/chat?name=Ann"), 409);
    fake_leave(ann);
    assert_int_equal(status_of("/chat?name=ann"), 101);

    /* two at the same moment */
    first = fake_handshake(fake, 0, "/chat?name=bob");
    second = fake_handshake(fake, 0, "/chat?name=bob");
    assert_int_equal(fake_status(second), 101);
    fake_open(first);
    fake_open(second);
    expect(first, "welcome");
    expect_error(second, "name_taken");
    assert_int_equal(fake_closed(second), 4409);
    expect_nothing(first); /* it never was in */
}

static void test_coming_back(void **state)
{
    struct fake_peer *ann, *bob, *again;
    json_t *json;

    (void)state;
    begin();
    ann = join("/chat?name=ann&key=secret");
    bob = join("/chat?name=bob");
    forget(ann);
    assert_int_equal(status_of("/chat?name=ann"), 409);
    assert_int_equal(status_of("/chat?name=ann&key="), 409);
    assert_int_equal(status_of("/chat?name=ann&key=other"), 409);

    again = fake_connect(fake, 0, "/chat?name=ann&key=secret");
    json = expect(again, "welcome");
    assert_int_equal(size_at(json, "members"), 2);
    assert_int_equal(fake_closed(ann), 4001);
    json = expect(bob, "join");
    assert_string_equal(string_at(json, "replaces"), "1");
    expect_nothing(bob); /* no leave */

    say(again, "back");
    expect_said(bob, "back");
    expect_said(again, "back");
}

static void test_http(void **state)
{
    const char *body;
    json_t *json;

    (void)state;
    begin();
    join("/chat?name=ann&room=blue");
    assert_int_equal(fake_http(fake, 0, "GET", "/chat?room=blue", &body), 200);
    json = json_loads(body, 0, NULL);
    assert_string_equal(string_at(json, "room"), "blue");
    assert_string_equal(string_at(json, "members.0.name"), "ann");
    assert_null(json_object_get(json, "error"));
    json_decref(json);

    assert_int_equal(
        fake_http(fake, 0, "GET", "/chat?room=blue&name=ann", &body), 409);
    json = json_loads(body, 0, NULL);
    assert_string_equal(string_at(json, "error.code"), "name_taken");
    json_decref(json);

    assert_int_equal(
        fake_http(fake, 0, "GET", "/chat?room=red&name=ann", &body), 200);
    json = json_loads(body, 0, NULL);
    assert_int_equal(size_at(json, "members"), 0);
    json_decref(json);

    assert_int_equal(fake_http(fake, 0, "GET", "/chat?name=%0A", &body), 400);
    assert_int_equal(fake_http(fake, 0, "POST", "/chat", &body), 405);
}

/* ---- talking ----------------------------------------------------------- */

static void test_say(void **state)
{
    struct fake_peer *ann, *bob;
    json_t *json;
    char *first;

    (void)state;
    begin();
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    forget(ann);
    say(ann, " <b>h\xc3\xa9</b>\n\n");
    json = expect(bob, "message");
    assert_string_equal(string_at(json, "text"), "<b>h\xc3\xa9</b>");
    assert_string_equal(string_at(json, "from.id"), "1");
    assert_string_equal(string_at(json, "from.name"), "ann");
    assert_true(integer_at(json, "time") > 1700000000000);
    first = strdup(string_at(json, "id"));
    expect_said(ann, "<b>h\xc3\xa9</b>");
    say(ann, "again");
    assert_string_not_equal(string_at(expect(bob, "message"), "id"), first);
    free(first);
}

static void test_private(void **state)
{
    struct fake_peer *ann, *bob, *cat, *dan;
    json_t *json;

    (void)state;
    begin();
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    cat = join("/chat?name=cat");
    dan = join("/chat?name=dan&room=other");
    forget(ann);
    forget(bob);
    tell(ann, bob, "psst");
    json = expect(bob, "private");
    assert_string_equal(string_at(json, "text"), "psst");
    assert_string_equal(string_at(json, "from.name"), "ann");
    assert_string_equal(string_at(json, "to.name"), "bob");
    json = expect(ann, "private");
    assert_string_equal(string_at(json, "text"), "psst");
    expect_nothing(ann);
    expect_nothing(cat);

    tell(ann, dan, "not across rooms");
    expect_error(ann, "not_here");
    expect_nothing(dan);
    fake_leave(bob);
    expect_moved(ann, "leave", "bob");
    tell(ann, bob, "gone");
    expect_error(ann, "not_here");
    fake_text(ann, "{\"type\":\"private\",\"to\":3,\"text\":\"a number\"}");
    expect_error(ann, "not_here");
    tell(ann, ann, "note to self");
    expect(ann, "private");
    expect_nothing(ann);

    /* it is not for newcomers */
    json = expect(fake_connect(fake, 0, "/chat?name=eve"), "welcome");
    assert_int_equal(size_at(json, "history"), 0);
}

static void test_bad_requests(void **state)
{
    static const struct {
        const char *text, *code;
    } bad[] = {
        { "", "bad_json" },
        { "hello", "bad_json" },
        { "[]", "bad_json" },
        { "\"say\"", "bad_json" },
        { "{\"type\":\"say\",\"text\":\"\\u0000\"}", "bad_json" },
        { "{}", "bad_type" },
        { "{\"type\":1}", "bad_type" },
        { "{\"type\":\"shout\",\"text\":\"x\"}", "bad_type" },
        { "{\"type\":\"say\"}", "bad_text" },
        { "{\"type\":\"say\",\"text\":5}", "bad_text" },
        { "{\"type\":\"say\",\"text\":\"\"}", "bad_text" },
        { "{\"type\":\"say\",\"text\":\" \\n\\t\"}", "bad_text" },
        { "{\"type\":\"say\",\"text\":\"a\\u0007b\"}", "bad_text" },
    };
    struct fake_peer *ann, *bob;
    json_t *json;

    (void)state;
    begin_on("/chat");
    fake_option(fake, "burst", "100");
    start();
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    forget(ann);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_text(ann, bad[i].text);
        expect_error(ann, bad[i].code);
        expect_nothing(ann);
    }
    fake_text(ann, "{\"type\":\"say\",\"text\":\"\",\"ref\":\"m1\"}");
    json = expect(ann, "error");
    assert_string_equal(string_at(json, "ref"), "m1");
    fake_text(ann, "{\"type\":\"say\",\"text\":\"\",\"ref\":7}");
    assert_int_equal(integer_at(expect(ann, "error"), "ref"), 7);
    expect_nothing(bob);
    assert_int_equal(fake_closed(ann), 0);

    fake_message(ann, BAY_BINARY, "{}", 2);
    assert_int_equal(fake_closed(ann), BAY_CLOSE_UNSUPPORTED);
}

static void test_text_length(void **state)
{
    struct fake_peer *ann;
    char huge[1200];

    (void)state;
    begin_on("/chat");
    fake_option(fake, "max_text", "5");
    start();
    ann = join("/chat?name=ann");
    say(ann, "服务端🎈!");
    expect_said(ann, "服务端🎈!");
    say(ann, "123456");
    expect_error(ann, "too_long");
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    fake_text(ann, huge); /* refused by its size, before it is parsed */
    expect_error(ann, "too_long");
}

static void test_members(void **state)
{
    struct fake_peer *ann;
    json_t *json;

    (void)state;
    begin();
    ann = join("/chat?name=ann");
    join("/chat?name=bob");
    forget(ann);
    fake_text(ann, "{\"type\":\"members\"}");
    json = expect(ann, "members");
    assert_int_equal(size_at(json, "members"), 2);
    assert_string_equal(string_at(json, "members.1.name"), "bob");
    assert_true(integer_at(json, "members.1.since") > 1700000000000);
}

static void test_history(void **state)
{
    struct fake_peer *ann;
    json_t *json;

    (void)state;
    begin_on("/chat");
    fake_option(fake, "history", "3");
    start();
    ann = join("/chat?name=ann");
    say(ann, "1");
    say(ann, "2");
    say(ann, "3");
    say(ann, "4");
    json = expect(fake_connect(fake, 0, "/chat?name=bob"), "welcome");
    assert_int_equal(size_at(json, "history"), 3);
    assert_string_equal(string_at(json, "history.0.text"), "2");
    assert_string_equal(string_at(json, "history.2.text"), "4");
    assert_string_equal(string_at(json, "history.2.from.name"), "ann");
    forget(ann);
    fake_text(ann, "{\"type\":\"history\"}");
    assert_int_equal(size_at(expect(ann, "history"), "history"), 3);
}

static void test_history_bytes(void **state)
{
    struct fake_peer *ann;
    json_t *json;
    char text[501];

    (void)state;
    begin_on("/chat");
    fake_option(fake, "history_bytes", "2k");
    start();
    ann = join("/chat?name=ann");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 8; i++) {
        say(ann, text);
    }
    json = expect(fake_connect(fake, 0, "/chat?name=bob"), "welcome");
    assert_int_equal(size_at(json, "history"), 3); /* of some 600 bytes each */
}

/* ---- limits ------------------------------------------------------------ */

static void test_rate(void **state)
{
    struct fake_peer *ann, *bob;

    (void)state;
    begin_on("/chat");
    fake_option(fake, "rate", "2");
    fake_option(fake, "burst", "3");
    start();
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    forget(ann);
    for (int i = 0; i < 3; i++) {
        say(ann, "x");
        expect_said(ann, "x");
        expect_said(bob, "x");
    }
    say(ann, "x");
    expect_error(ann, "rate");
    expect_nothing(bob);
    fake_advance(fake, 1000); /* two tokens, of which one is owed */
    say(ann, "y");
    expect_said(ann, "y");
    say(ann, "y");
    expect_error(ann, "rate");
    fake_advance(fake, 60000); /* no more than burst */
    for (int i = 0; i < 3; i++) {
        say(ann, "z");
        expect_said(ann, "z");
    }
    say(ann, "z");
    say(ann, "z");
    expect_error(ann, "rate");
    expect_error(ann, "rate");
    assert_int_equal(fake_closed(ann), 0);
    say(ann, "z");
    expect_nothing(ann);
    assert_int_equal(fake_closed(ann), BAY_CLOSE_POLICY);
    forget(bob);
    say(bob, "calm");
    expect_said(bob, "calm");
}

static void test_room_limits(void **state)
{
    struct fake_peer *ann;

    (void)state;
    begin_on("/chat");
    fake_option(fake, "rooms", "2");
    fake_option(fake, "members", "2");
    start();
    ann = join("/chat?name=ann&room=a");
    join("/chat?name=bob&room=b");
    assert_int_equal(status_of("/chat?name=cat&room=c"), 503);
    assert_int_equal(status_of("/chat?name=cat&room=a"), 101);
    fake_leave(ann); /* an empty room makes way for a new one */
    join("/chat?name=cat&room=c");
    assert_int_equal(status_of("/chat?name=dan&room=a"), 503);
    join("/chat?name=dan&room=c");
    assert_int_equal(status_of("/chat?name=eve&room=c"), 503);
}

static void test_room_idle(void **state)
{
    struct fake_peer *ann;
    json_t *json;

    (void)state;
    begin_on("/chat");
    fake_option(fake, "room_idle", "1m");
    start();
    ann = join("/chat?name=ann");
    say(ann, "remember");
    fake_advance(fake, 100000); /* not while somebody is in */
    fake_leave(ann);
    fake_advance(fake, 50000);
    ann = fake_connect(fake, 0, "/chat?name=ann");
    json = expect(ann, "welcome");
    assert_int_equal(size_at(json, "history"), 1);
    fake_leave(ann);
    fake_advance(fake, 65000);
    json = expect(fake_connect(fake, 0, "/chat?name=ann"), "welcome");
    assert_int_equal(size_at(json, "history"), 0);
}

static void test_reload(void **state)
{
    struct fake_peer *ann;

    (void)state;
    begin();
    ann = join("/chat?name=ann");
    say(ann, "123456");
    expect_said(ann, "123456");
    fake_option(fake, "max_text", "5");
    fake_reload(fake, 0);
    say(ann, "123456");
    expect_error(ann, "too_long");
    say(ann, "12345");
    expect_said(ann, "12345");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(test_##name, end)
    const struct CMUnitTest tests[] = {
        TEST(welcome),       TEST(rooms_by_query),
        TEST(rooms_by_path), TEST(names),
        TEST(name_taken),    TEST(coming_back),
        TEST(http),          TEST(say),
        TEST(private),       TEST(bad_requests),
        TEST(text_length),   TEST(members),
        TEST(history),       TEST(history_bytes),
        TEST(rate),          TEST(room_limits),
        TEST(room_idle),     TEST(reload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
