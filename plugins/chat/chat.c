/* chat.c - rooms: who is in them, what they say, and to whom */
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "news.h"
#include "sync.h"
#include "talk.h"
#include "wire.h"

#define DEFAULT_ROOM "lobby"

struct visitor { /* one per connection */
    struct person is;
    char room[TEXT_NAME_SIZE];
    bool joined;
    int64_t tokens;       /* thousandths of a message it may send now */
    uint64_t refilled_ms; /* up to when they were counted */
};

static const bay_option options[] = {
    { "history", BAY_OPT_INT, "100", "messages shown to a newcomer", 0, 10000 },
    { "history_bytes", BAY_OPT_BYTES, "64k", "history kept per room", 0,
      16 << 20 },
    { "rate", BAY_OPT_INT, "3", "messages a second one member may send", 1,
      1000 },
    { "burst", BAY_OPT_INT, "10", "messages one may send at once", 1, 1000 },
    { "max_text", BAY_OPT_INT, "2000", "characters of a message", 1, 100000 },
    { "rooms", BAY_OPT_INT, "1000", "rooms of the route", 1, 1000000 },
    { "members", BAY_OPT_INT, "500", "members of a room", 1, 100000 },
    { "room_idle", BAY_OPT_MS, "10m", "how long an empty room is kept", 0, 0 },
    { 0 }
};

static void read_options(bay_route *route)
{
    struct chat *chat = bay_route_data(route);

    chat->limits = (struct limits){
        .history = (size_t)bay_conf_int(route, "history"),
        .history_bytes = (size_t)bay_conf_int(route, "history_bytes"),
        .rate = bay_conf_int(route, "rate"),
        .burst = bay_conf_int(route, "burst"),
        .max_text = bay_conf_int(route, "max_text"),
        .rooms = (size_t)bay_conf_int(route, "rooms"),
        .members = (size_t)bay_conf_int(route, "members"),
        .room_idle_ms = (uint64_t)bay_conf_int(route, "room_idle"),
    };
}

static int chat_start(bay_route *route)
{
    read_options(route);
    return sync_start(route);
}

static void chat_stop(bay_route *route)
{
    struct chat *chat = bay_route_data(route);

    sync_stop(route);
    room_free_all(&chat->rooms);
}

static void chat_timer(bay_route *route, uint64_t key)
{
    struct chat *chat = bay_route_data(route);

    (void)key; /* there is but one */
    sync_timer(route);
    room_sweep(&chat->rooms, bay_now_ms(route), chat->limits.room_idle_ms);
}

/* ---- the door ---------------------------------------------------------- */

struct refusal {
    int status; /* HTTP */
    const char *code;
    const char *text;
};

static const struct refusal bad_room = {
    400, "bad_room", "A room's name is 1 to 24 visible characters."
};
static const struct refusal bad_name = {
    400, "bad_name", "A name is 1 to 24 visible characters."
};
static const struct refusal name_taken = {
    409, "name_taken", "Somebody in this room has that name."
};
static const struct refusal room_full = { 503, "room_full",
                                          "This room is full." };
static const struct refusal rooms_full = { 503, "rooms_full",
                                           "There are no more rooms." };

/* What the * of the route stands for: bay_conn_tail, before there is a
 * connection. */
static const char *tail_of(const bay_route *route, const bay_request *req)
{
    const char *pattern = bay_route_path(route);
    const char *path = bay_req_path(req);
    size_t len = strcspn(pattern, "*");

    return pattern[len] == '*' && strncmp(path, pattern, len) == 0 ? path + len
                                                                   : "";
}

/* tail: what the path says of the room, or "". */
static const struct refusal *find_room(bay_request *req, const char *tail,
                                       struct visitor *visitor)
{
    const char *room = bay_req_query(req, "room");

    if (*tail != '\0') {
        room = tail;
    } else if (room == NULL) {
        room = DEFAULT_ROOM;
    }
    return text_name(visitor->room, room) ? NULL : &bad_room;
}

/* Whether one could join now; NULL if so. */
static const struct refusal *may_join(bay_route *route, bay_request *req,
                                      struct visitor *visitor)
{
    struct chat *chat = bay_route_data(route);
    const char *name = bay_req_query(req, "name");
    const char *key = bay_req_query(req, "key");
    const struct room *room = room_find(&chat->rooms, visitor->room);
    const struct member *other;

