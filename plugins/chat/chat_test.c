/* chat_test.c - the chat in one worker: the door, talking, the limits */
#include <stdio.h>
#include <string.h>

#include "chat_test_peer.h"

static bay_test *test;

static void begin(const char *options)
{
    test = bay_test_new(&BAY_PLUGIN_SYMBOL, options);
}

static void end(void)
{
    forget_json();
    bay_test_free(test);
}

static bay_peer *connect_to(const char *target)
{
    return bay_test_connect(test, target, NULL);
}

static bay_peer *join(const char *target)
{
    bay_peer *peer = connect_to(target);

    BAY_EXPECT_STATUS(peer, 101);
    EXPECT_TYPE(peer, "welcome");
    return peer;
}

/* Of one who goes away before the connection is up. */
static int status_of(const char *target)
{
    bay_peer *peer = bay_test_handshake(test, target, NULL);

    bay_peer_leave(peer, 0, NULL);
    return bay_peer_status(peer);
}

/* ---- the door ---------------------------------------------------------- */

static void test_welcome(void)
{
    bay_peer *ann, *bob;
    json_t *json;

    begin(NULL);
    ann = connect_to("/chat?name=ann");
    json = EXPECT_TYPE(ann, "welcome");
    EXPECT_AT(json, "room", "lobby");
    EXPECT_AT(json, "you.name", "ann");
    EXPECT_AT(json, "you.id", id_of(ann));
    EXPECT_SIZE_AT(json, "members", 1);
    EXPECT_SIZE_AT(json, "history", 0);
    EXPECT_NUMBER_AT(json, "limits.text", 2000);
    EXPECT_NUMBER_AT(json, "limits.rate", 3);
    EXPECT_NUMBER_AT(json, "limits.burst", 10);
    BAY_EXPECT_SILENT(ann);

    bob = connect_to("/chat?name=bob&key=secret");
    json = EXPECT_TYPE(bob, "welcome");
    EXPECT_SIZE_AT(json, "members", 2);
    EXPECT_AT(json, "members.0.name", "ann");
    EXPECT_AT(json, "members.1.name", "bob");
    BAY_EXPECT_SILENT(bob);
    json = EXPECT_TYPE(ann, "join");
    EXPECT_AT(json, "member.name", "bob");
    EXPECT_AT(json, "member.id", id_of(bob));
    BAY_EXPECT(json_object_get(json_object_get(json, "member"), "key") == NULL);
    BAY_EXPECT_SILENT(ann);

    bay_peer_leave(bob, BAY_CLOSE_GOING_AWAY, NULL);
    EXPECT_MOVED(ann, "leave", "bob");
    BAY_EXPECT_SILENT(ann);
}

static void test_rooms_by_query(void)
{
    bay_peer *ann, *bob, *cat;

    begin(NULL);
    ann = join("/chat?name=ann&room=blue");
    bob = join("/chat?name=bob&room=blue");
    cat = join("/chat?name=ann&room=red"); /* names are per room */
    EXPECT_MOVED(ann, "join", "bob");
    say(ann, "hello");
    EXPECT_SAID(ann, "hello");
    EXPECT_SAID(bob, "hello");
    BAY_EXPECT_SILENT(cat);
    BAY_EXPECT_SILENT(ann);
}

static void test_rooms_by_path(void)
{
    bay_peer *ann;

    begin("path = /rooms/*");
    ann = connect_to("/rooms/caf%C3%A9?name=ann&room=other");
    EXPECT_AT(EXPECT_TYPE(ann, "welcome"), "room", "café");
    ann = connect_to("/rooms/?name=ann");
    EXPECT_AT(EXPECT_TYPE(ann, "welcome"), "room", "lobby");
    BAY_EXPECT_EQUAL(status_of("/rooms/%07?name=ann"), 400);
}

static void test_names(void)
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

    begin(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bay_expect_equal(__FILE__, __LINE__, bad[i], status_of(bad[i]), 400);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bay_peer *peer = connect_to(good[i].target);

        EXPECT_AT(EXPECT_TYPE(peer, "welcome"), "you.name", good[i].name);
    }
}

