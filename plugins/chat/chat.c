/* chat.c - rooms: who is in them, what they say, and to whom; see README.md */
#include <inttypes.h>
#include <jansson.h>
#include <patchbay.h>
#include <patchbay/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM "room." /* and the room's name: its topic */

/* close codes */
enum { REPLACED = 4001, BAD_NAME = 4400, TAKEN = 4409, ROOM_FULL = 4503 };
enum { NAME_CHARS = 24, KEY_CHARS = 40, NAME_SIZE = 65, REF_MAX = 64 };
enum { NEWCOMER_SEES = 100 }; /* messages, if the route keeps so many */

struct visitor {             /* one for each connection */
    char room[NAME_SIZE];    /* topic: who is in, what they say */
    char mailbox[NAME_SIZE]; /* topic: what is said to this person alone */
    char name[NAME_SIZE];
    char label[NAME_SIZE]; /* the name as others may not have it */
};

static const bay_option options[] = {
    { "max_text", BAY_OPT_INT, "2000", "characters of a message", 1, 100000 },
    { "members", BAY_OPT_INT, "500", "members of a room", 1, 100000 },
    { 0 }
};

/* A member's info is the name, a 0 byte, and the mailbox. */
static const char *mailbox_of(const bay_member *member)
{
    size_t at = strlen(member->info) + 1;

    return at < member->len ? member->info + at : "";
}

/* ---- JSON: whoever is given some releases it --------------------------- */

static json_t *person(bay_id id, const char *name)
{
    char text[24]; /* a JSON number may not hold it */

    snprintf(text, sizeof text, "%" PRIu64, id);
    return json_pack("{s:s, s:s}", "id", text, "name", name);
}

static json_t *people(const bay_route *route, const char *room)
{
    const bay_member *member = NULL;
    json_t *list = json_array();

    while ((member = bay_member_next(route, room, member)) != NULL) {
        json_array_append_new(list, person(member->id, member->info));
    }
    return list;
}

/* To one connection; or with topic to all who are subscribed to it. */
static int tell(bay_conn *conn, const char *topic, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    int status = text == NULL    ? BAY_ENOMEM
                 : topic != NULL ? bay_publish(bay_conn_route(conn), topic,
                                               BAY_TEXT, text, strlen(text), 0)
                                 : bay_send_text(conn, text, strlen(text));

    free(text);
    json_decref(json);
    return status;
}

/* To those in the room whose connections are in this worker: each worker tells
 * its own. */
