/* talk.c - what a member may ask for: to say something, to see who is here */
#include "talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "news.h"
#include "sync.h"
#include "wire.h"

int talk_complain(const struct talk *talk, const char *code, const char *text)
{
    return wire_send(
        talk->conn, wire_error(code, text, json_object_get(talk->json, "ref")));
}

/* The text of a message, tidied. False if there is none that can be sent, and
 * the sender was told; *status is then for the hook to return. */
static bool read_text(const struct talk *talk, const char **text, size_t *len,
                      int *status)
{
    const json_t *json = json_object_get(talk->json, "text");
    long chars;

    *status = BAY_OK;
    if (!json_is_string(json)) {
        *status = talk_complain(talk, "bad_text", "The message has no text.");
        return false;
    }
    *text = json_string_value(json);
    *len = json_string_length(json);
    text_trim(text, len);
    chars = text_length(*text, *len);
    if (chars > 0 && chars <= talk->chat->limits.max_text) {
        return true;
    }
    *status = chars == 0
                  ? talk_complain(talk, "bad_text", "The message is empty.")
              : chars < 0
                  ? talk_complain(talk, "bad_text",
                                  "The message has characters nobody can see.")
                  : talk_complain(talk, "too_long", "The message is too long.");
    return false;
}

static json_t *make_message(const struct talk *talk, const char *type,
                            const struct person *to, const char *text,
                            size_t len)
{
    int64_t stamp = news_stamp(talk->route);
    char id[ROOM_LINE_ID_SIZE];

    snprintf(id, sizeof id, "%s-%" PRId64, talk->chat->id, stamp);
    return wire_message(type, id, stamp, talk->from, to, text, len);
}

static int say(const struct talk *talk)
{
    const char *text;
    size_t len;
    int status;

    if (!read_text(talk, &text, &len, &status)) {
        return status;
    }
    return sync_tell(talk->route, talk->room,
                     make_message(talk, "message", NULL, text, len), NULL);
}

/* To one member, wherever connected, and to the sender to show it was sent. */
static int say_to(const struct talk *talk)
{
    bay_id id = wire_id(json_object_get(talk->json, "to"));
    const struct member *to = room_member(talk->room, id);
    const char *text;
    size_t len, json_len;
    char *json;
    int status;

    if (!read_text(talk, &text, &len, &status)) {
        return status;
    }
    if (to == NULL) {
        return talk_complain(talk, "not_here",
                             "That person is not in this room.");
    }
    json =
        wire_dump(make_message(talk, "private", &to->is, text, len), &json_len);
    if (json == NULL) {
        return BAY_ENOMEM;
    }
    status = bay_send_to(talk->route, id, BAY_TEXT, json, json_len);
    if (status != BAY_OK) {
        status = talk_complain(talk, "not_sent",
                               "The message could not be delivered.");
    } else if (id != talk->from->id) {
        status = bay_send_text(talk->conn, json, json_len);
    }
    free(json);
    return status;
}

static int show_members(const struct talk *talk)
{
    return wire_send(talk->conn, json_pack("{s:s, s:o}", "type", "members",
                                           "members", wire_people(talk->room)));
}

static int show_history(const struct talk *talk)
{
    size_t len;
    char *text = wire_dump_history(json_pack("{s:s}", "type", "history"),
                                   talk->room, &len);
    int status = BAY_ENOMEM;

    if (text != NULL) {
        status = bay_send_text(talk->conn, text, len);
        free(text);
    }
    return status;
}

static const struct {
    const char *type;
    int (*act)(const struct talk *talk);
} orders[] = {
    { "say", say },
    { "private", say_to },
    { "members", show_members },
    { "history", show_history },
};

int talk_obey(const struct talk *talk)
{
    const char *type = json_string_value(json_object_get(talk->json, "type"));

    for (size_t i = 0; type != NULL && i < sizeof orders / sizeof *orders;
         i++) {
        if (strcmp(type, orders[i].type) == 0) {
            return orders[i].act(talk);
        }
    }
    return talk_complain(talk, "bad_type",
                         "The type is one of say, private, members, history.");
}