static void test_name_taken(void)
{
    bay_peer *ann, *first, *second;

    begin(NULL);
    ann = join("/chat?name=ann");
    BAY_EXPECT_EQUAL(status_of("/chat?name=ann"), 409);
    BAY_EXPECT_EQUAL(status_of("/chat?name=Ann"), 409);
    bay_peer_leave(ann, BAY_CLOSE_GOING_AWAY, NULL);
    BAY_EXPECT_EQUAL(status_of("/chat?name=ann"), 101);

    /* two at the same moment */
    first = bay_test_handshake(test, "/chat?name=bob", NULL);
    second = bay_test_handshake(test, "/chat?name=bob", NULL);
    BAY_EXPECT_STATUS(second, 101);
    bay_peer_open(first);
    bay_peer_open(second);
    EXPECT_TYPE(first, "welcome");
    EXPECT_ERROR(second, "name_taken");
    BAY_EXPECT_CLOSED(second, 4409);
    BAY_EXPECT_SILENT(first); /* it never was in */
}

static void test_coming_back(void)
{
    bay_peer *ann, *bob, *again;
    json_t *json;

    begin(NULL);
    ann = join("/chat?name=ann&key=secret");
    bob = join("/chat?name=bob");
    bay_peer_forget(ann);
    BAY_EXPECT_EQUAL(status_of("/chat?name=ann"), 409);
    BAY_EXPECT_EQUAL(status_of("/chat?name=ann&key="), 409);
    BAY_EXPECT_EQUAL(status_of("/chat?name=ann&key=other"), 409);

    again = connect_to("/chat?name=ann&key=secret");
    json = EXPECT_TYPE(again, "welcome");
    EXPECT_SIZE_AT(json, "members", 2);
    BAY_EXPECT_CLOSED(ann, 4001);
    json = EXPECT_TYPE(bob, "join");
    EXPECT_AT(json, "replaces", id_of(ann));
    BAY_EXPECT_SILENT(bob); /* no leave */

    say(again, "back");
    EXPECT_SAID(bob, "back");
    EXPECT_SAID(again, "back");
}

/* A request for what is there, answered with JSON; to be given back. */
static json_t *get(const char *target, int status)
{
    BAY_EXPECT_EQUAL(bay_test_get(test, target), status);
    BAY_EXPECT_STRING(bay_test_header(test, "Content-Type"),
                      "application/json");
    return json_loads(bay_test_body(test)->data, 0, NULL);
}

static void test_http(void)
{
    json_t *json;

    begin(NULL);
    join("/chat?name=ann&room=blue");
    json = get("/chat?room=blue", 200);
    EXPECT_AT(json, "room", "blue");
    EXPECT_AT(json, "members.0.name", "ann");
    BAY_EXPECT(json_object_get(json, "error") == NULL);
    json_decref(json);

    json = get("/chat?room=blue&name=ann", 409);
    EXPECT_AT(json, "error.code", "name_taken");
    json_decref(json);

    json = get("/chat?room=red&name=ann", 200);
    EXPECT_SIZE_AT(json, "members", 0);
    json_decref(json);

    json_decref(get("/chat?name=%0A", 400));
    BAY_EXPECT_STRING(bay_test_header(test, "Cache-Control"), "no-store");
    BAY_EXPECT_EQUAL(bay_test_request(test, "POST", "/chat", NULL, "x", 1),
                     405);
    BAY_EXPECT_STRING(bay_test_header(test, "Allow"), "GET");
}

/* ---- talking ----------------------------------------------------------- */

static void test_say(void)
{
    bay_peer *ann, *bob;
    json_t *json;
    char first[64];

    begin(NULL);
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    bay_peer_forget(ann);
    say(ann, " <b>h\xc3\xa9</b>\n\n");
    json = EXPECT_TYPE(bob, "message");
    EXPECT_AT(json, "text", "<b>h\xc3\xa9</b>");
    EXPECT_AT(json, "from.id", id_of(ann));
    EXPECT_AT(json, "from.name", "ann");
    BAY_EXPECT(number_at(json, "time") > 1700000000000);
    snprintf(first, sizeof first, "%s",
             json_string_value(json_object_get(json, "id")));
    EXPECT_SAID(ann, "<b>h\xc3\xa9</b>");
    say(ann, "again");
    json = EXPECT_TYPE(bob, "message");
    BAY_EXPECT(strcmp(json_string_value(json_object_get(json, "id")), first) !=
               0);
}

