/* chat_test_peer.c - what the tests of the chat expect a member to get */
#include "chat_test_peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *last;
static char raw[4096];

void forget_json(void)
{
    json_decref(last);
    last = NULL;
}

json_t *expect_type(const char *file, int line, const char *name,
                    bay_peer *peer, const char *type)
{
    const bay_message *message = bay_peer_next(peer);
    const char *got = NULL;

    forget_json();
    if (message != NULL && message->kind == BAY_TEXT) {
        snprintf(raw, sizeof raw, "%s", message->data);
        last = json_loadb(message->data, message->len, 0, NULL);
        got = json_string_value(json_object_get(last, "type"));
    }
    if (got == NULL || strcmp(got, type) != 0) {
        char what[64];

        snprintf(what, sizeof what, "what comes to %s", name);
        bay_expect_string(file, line, what,
                          message != NULL ? message->data : NULL, type);
        forget_json();
    } else {
        bay_expect(file, line, type, true);
    }
    return last;
}

const char *last_text(void)
{
    return raw;
}

static const json_t *at(const json_t *json, const char *path)
{
    char step[32];

    for (const char *from = path; json != NULL; from++) {
        size_t len = strcspn(from, ".");

        snprintf(step, sizeof step, "%.*s", (int)len, from);
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(step))
                                   : json_object_get(json, step);
        from += len;
        if (*from == '\0') {
            break;
        }
    }
    return json;
}

void expect_at(const char *file, int line, const json_t *json, const char *path,
               const char *text)
{
    bay_expect_string(file, line, path, json_string_value(at(json, path)),
                      text);
}

int64_t number_at(const json_t *json, const char *path)
{
    const json_t *number = at(json, path);

    return json_is_integer(number) ? json_integer_value(number) : -1;
}

int64_t size_at(const json_t *json, const char *path)
{
    const json_t *array = at(json, path);

    return json_is_array(array) ? (int64_t)json_array_size(array) : -1;
}

const char *id_of(const bay_peer *peer)
{
    static char id[24];

    snprintf(id, sizeof id, "%" PRIu64, bay_peer_id(peer));
    return id;
}

bool has_got(bay_peer *peer, const char *part)
{
    const bay_message *message;
    bool found = false;

    while ((message = bay_peer_next(peer)) != NULL) {
        found = found || strstr(message->data, part) != NULL;
    }
    return found;
}

static void send_json(bay_peer *peer, json_t *json)
{
    char *text = json_dumps(json, 0);

    bay_peer_text(peer, text);
    free(text);
    json_decref(json);
}

void say(bay_peer *peer, const char *text)
{
    send_json(peer, json_pack("{s:s, s:s}", "type", "say", "text", text));
}

void tell(bay_peer *from, const char *to, const char *text)
{
    send_json(from, json_pack("{s:s, s:s, s:s}", "type", "private", "to", to,
                              "text", text));
}
