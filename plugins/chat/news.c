/* news.c - what happens in a room, as it reaches this worker */
#include "news.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat.h"
#include "wire.h"

static struct chat *chat_of(const bay_route *route)
{
    return bay_route_data(route);
}

int64_t news_stamp(bay_route *route)
{
    struct chat *chat = chat_of(route);
    struct timespec now;
    int64_t ms;

    timespec_get(&now, TIME_UTC);
    ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    chat->stamp_ms = ms > chat->stamp_ms ? ms : chat->stamp_ms + 1;
    return chat->stamp_ms;
}

/* What happens here afterwards is later by our stamps, too: an answer comes
 * after the question in every history, whatever the clocks say. */
static void see_time(bay_route *route, int64_t time_ms)
{
    struct chat *chat = chat_of(route);

    chat->stamp_ms = time_ms > chat->stamp_ms ? time_ms : chat->stamp_ms;
}

int news_deliver(bay_route *route, struct room *room, json_t *event,
                 bay_id except)
{
    const struct limits *limits = &chat_of(route)->limits;
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *id = json_string_value(json_object_get(event, "id"));
    size_t len;
    char *text = wire_dump(json_incref(event), &len);
    int status = BAY_OK;

    if (text == NULL) {
        return BAY_ENOMEM;
    }
    if (id != NULL && strcmp(type, "message") == 0) {
        status = room_remember(
            room, json_integer_value(json_object_get(event, "time")), id, text,
            len, limits->history, limits->history_bytes);
    }
    if (room->here > 0) {
        int sent = bay_publish(route, room->topic, BAY_TEXT, text, len, except);

        status = sent != BAY_OK ? sent : status;
    }
    free(text);
    return status;
}

/* Takes event. */
static void deliver_quietly(bay_route *route, struct room *room, json_t *event,
                            bay_id except)
{
    int status =
        event != NULL ? news_deliver(route, room, event, except) : BAY_ENOMEM;

    if (status != BAY_OK) {
        bay_log(route, BAY_WARN, "room %s missed an event: %s", room->name,
                bay_strerror(status));
    }
    json_decref(event);
}

static void leave(bay_route *route, struct room *room, struct member *member)
{
    json_t *event = wire_moved("leave", &member->is, news_stamp(route));

    room_remove(room, member, bay_now_ms(route));
    deliver_quietly(route, room, event, 0);
}

void news_replace(bay_route *route, struct room *room, struct member *member)
{
    if (member->home == NULL) {
        bay_close_id(route, member->is.id, CHAT_CLOSE_REPLACED,
                     "you came back by another connection");
    }
    room_remove(room, member, bay_now_ms(route));
}

static bool is_older(const struct person *a, const struct person *b)
{
    return a->since_ms != b->since_ms ? a->since_ms < b->since_ms
                                      : a->id < b->id;
}

/* Two have got the same name, in different workers at the same moment: the
 * first keeps it. Each worker sees to its own. */
static void evict(bay_route *route, const struct member *member)
{
    bay_conn *conn = bay_route_find(route, member->is.id);

    if (conn == NULL) {
        return;
    }
    wire_send(conn, wire_error("name_taken",
                               "Somebody else came first by that name.", NULL));
    bay_close(conn, CHAT_CLOSE_NAME_TAKEN, "name taken");
}

/*
 * Adds a sibling's member. Returns whom it takes the place of in *replaced (an
 * id or 0). False if it is no news: it was there, or is already replaced.
 */
static bool take_in(bay_route *route, struct room *room,
                    struct sibling *sibling, const struct person *person,
                    bay_id *replaced)
{
    struct member *member = room_member(room, person->id);
    struct member *other = room_namesake(room, person);

    see_time(route, person->since_ms);
    *replaced = 0;
    if (member != NULL) {
        member->round = sibling->round;
        return false;
    }
    if (other != NULL && room_same_person(&other->is, person)) {
        if (is_older(person, &other->is)) {
            return false;
        }
        *replaced = other->is.id;
        news_replace(route, room, other);
    } else if (other != NULL && other->home == NULL &&
               is_older(person, &other->is)) {
        evict(route, other);
    }
    member = room_add(room, person, sibling);
    if (member == NULL) {
        return false;
    }
    member->round = sibling->round;
    return true;
}

static struct room *room_of(bay_route *route, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "room"));
    struct chat *chat = chat_of(route);
    struct room *room = NULL;

    if (name != NULL && strlen(name) < sizeof room->name) {
        room = room_find(&chat->rooms, name);
        if (room == NULL) {
            /* It was allowed where it was made; here it pushes one out. */
            room_allows(&chat->rooms, chat->limits.rooms);
            room = room_get(&chat->rooms, name, bay_now_ms(route));
        }
    }
    return room;
}

void news_event(bay_route *route, struct sibling *sibling, json_t *body)
{
    json_t *event = json_object_get(body, "event");
    const char *type = json_string_value(json_object_get(event, "type"));
    struct room *room = room_of(route, body);
    struct person person;
    bay_id replaced;

    if (room == NULL || type == NULL) {
        return;
    }
    see_time(route, json_integer_value(json_object_get(event, "time")));
    if (strcmp(type, "join") == 0) {
        if (!wire_read_person(json_object_get(body, "person"), &person) ||
            !take_in(route, room, sibling, &person, &replaced)) {
            return;
        }
        if (replaced != 0) {
            wire_set_id(event, "replaces", replaced);
        }
    } else if (strcmp(type, "leave") == 0) {
        struct member *member;

        if (!wire_read_person(json_object_get(event, "member"), &person)) {
            return;
        }
        member = room_member(room, person.id);
        if (member == NULL) {
            return; /* was replaced */
        }
        room_remove(room, member, bay_now_ms(route));
    }
    deliver_quietly(route, room, json_incref(event), 0);
}

/* Ours are told the result rather than each difference: nobody joined just
 * now. */
void news_room(bay_route *route, struct sibling *sibling, json_t *body)
{
    const struct limits *limits = &chat_of(route)->limits;
    struct room *room = room_of(route, body);
    size_t index, len, lines;
    const json_t *item;
    struct person person;
    bay_id replaced;

    if (room == NULL) {
        return;
    }
    lines = room->line_count;
    json_array_foreach(json_object_get(body, "members"), index, item)
    {
        if (wire_read_person(item, &person)) {
            take_in(route, room, sibling, &person, &replaced);
        }
    }
    json_array_foreach(json_object_get(body, "history"), index, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        int64_t time_ms = json_integer_value(json_object_get(item, "time"));
        char *text = json_dumps(item, JSON_COMPACT);

        if (id != NULL && text != NULL) {
            see_time(route, time_ms);
            room_remember(room, time_ms, id, text, strlen(text),
                          limits->history, limits->history_bytes);
        }
        free(text);
    }
    if (room->here == 0) {
        return;
    }
    wire_publish(route, room->topic,
                 json_pack("{s:s, s:o}", "type", "members", "members",
                           wire_people(room)),
                 0);
    if (room->line_count != lines) {
        char *text = wire_dump_history(json_pack("{s:s}", "type", "history"),
                                       room, &len);

        if (text != NULL) {
            bay_publish(route, room->topic, BAY_TEXT, text, len, 0);
            free(text);
        }
    }
}

void news_sweep(bay_route *route, struct sibling *sibling, bool all)
{
    for (struct room *room = chat_of(route)->rooms.list; room != NULL;
         room = room->hh.next) {
        struct member *member, *next;

        HASH_ITER(hh, room->members, member, next)
        {
            if (member->home == sibling &&
                (all || member->round != sibling->round)) {
                leave(route, room, member);
            }
        }
    }
}