    if (name == NULL || !text_name(visitor->is.name, name)) {
        return &bad_name;
    }
    if (key != NULL && strlen(key) < sizeof visitor->is.key) {
        memcpy(visitor->is.key, key, strlen(key) + 1);
    }
    if (room == NULL) {
        return room_allows(&chat->rooms, chat->limits.rooms) ? NULL
                                                             : &rooms_full;
    }
    other = room_namesake(room, &visitor->is);
    if (other != NULL) {
        return room_same_person(&other->is, &visitor->is) ? NULL : &name_taken;
    }
    return HASH_COUNT(room->members) < chat->limits.members ? NULL : &room_full;
}

static int chat_handshake(bay_conn *conn, bay_request *req)
{
    struct visitor *visitor = bay_conn_data(conn);
    const struct refusal *no = find_room(req, bay_conn_tail(conn), visitor);

    if (no == NULL) {
        no = may_join(bay_conn_route(conn), req, visitor);
    }
    return no != NULL ? no->status : 0;
}

/* Without an upgrade: who is in the room, and whether one could join by that
 * name. A browser has no other way to learn why its handshake was refused. */
static int chat_http(bay_route *route, bay_request *req)
{
    const struct chat *chat = bay_route_data(route);
    struct visitor visitor = { 0 };
    const struct refusal *no = find_room(req, tail_of(route, req), &visitor);
    const struct room *room = NULL;
    size_t len;
    char *text;
    int status;

    if (strcmp(bay_req_method(req), "GET") != 0) {
        bay_req_add_header(req, "Allow", "GET");
        return 405;
    }
    if (no == NULL) {
        room = room_find(&chat->rooms, visitor.room);
        if (bay_req_query(req, "name") != NULL) {
            no = may_join(route, req, &visitor);
        }
    }
    text = wire_dump(
        json_pack("{s:s, s:o, s:o*}", "room", visitor.room, "members",
                  room != NULL ? wire_people(room) : json_array(), "error",
                  no != NULL ? wire_error(no->code, no->text, NULL) : NULL),
        &len);
    if (text == NULL) {
        return BAY_ENOMEM;
    }
    bay_req_add_header(req, "Cache-Control", "no-store");
    status = bay_req_reply(req, no != NULL ? no->status : 200,
                           "application/json", text, len);
    free(text);
    return status;
}

static int refuse(bay_conn *conn, const struct refusal *no, int code)
{
    int status = wire_send(conn, wire_error(no->code, no->text, NULL));

    return status != BAY_OK ? status : code;
}

static int welcome(bay_conn *conn, const struct visitor *visitor,
                   const struct room *room)
{
    const struct chat *chat = bay_route_data(bay_conn_route(conn));
    const struct limits *limits = &chat->limits;
    size_t len;
    char *text = wire_dump_history(
        json_pack("{s:s, s:s, s:o, s:{s:I, s:I, s:I}, s:o}", "type", "welcome",
                  "room", room->name, "you", wire_person(&visitor->is, false),
                  "limits", "text", (json_int_t)limits->max_text, "rate",
                  (json_int_t)limits->rate, "burst", (json_int_t)limits->burst,
                  "members", wire_people(room)),
        room, &len);
    int status = BAY_ENOMEM;

    if (text != NULL) {
        status = bay_send_text(conn, text, len);
        free(text);
    }
    return status;
}

static int chat_open(bay_conn *conn)
{
    bay_route *route = bay_conn_route(conn);
    struct chat *chat = bay_route_data(route);
    struct visitor *visitor = bay_conn_data(conn);
    struct room *room;
    struct member *other;
    json_t *event;
    int status;

    visitor->is.id = bay_conn_id(conn);
    visitor->is.since_ms = news_stamp(route);
    visitor->tokens = chat->limits.burst * 1000;
    visitor->refilled_ms = bay_now_ms(route);
    room = room_get(&chat->rooms, visitor->room, bay_now_ms(route));
    if (room == NULL) {
        return BAY_ENOMEM;
    }
    event = wire_moved("join", &visitor->is, visitor->is.since_ms);
    other = room_namesake(room, &visitor->is);
    if (other != NULL && room_same_person(&other->is, &visitor->is)) {
        wire_set_id(event, "replaces", other->is.id);
        news_replace(route, room, other);
    } else if (other != NULL) { /* between the handshake and now */
        json_decref(event);
        return refuse(conn, &name_taken, CHAT_CLOSE_NAME_TAKEN);
    }
    if (room_add(room, &visitor->is, NULL) == NULL) {
        json_decref(event);
        return BAY_ENOMEM;
    }
    visitor->joined = true;
    bay_conn_log(conn, BAY_DEBUG, "%s joined room %s", visitor->is.name,
                 room->name);
    status = bay_subscribe(conn, room->topic);
    if (status == BAY_OK) {
        status = welcome(conn, visitor, room);
    }
    /* Told in any case: chat_close will tell that it left. */
    sync_tell(route, room, event, &visitor->is);
    return status;
}

