/* chat_peer.c - what the tests of the chat expect a member to get */
#include "chat_peer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *expect(struct fake_peer *peer, const char *type)
{
    static json_t *last;
    const bay_message *message = peer != NULL ? fake_next(peer) : NULL;

    json_decref(last);
    last = NULL;
    if (peer == NULL) {
        return NULL;
    }
    if (message == NULL) {
        fail_msg("nothing came, %s was expected", type);
    }
    assert_int_equal(message->kind, BAY_TEXT);
    last = json_loadb(message->data, message->len, 0, NULL);
    if (last == NULL) {
        fail_msg("not JSON: %s", message->data);
    }
    if (strcmp(string_at(last, "type"), type) != 0) {
        fail_msg("%s came, %s was expected", message->data, type);
    }
    return last;
}

void expect_nothing(struct fake_peer *peer)
{
    const bay_message *message = fake_next(peer);

    if (message != NULL) {
        fail_msg("%s came, nothing was expected", message->data);
    }
}

void expect_said(struct fake_peer *peer, const char *text)
{
    assert_string_equal(string_at(expect(peer, "message"), "text"), text);
}

void expect_error(struct fake_peer *peer, const char *code)
{
    assert_string_equal(string_at(expect(peer, "error"), "code"), code);
}

void expect_moved(struct fake_peer *peer, const char *type, const char *name)
{
    assert_string_equal(string_at(expect(peer, type), "member.name"), name);
}

static json_t *at(json_t *json, const char *path)
{
    char step[32];

    for (const char *from = path; json != NULL; from++) {
        size_t len = strcspn(from, ".");

        assert_true(len < sizeof step);
        memcpy(step, from, len);
        step[len] = '\0';
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(step))
                                   : json_object_get(json, step);
        from += len;
        if (*from == '\0') {
            break;
        }
    }
    if (json == NULL) {
        fail_msg("there is no %s", path);
    }
    return json;
}

const char *string_at(json_t *json, const char *path)
{
    assert_true(json_is_string(at(json, path)));
    return json_string_value(at(json, path));
}

int64_t integer_at(json_t *json, const char *path)
{
    assert_true(json_is_integer(at(json, path)));
    return json_integer_value(at(json, path));
}

size_t size_at(json_t *json, const char *path)
{
    assert_true(json_is_array(at(json, path)));
    return json_array_size(at(json, path));
}

int forget(struct fake_peer *peer)
{
    int count = 0;

    while (fake_next(peer) != NULL) {
        count++;
    }
    return count;
}

static void send_json(struct fake_peer *peer, json_t *json)
{
    char *text = json_dumps(json, 0);

    fake_text(peer, text);
    free(text);
    json_decref(json);
}

void say(struct fake_peer *peer, const char *text)
{
    send_json(peer, json_pack("{s:s, s:s}", "type", "say", "text", text));
}

void tell(struct fake_peer *from, const struct fake_peer *to, const char *text)
{
    char id[24];

    snprintf(id, sizeof id, "%" PRIu64, fake_id(to));
    send_json(from, json_pack("{s:s, s:s, s:s}", "type", "private", "to", id,
                              "text", text));
}