static void test_private(void)
{
    bay_peer *ann, *bob, *cat, *dan;
    json_t *json;

    begin(NULL);
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    cat = join("/chat?name=cat");
    dan = join("/chat?name=dan&room=other");
    bay_peer_forget(ann);
    bay_peer_forget(bob);
    tell(ann, bob, "psst");
    json = EXPECT_TYPE(bob, "private");
    EXPECT_AT(json, "text", "psst");
    EXPECT_AT(json, "from.name", "ann");
    EXPECT_AT(json, "to.name", "bob");
    json = EXPECT_TYPE(ann, "private");
    EXPECT_AT(json, "text", "psst");
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(cat);

    tell(ann, dan, "not across rooms");
    EXPECT_ERROR(ann, "not_here");
    BAY_EXPECT_SILENT(dan);
    bay_peer_leave(bob, BAY_CLOSE_GOING_AWAY, NULL);
    EXPECT_MOVED(ann, "leave", "bob");
    tell(ann, bob, "gone");
    EXPECT_ERROR(ann, "not_here");
    bay_peer_text(ann, "{\"type\":\"private\",\"to\":3,\"text\":\"a number\"}");
    EXPECT_ERROR(ann, "not_here");
    tell(ann, ann, "note to self");
    EXPECT_TYPE(ann, "private");
    BAY_EXPECT_SILENT(ann);

    /* it is not for newcomers */
    json = EXPECT_TYPE(connect_to("/chat?name=eve"), "welcome");
    EXPECT_SIZE_AT(json, "history", 0);
}

static void test_bad_requests(void)
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
    bay_peer *ann, *bob;
    json_t *json;

    begin("chat.burst = 100");
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    bay_peer_forget(ann);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bay_peer_text(ann, bad[i].text);
        EXPECT_ERROR(ann, bad[i].code);
        BAY_EXPECT_SILENT(ann);
    }
    bay_peer_text(ann, "{\"type\":\"say\",\"text\":\"\",\"ref\":\"m1\"}");
    json = EXPECT_TYPE(ann, "error");
    EXPECT_AT(json, "ref", "m1");
    bay_peer_text(ann, "{\"type\":\"say\",\"text\":\"\",\"ref\":7}");
    EXPECT_NUMBER_AT(EXPECT_TYPE(ann, "error"), "ref", 7);
    BAY_EXPECT_SILENT(bob);
    BAY_EXPECT_OPEN(ann);

    bay_peer_binary(ann, "{}", 2);
    BAY_EXPECT_CLOSED(ann, BAY_CLOSE_UNSUPPORTED);
}

static void test_text_length(void)
{
    bay_peer *ann;
    char huge[1200];

    begin("max_text = 5");
    ann = join("/chat?name=ann");
    say(ann, "服务端🎈!");
    EXPECT_SAID(ann, "服务端🎈!");
    say(ann, "123456");
    EXPECT_ERROR(ann, "too_long");
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    bay_peer_text(ann, huge); /* refused by its size, before it is parsed */
    EXPECT_ERROR(ann, "too_long");
}

static void test_members(void)
{
    bay_peer *ann;
    json_t *json;

    begin(NULL);
    ann = join("/chat?name=ann");
    join("/chat?name=bob");
    bay_peer_forget(ann);
    bay_peer_text(ann, "{\"type\":\"members\"}");
    json = EXPECT_TYPE(ann, "members");
    EXPECT_SIZE_AT(json, "members", 2);
    EXPECT_AT(json, "members.1.name", "bob");
    BAY_EXPECT(number_at(json, "members.1.since") > 1700000000000);
}

static void test_history(void)
{
    bay_peer *ann;
    json_t *json;

    begin("chat.history = 3");
    ann = join("/chat?name=ann");
    say(ann, "1");
    say(ann, "2");
    say(ann, "3");
    say(ann, "4");
    json = EXPECT_TYPE(connect_to("/chat?name=bob"), "welcome");
    EXPECT_SIZE_AT(json, "history", 3);
    EXPECT_AT(json, "history.0.text", "2");
    EXPECT_AT(json, "history.2.text", "4");
    EXPECT_AT(json, "history.2.from.name", "ann");
    bay_peer_forget(ann);
    bay_peer_text(ann, "{\"type\":\"history\"}");
    EXPECT_SIZE_AT(EXPECT_TYPE(ann, "history"), "history", 3);
}

