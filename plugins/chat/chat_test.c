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

/* The code with which one is closed who may not come in. */
static int refusal_of(const char *target)
{
    return bay_peer_closed(connect_to(target));
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
    EXPECT_NUMBER_AT(json, "limits.text", 2000);
    BAY_EXPECT(number_at(json, "time") > 1700000000000);
    BAY_EXPECT_SILENT(ann);

    bob = connect_to("/chat?name=bob&key=secret");
    json = EXPECT_TYPE(bob, "welcome");
    EXPECT_SIZE_AT(json, "members", 2);
    EXPECT_AT(json, "members.0.name", "ann");
    EXPECT_AT(json, "members.1.name", "bob");
    BAY_EXPECT(strstr(last_text(), "secret") == NULL);
    BAY_EXPECT_SILENT(bob);
    json = EXPECT_TYPE(ann, "join");
    EXPECT_AT(json, "member.name", "bob");
    EXPECT_AT(json, "member.id", id_of(bob));
    BAY_EXPECT(strstr(last_text(), "secret") == NULL);
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
    BAY_EXPECT_EQUAL(refusal_of("/rooms/%07?name=ann"), 4400);
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
        "/chat?name=ann&room=%FF",
        "/chat?name=ann&key=",
        "/chat?name=ann&key=%FF",
        "/chat?name=ann&key=x1234567890123456789012345678901234567890",
        /* 17 of four bytes: a label takes 64 */
        "/chat?name=%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88"
        "%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88"
        "%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88"
        "%F0%9F%8E%88%F0%9F%8E%88%F0%9F%8E%88",
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
        bay_expect_equal(__FILE__, __LINE__, bad[i], refusal_of(bad[i]), 4400);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bay_peer *peer = connect_to(good[i].target);

        EXPECT_AT(EXPECT_TYPE(peer, "welcome"), "you.name", good[i].name);
    }
}

static void test_name_taken(void)
{
    bay_peer *ann, *bob;

    begin(NULL);
    ann = join("/chat?name=ann");
    BAY_EXPECT_EQUAL(refusal_of("/chat?name=ann"), 4409);
    bob = connect_to("/chat?name=Ann");
    BAY_EXPECT_CLOSED(bob, 4409);
    BAY_EXPECT_STRING(bay_peer_reason(bob),
                      "Somebody in this room has that name.");
    BAY_EXPECT_SILENT(ann); /* they never were in */
    bay_peer_leave(ann, BAY_CLOSE_GOING_AWAY, NULL);
    join("/chat?name=ANN");
}

static void test_coming_back(void)
{
    bay_peer *ann, *bob, *again;

    begin(NULL);
    ann = join("/chat?name=ann&key=secret");
    bob = join("/chat?name=bob");
    BAY_EXPECT_EQUAL(refusal_of("/chat?name=ann"), 4409);
    BAY_EXPECT_EQUAL(refusal_of("/chat?name=ann&key=other"), 4409);
    BAY_EXPECT_SILENT(bob);

    again = join("/chat?name=ann&key=secret");
    bay_peer_forget(ann);
    BAY_EXPECT_CLOSED(ann, 4001);
    EXPECT_AT(EXPECT_TYPE(bob, "join"), "member.id", id_of(again));
    EXPECT_AT(EXPECT_TYPE(bob, "leave"), "member.id", id_of(ann));
    bay_peer_forget(again);
    say(again, "back");
    EXPECT_SAID(bob, "back");
    EXPECT_SAID(again, "back");
    tell(bob, "ann", "psst");
    EXPECT_TYPE(again, "private");

    /* the name is as safe as before */
    BAY_EXPECT_EQUAL(refusal_of("/chat?name=ann"), 4409);
    join("/chat?name=ann&key=secret");
    BAY_EXPECT_CLOSED(again, 4001);
}

/* The mailbox of who has no key is not what anybody can have as a key. */
static void test_foreign_key(void)
{
    bay_peer *ann, *bob;
    char target[64];

    begin(NULL);
    ann = join("/chat?name=ann");
    snprintf(target, sizeof target, "/chat?name=bob&key=%s", id_of(ann));
    bob = join(target);
    bay_peer_forget(ann);
    tell(ann, "ann", "note to self");
    EXPECT_TYPE(ann, "private");
    BAY_EXPECT_SILENT(bob);
}

/* ---- talking ----------------------------------------------------------- */

static void test_say(void)
{
    bay_peer *ann, *bob;
    json_t *json;

    begin(NULL);
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    bay_peer_forget(ann);
    say(ann, " <b>h\xc3\xa9</b>\n\n");
    json = EXPECT_TYPE(bob, "message");
    EXPECT_AT(json, "text", "<b>h\xc3\xa9</b>");
    EXPECT_AT(json, "from.id", id_of(ann));
    EXPECT_AT(json, "from.name", "ann");
    BAY_EXPECT(json_object_get(json, "ref") == NULL);
    BAY_EXPECT(number_at(json, "time") > 1700000000000);
    EXPECT_SAID(ann, "<b>h\xc3\xa9</b>");
    bay_peer_text(bob, "{\"type\":\"say\",\"text\":\"x\",\"ref\":\"b7\"}");
    EXPECT_AT(EXPECT_TYPE(ann, "message"), "ref", "b7");
    EXPECT_AT(EXPECT_TYPE(bob, "message"), "ref", "b7");
}