static void tell_here(bay_route *route, const bay_change *change,
                      const char *type, json_t *what)
{
    const char *key = change->member != NULL ? "member" : "members";
    json_t *json = json_pack("{s:s, s:o}", "type", type, key, what);
    const bay_member *member = NULL;

    while ((member = bay_member_next(route, change->topic, member)) != NULL) {
        bay_conn *conn = bay_route_find(route, member->id);

        if (conn != NULL &&
            (change->member == NULL || change->member->id != member->id)) {
            tell(conn, NULL, json_incref(json));
        }
    }
    json_decref(json);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- coming and going -------------------------------------------------- */

static int refuse(bay_conn *conn, int code, const char *why)
{
    bay_close(conn, code, why);
    return BAY_ECLOSED;
}

static int join(bay_conn *conn, unsigned flags)
{
    const struct visitor *me = bay_conn_data(conn);
    char info[2 * NAME_SIZE];
    int len = snprintf(info, sizeof info, "%s%c%s", me->name, 0, me->mailbox);

    return bay_join(conn, me->room, me->label, info, (size_t)len, flags);
}

/* By a name that nobody else has, or in the place of who has it, if that is the
 * same person. */
static int enter(bay_conn *conn)
{
    const struct visitor *me = bay_conn_data(conn);
    bay_route *route = bay_conn_route(conn);
    int status = join(conn, BAY_UNIQUE);

    if (status == BAY_EEXISTS) {
        const bay_member *other = bay_member_find(route, me->room, me->label);

        if (other == NULL || strcmp(mailbox_of(other), me->mailbox) != 0) {
            return refuse(conn, TAKEN, "Somebody in this room has that name.");
        }
        bay_close_id(route, other->id, REPLACED, "You came back.");
        return join(conn, 0);
    }
    if (status == BAY_OK && bay_member_count(route, me->room) >
                                (size_t)bay_conf_int(route, "members")) {
        return refuse(conn, ROOM_FULL, "This room is full.");
    }
    return status;
}

/* Adds a name, tidied, to what is in out; false if it is none. */
static bool add_name(char out[NAME_SIZE], const char *raw, long max_chars)
{
    size_t at = strlen(out), len = raw != NULL ? strlen(raw) : 0;
    long chars = raw != NULL ? bay_text_trim(&raw, &len, BAY_TEXT_LINE) : 0;

    if (chars < 1 || chars > max_chars || at + len >= NAME_SIZE) {
        return false;
    }
    memcpy(out + at, raw, len);
    return true;
}

static int welcome(bay_conn *conn)
{
    const struct visitor *me = bay_conn_data(conn);
    const bay_route *route = bay_conn_route(conn);
    json_int_t max_text = bay_conf_int(route, "max_text");

    return tell(conn, NULL,
                json_pack("{s:s, s:I, s:s, s:o, s:{s:I}, s:o}", "type",
                          "welcome", "time", now_ms(), "room",
                          me->room + strlen(ROOM), "you",
                          person(bay_conn_id(conn), me->name), "limits", "text",
                          max_text, "members", people(route, me->room)));
}

static int chat_open(bay_conn *conn)
{
    struct visitor *me = bay_conn_data(conn);
    const char *tail = bay_conn_tail(conn), *key = bay_conn_query(conn, "key");
    const char *room = *tail != '\0' ? tail : bay_conn_query(conn, "room");
    int status;

    strcpy(me->room, ROOM);
    strcpy(me->mailbox, "key."); /* the same again for who comes back */
    if (key == NULL) {
        snprintf(me->mailbox, NAME_SIZE, "id.%" PRIu64, bay_conn_id(conn));
    }
    if (!add_name(me->room, room != NULL ? room : "lobby", NAME_CHARS) ||
        !add_name(me->name, bay_conn_query(conn, "name"), NAME_CHARS) ||
        (key != NULL && !add_name(me->mailbox, key, KEY_CHARS))) {
        return refuse(conn, BAD_NAME, "Names have 1 to 24 visible characters.");
    }
    bay_text_fold(me->label, NAME_SIZE, me->name);
    status = enter(conn);
    status = status != BAY_OK ? status : welcome(conn);
    status = status != BAY_OK ? status : bay_subscribe(conn, me->mailbox);
    status = status != BAY_OK ? status : bay_subscribe(conn, me->room);
    return status != BAY_OK ? status
                            : bay_history(conn, me->room, NEWCOMER_SEES);
}

/* Who is in a room has changed, in this worker or any other. */
static void chat_presence(bay_route *route, const bay_change *change)
{
    const bay_member *who = change->member;
    bay_conn *conn = who != NULL ? bay_route_find(route, who->id) : NULL;

    if (change->kind == BAY_LISTED) {
        tell_here(route, change, "members", people(route, change->topic));
    } else if (change->kind == BAY_JOINED) {
        tell_here(route, change, "join", person(who->id, who->info));
    } else if (change->kind == BAY_LEFT) {
        tell_here(route, change, "leave", person(who->id, who->info));
        /* If it was replaced, the name is the other's alone from now on. */
        who = bay_member_find(route, change->topic, who->label);
        conn = who != NULL ? bay_route_find(route, who->id) : NULL;
        if (conn != NULL) {
            enter(conn);
        }
    } else if (change->kind == BAY_DISPLACED && conn != NULL) {
        enter(conn); /* by a former connection of its own, perhaps */
    }
}

/* ---- what they say ----------------------------------------------------- */

static int complain(bay_conn *conn, json_t *ref, const char *code,
                    const char *text)
{
    return tell(conn, NULL,
                json_pack("{s:s, s:s, s:s, s:O*}", "type", "error", "code",
                          code, "text", text, "ref", ref));
}

/* The member a private message is for. */
static const bay_member *find_to(const bay_conn *conn, const json_t *json)
{
    const struct visitor *me = bay_conn_data(conn);
    const char *name = json_string_value(json_object_get(json, "to"));
    char label[NAME_SIZE];

    bay_text_fold(label, sizeof label, name != NULL ? name : "");
    return bay_member_find(bay_conn_route(conn), me->room, label);
}

/* ref: what the sender calls its request, or NULL. */
static int obey(bay_conn *conn, const json_t *json, json_t *ref)
{
    const struct visitor *me = bay_conn_data(conn);
    const char *type = json_string_value(json_object_get(json, "type"));
    const json_t *given = json_object_get(json, "text");
    const char *text = json_is_string(given) ? json_string_value(given) : "";
    size_t len = json_string_length(given);
    long chars = bay_text_trim(&text, &len, BAY_TEXT_LINES);
    bool private = type != NULL && strcmp(type, "private") == 0;
    const bay_member *to = private ? find_to(conn, json) : NULL;
    json_t *message;

    if (!json_is_object(json)) {
        return complain(conn, ref, "bad_json", "That is no JSON object.");
    }
    if (!private && (type == NULL || strcmp(type, "say") != 0)) {
        return complain(conn, ref, "bad_type", "The type: say or private.");
    }
    if (private && to == NULL) {
        return complain(conn, ref, "not_here", "Nobody here has that name.");
    }
    if (chars < 1) {
        return complain(conn, ref, "bad_text", "That is no text to be seen.");
    }
    if (chars > bay_conf_int(bay_conn_route(conn), "max_text")) {
        return complain(conn, ref, "too_long", "The message is too long.");
    }
    message = json_pack("{s:s, s:I, s:o, s:s%, s:O*}", "type",
                        private ? "private" : "message", "time", now_ms(),
                        "from", person(bay_conn_id(conn), me->name), "text",
                        text, len, "ref", ref);
    if (private) {
        json_object_set_new(message, "to", person(to->id, to->info));
        if (to->id != bay_conn_id(conn) &&
            tell(conn, mailbox_of(to), json_incref(message)) != BAY_OK) {
            json_decref(message);
            return complain(conn, ref, "not_sent", "That was not sent.");
        }
    }
    return tell(conn, private ? me->mailbox : me->room, message);
}

static int chat_message(bay_conn *conn, const bay_message *msg)
{
    json_t *json = json_loadb(msg->data, msg->len, 0, NULL);
    json_t *ref = json_object_get(json, "ref");
    bool usable = json_is_string(ref) && json_string_length(ref) <= REF_MAX;
    int status = msg->kind == BAY_TEXT ? obey(conn, json, usable ? ref : NULL)
                                       : BAY_CLOSE_UNSUPPORTED;

    json_decref(json);
    return status;
}

BAY_PLUGIN = {
    BAY_INIT,
    .name = "chat",
    .version = "1.0.0",
    .summary = "chat rooms with names, history and private messages",
    .conn_size = sizeof(struct visitor),
    .options = options,
    .state_version = 1,
    .open = chat_open,
    .message = chat_message,
    .presence = chat_presence,
};