static void test_history_bytes(void)
{
    bay_peer *ann;
    json_t *json;
    char text[501];

    begin("history_bytes = 2k");
    ann = join("/chat?name=ann");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 8; i++) {
        say(ann, text);
    }
    json = EXPECT_TYPE(connect_to("/chat?name=bob"), "welcome");
    EXPECT_SIZE_AT(json, "history", 3); /* of some 600 bytes each */
}

/* ---- limits ------------------------------------------------------------ */

static void test_rate(void)
{
    bay_peer *ann, *bob;

    begin("chat.rate = 2\nchat.burst = 3");
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    bay_peer_forget(ann);
    for (int i = 0; i < 3; i++) {
        say(ann, "x");
        EXPECT_SAID(ann, "x");
        EXPECT_SAID(bob, "x");
    }
    say(ann, "x");
    EXPECT_ERROR(ann, "rate");
    BAY_EXPECT_SILENT(bob);
    bay_test_advance(test, 1000); /* two tokens, of which one is owed */
    say(ann, "y");
    EXPECT_SAID(ann, "y");
    say(ann, "y");
    EXPECT_ERROR(ann, "rate");
    bay_test_advance(test, 60000); /* no more than burst */
    for (int i = 0; i < 3; i++) {
        say(ann, "z");
        EXPECT_SAID(ann, "z");
    }
    say(ann, "z");
    say(ann, "z");
    EXPECT_ERROR(ann, "rate");
    EXPECT_ERROR(ann, "rate");
    BAY_EXPECT_OPEN(ann);
    say(ann, "z");
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_CLOSED(ann, BAY_CLOSE_POLICY);
    bay_peer_forget(bob);
    say(bob, "calm");
    EXPECT_SAID(bob, "calm");
}

static void test_room_limits(void)
{
    bay_peer *ann;

    begin("rooms = 2\nmembers = 2");
    ann = join("/chat?name=ann&room=a");
    join("/chat?name=bob&room=b");
    BAY_EXPECT_EQUAL(status_of("/chat?name=cat&room=c"), 503);
    BAY_EXPECT_EQUAL(status_of("/chat?name=cat&room=a"), 101);
    bay_peer_leave(ann, BAY_CLOSE_GOING_AWAY,
                   NULL); /* an empty room makes way for a new one */
    join("/chat?name=cat&room=c");
    BAY_EXPECT_EQUAL(status_of("/chat?name=dan&room=a"), 503);
    join("/chat?name=dan&room=c");
    BAY_EXPECT_EQUAL(status_of("/chat?name=eve&room=c"), 503);
}

static void test_room_idle(void)
{
    bay_peer *ann;
    json_t *json;

    begin("room_idle = 1m");
    ann = join("/chat?name=ann");
    say(ann, "remember");
    bay_test_advance(test, 100000); /* not while somebody is in */
    bay_peer_leave(ann, BAY_CLOSE_GOING_AWAY, NULL);
    bay_test_advance(test, 50000);
    ann = connect_to("/chat?name=ann");
    json = EXPECT_TYPE(ann, "welcome");
    EXPECT_SIZE_AT(json, "history", 1);
    bay_peer_leave(ann, BAY_CLOSE_GOING_AWAY, NULL);
    bay_test_advance(test, 65000);
    json = EXPECT_TYPE(connect_to("/chat?name=ann"), "welcome");
    EXPECT_SIZE_AT(json, "history", 0);
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_welcome,       test_rooms_by_query,
        test_rooms_by_path, test_names,
        test_name_taken,    test_coming_back,
        test_http,          test_say,
        test_private,       test_bad_requests,
        test_text_length,   test_members,
        test_history,       test_history_bytes,
        test_rate,          test_room_limits,
        test_room_idle,
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i]();
        end();
    }
    return bay_test_summary("chat");
}