static void test_private(void)
{
    bay_peer *ann, *bob, *cat;
    json_t *json;

    begin(NULL);
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    cat = join("/chat?name=cat");
    join("/chat?name=dan&room=other");
    bay_peer_forget(ann);
    bay_peer_forget(bob);
    tell(ann, "Bob", "psst");
    json = EXPECT_TYPE(bob, "private");
    EXPECT_AT(json, "text", "psst");
    EXPECT_AT(json, "from.name", "ann");
    EXPECT_AT(json, "to.name", "bob");
    EXPECT_AT(json, "to.id", id_of(bob));
    json = EXPECT_TYPE(ann, "private");
    EXPECT_AT(json, "text", "psst");
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(cat);

    tell(ann, "dan", "not across rooms");
    EXPECT_ERROR(ann, "not_here");
    bay_peer_leave(bob, BAY_CLOSE_GOING_AWAY, NULL);
    EXPECT_MOVED(ann, "leave", "bob");
    tell(ann, "bob", "gone");
    EXPECT_ERROR(ann, "not_here");
    bay_peer_text(ann, "{\"type\":\"private\",\"to\":3,\"text\":\"a number\"}");
    EXPECT_ERROR(ann, "not_here");
    bay_peer_text(ann, "{\"type\":\"private\",\"text\":\"nobody\"}");
    EXPECT_ERROR(ann, "not_here");
    tell(ann, "ann", "note to self");
    EXPECT_TYPE(ann, "private");
    BAY_EXPECT_SILENT(ann);

    /* it is not for newcomers, not even by the same name */
    BAY_EXPECT_SILENT(join("/chat?name=bob"));
}

/* What did not get out is not shown as said. */
static void test_not_sent(void)
{
    bay_peer *ann, *bob;

    begin(NULL);
    ann = join("/chat?name=ann");
    bob = join("/chat?name=bob");
    bay_peer_forget(ann);
    bay_test_fail_call(test, "bay_publish", 1, BAY_EFULL);
    tell(ann, "bob", "psst");
    EXPECT_ERROR(ann, "not_sent");
    BAY_EXPECT_SILENT(ann);
    BAY_EXPECT_SILENT(bob);
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

    begin(NULL);
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
    /* a ref that is none is left out, not passed on */
    bay_peer_text(ann, "{\"type\":\"say\",\"text\":\"x\",\"ref\":[7]}");
    BAY_EXPECT(json_object_get(EXPECT_TYPE(ann, "message"), "ref") == NULL);
    bay_peer_text(ann, "{\"type\":\"say\",\"text\":\"x\",\"ref\":\""
                       "12345678901234567890123456789012"
                       "123456789012345678901234567890123\"}");
    BAY_EXPECT(json_object_get(EXPECT_TYPE(ann, "message"), "ref") == NULL);
    bay_peer_forget(bob);
    BAY_EXPECT_SILENT(bob);
    BAY_EXPECT_OPEN(ann);

    bay_peer_binary(ann, "{}", 2);
    BAY_EXPECT_CLOSED(ann, BAY_CLOSE_UNSUPPORTED);
}

static void test_text_length(void)
{
    bay_peer *ann;

    begin("max_text = 5");
    ann = join("/chat?name=ann");
    say(ann, "服务端🎈!");
    EXPECT_SAID(ann, "服务端🎈!");
    say(ann, "123456");
    EXPECT_ERROR(ann, "too_long");
    say(ann, " 12345 ");
    EXPECT_SAID(ann, "12345");
}

static void test_room_full(void)
{
    bay_peer *ann;

    begin("members = 2");
    ann = join("/chat?name=ann&key=secret");
    join("/chat?name=bob");
    BAY_EXPECT_EQUAL(refusal_of("/chat?name=cat"), 4503);
    join("/chat?name=cat&room=b");
    join("/chat?name=ann&key=secret"); /* takes no other's place */
    BAY_EXPECT_CLOSED(ann, 4001);
}

/* ---- what is kept ------------------------------------------------------ */

static void test_history(void)
{
    bay_peer *ann, *bob;

    begin("history = 3");
    ann = join("/chat?name=ann");
    say(ann, "1");
    say(ann, "2");
    tell(ann, "ann", "a secret");
    say(ann, "3");
    say(ann, "4");
    bob = join("/chat?name=bob");
    EXPECT_SAID(bob, "2");
    EXPECT_SAID(bob, "3");
    EXPECT_SAID(bob, "4");
    BAY_EXPECT_SILENT(bob);
    BAY_EXPECT_SILENT(join("/chat?name=bob&room=other"));
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_welcome,       test_rooms_by_query,
        test_rooms_by_path, test_names,
        test_name_taken,    test_coming_back,
        test_foreign_key,   test_say,
        test_private,       test_not_sent,
        test_bad_requests,  test_text_length,
        test_room_full,     test_history,
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i]();
        end();
    }
    return bay_test_summary("chat");
}