static void chat_close(bay_conn *conn, int code, const char *reason)
{
    bay_route *route = bay_conn_route(conn);
    struct chat *chat = bay_route_data(route);
    const struct visitor *visitor = bay_conn_data(conn);
    struct room *room = room_find(&chat->rooms, visitor->room);
    struct member *member =
        room != NULL ? room_member(room, visitor->is.id) : NULL;

    (void)reason;
    if (visitor->joined && member != NULL) {
        bay_conn_log(conn, BAY_DEBUG, "%s left room %s (%d)", visitor->is.name,
                     room->name, code);
        room_remove(room, member, bay_now_ms(route));
        sync_tell(route, room,
                  wire_moved("leave", &visitor->is, news_stamp(route)), NULL);
    }
}

/* ---- inside ------------------------------------------------------------ */

/* A token bucket that may be overdrawn: each message takes a token, also one
 * that is refused, so that who goes on regardless is soon `burst` in debt. */
static int64_t take_token(struct visitor *visitor, const struct limits *limits,
                          uint64_t now_ms)
{
    int64_t most = limits->burst * 1000;
    int64_t passed = (int64_t)(now_ms - visitor->refilled_ms);

    visitor->refilled_ms = now_ms;
    visitor->tokens = passed < (most - visitor->tokens) / limits->rate
                          ? visitor->tokens + passed * limits->rate
                          : most;
    visitor->tokens -= 1000;
    return visitor->tokens;
}

static int chat_message(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);
    struct chat *chat = bay_route_data(route);
    const struct limits *limits = &chat->limits;
    struct visitor *visitor = bay_conn_data(conn);
    int64_t tokens = take_token(visitor, limits, bay_now_ms(route));
    struct talk talk = {
        .conn = conn,
        .route = route,
        .chat = chat,
        .room = room_find(&chat->rooms, visitor->room),
        .from = &visitor->is,
    };
    int status;

    if (talk.room == NULL || room_member(talk.room, visitor->is.id) == NULL) {
        return BAY_OK; /* was replaced, and is closing */
    }
    if (msg->kind != BAY_TEXT) {
        return BAY_CLOSE_UNSUPPORTED;
    }
    if (tokens <= -limits->burst * 1000) {
        bay_conn_log(conn, BAY_WARN, "%s floods room %s", visitor->is.name,
                     talk.room->name);
        return bay_close(conn, BAY_CLOSE_POLICY, "too many messages");
    }
    /* A character takes at most 12 bytes, written \ud83d\ude00. */
    if (msg->len > (size_t)limits->max_text * 12 + 1024) {
        return talk_complain(&talk, "too_long", "The message is too long.");
    }
    talk.json = json_loadb(msg->data, msg->len, 0, NULL);
    if (tokens < 0) {
        status = talk_complain(&talk, "rate", "Slow down a little.");
    } else if (!json_is_object(talk.json)) {
        status = talk_complain(&talk, "bad_json", "That is no JSON object.");
    } else {
        status = talk_obey(&talk);
    }
    json_decref(talk.json);
    return status;
}

BAY_PLUGIN = {
    BAY_INIT,
    .name = "chat",
    .version = "1.0.0",
    .summary = "chat rooms with names, history and private messages",
    .route_size = sizeof(struct chat),
    .conn_size = sizeof(struct visitor),
    .options = options,
    .state_version = 1,
    .start = chat_start,
    .stop = chat_stop,
    .reload = read_options,
    .handshake = chat_handshake,
    .open = chat_open,
    .message = chat_message,
    .close = chat_close,
    .timer = chat_timer,
    .notice = sync_notice,
    .http = chat_http,
};
