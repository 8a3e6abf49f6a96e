/* sync.c - one chat, however many workers serve it */
#include "sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "chat.h"
#include "news.h"
#include "wire.h"

#define CONTROL "sync"

enum {
    FIRST_BEAT_MS = 50, /* doubled until it is BEAT_MS */
    BEAT_MS = 2000,
    DEAD_MS = 7000,
    ASK_AGAIN_MS = 1000,
    PAGE_BYTES = 256 * 1024 /* of the answer to one question */
};

static struct chat *chat_of(const bay_route *route)
{
    return bay_route_data(route);
}

/* ---- to the siblings --------------------------------------------------- */

static void inbox(char topic[ROOM_TOPIC_SIZE], const char *id)
{
    snprintf(topic, ROOM_TOPIC_SIZE, CONTROL ".%s", id);
}

/* Takes body. to: one sibling, or NULL: all. */
static int send_body(bay_route *route, const struct sibling *to, json_t *body)
{
    const struct chat *chat = chat_of(route);
    char topic[ROOM_TOPIC_SIZE] = CONTROL;

    json_object_set_new(body, "from", json_string(chat->id));
    json_object_set_new(body, "seq", json_integer((json_int_t)chat->sync.seq));
    if (to != NULL) {
        inbox(topic, to->id);
    }
    return wire_publish(route, topic, body, 0);
}

static void ask(bay_route *route, struct sibling *sibling, uint32_t after)
{
    if (after == 0) {
        sibling->missed = false;
        sibling->round++;
    }
    sibling->asked_ms = bay_now_ms(route);
    send_body(
        route, sibling,
        json_pack("{s:s, s:I}", "kind", "ask", "after", (json_int_t)after));
}

/* Our members only; the history whole, for it may be the only copy left. */
static char *dump_room(bay_route *route, const struct room *room, size_t *len)
{
    const struct chat *chat = chat_of(route);
    json_t *mine = json_array();

    for (const struct member *member = room->members; member != NULL;
         member = member->hh.next) {
        if (member->home == NULL) {
            json_array_append_new(mine, wire_person(&member->is, true));
        }
    }
    return wire_dump_history(json_pack("{s:s, s:s, s:I, s:s, s:o}", "kind",
                                       "room", "from", chat->id, "seq",
                                       (json_int_t)chat->sync.seq, "room",
                                       room->name, "members", mine),
                             room, len);
}

/* One page of rooms, beginning after the one with that serial number. */
static void answer(bay_route *route, const struct sibling *sibling,
                   uint32_t after)
{
    char topic[ROOM_TOPIC_SIZE];
    size_t sent = 0, len;

    inbox(topic, sibling->id);
    for (const struct room *room = chat_of(route)->rooms.list; room != NULL;
         room = room->hh.next) {
        char *text;
        int status;

        if (room->serial <= after) {
            continue;
        }
        if (sent >= PAGE_BYTES) {
            send_body(route, sibling,
                      json_pack("{s:s, s:I}", "kind", "more", "after",
                                (json_int_t)after));
            return;
        }
        text = dump_room(route, room, &len);
        if (text == NULL) {
            return; /* it will ask again */
        }
        status = bay_publish(route, topic, BAY_TEXT, text, len, 0);
        free(text);
        if (status != BAY_OK) {
            return;
        }
        sent += len;
        after = room->serial;
    }
    send_body(route, sibling, json_pack("{s:s}", "kind", "done"));
}

int sync_tell(bay_route *route, struct room *room, json_t *event,
              const struct person *person)
{
    struct sync *sync = &chat_of(route)->sync;
    json_t *body;
    int status;

    if (event == NULL) {
        return BAY_ENOMEM;
    }
    status = news_deliver(route, room, event, person != NULL ? person->id : 0);
    body = json_pack("{s:s, s:s, s:O, s:o*}", "kind", "event", "room",
                     room->name, "event", event, "person",
                     person != NULL ? wire_person(person, true) : NULL);
    json_decref(event);
    sync->seq++;
    if (send_body(route, NULL, body) != BAY_OK) {
        /* They see the gap with the next event or beat, and ask. */
        bay_log(route, BAY_WARN, "other workers missed event %" PRIu64,
                sync->seq);
    }
    return status;
}

/* ---- from the siblings ------------------------------------------------- */

static struct sibling *meet(struct sync *sync, const char *id)
{
    struct sibling *sibling;

    HASH_FIND_STR(sync->siblings, id, sibling);
    if (sibling != NULL || strlen(id) >= sizeof sibling->id) {
        return sibling;
    }
    sibling = calloc(1, sizeof *sibling);
    if (sibling == NULL) {
        return NULL;
    }
    snprintf(sibling->id, sizeof sibling->id, "%s", id);
    HASH_ADD_STR(sync->siblings, id, sibling);
    if (sibling->hh.tbl == NULL) {
        free(sibling);
        return NULL;
    }
    return sibling;
}

static void part(bay_route *route, struct sibling *sibling)
{
    bay_log(route, BAY_INFO, "nothing heard of instance %s for %d s",
            sibling->id, DEAD_MS / 1000);
    news_sweep(route, sibling, true);
    HASH_DEL(chat_of(route)->sync.siblings, sibling);
    free(sibling);
}

static void handle(bay_route *route, struct sibling *sibling, json_t *body)
{
    const char *kind = json_string_value(json_object_get(body, "kind"));
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(body, "seq"));
    uint32_t after =
        (uint32_t)json_integer_value(json_object_get(body, "after"));

    if (kind == NULL) {
        return;
    }
    /* An event has the number after the last, all else the number of it. */
    if (strcmp(kind, "event") == 0) {
        sibling->missed |= seq != sibling->seq + 1;
        news_event(route, sibling, body);
    } else {
        sibling->missed |= seq != sibling->seq;
    }
    sibling->seq = seq;
    sibling->known = sibling->known && !sibling->missed;

    if (strcmp(kind, "room") == 0) {
        news_room(route, sibling, body);
    } else if (strcmp(kind, "more") == 0) {
        ask(route, sibling, after);
    } else if (strcmp(kind, "done") == 0 && !sibling->missed) {
        news_sweep(route, sibling, false);
        sibling->known = true;
    } else if (strcmp(kind, "ask") == 0) {
        answer(route, sibling, after);
    }
}

void sync_notice(bay_route *route, const bay_notice *notice)
{
    json_t *body =
        notice->local ? NULL : json_loadb(notice->data, notice->len, 0, NULL);
    const char *from = json_string_value(json_object_get(body, "from"));
    struct sibling *sibling =
        from != NULL ? meet(&chat_of(route)->sync, from) : NULL;
    uint64_t now = bay_now_ms(route);

    if (sibling != NULL) {
        sibling->heard_ms = now;
        handle(route, sibling, body);
        if (!sibling->known && (sibling->asked_ms == 0 ||
                                now - sibling->asked_ms >= ASK_AGAIN_MS)) {
            ask(route, sibling, 0);
        }
    }
    json_decref(body);
}

/* ---- the instance ------------------------------------------------------ */

int sync_start(bay_route *route)
{
    struct chat *chat = chat_of(route);
    char topic[ROOM_TOPIC_SIZE];
    uint64_t random;
    int status;

    if (getrandom(&random, sizeof random, 0) != sizeof random) {
        random = bay_now_ms(route) ^ (uintptr_t)chat;
    }
    snprintf(chat->id, sizeof chat->id, "%016" PRIx64, random);
    chat->rooms.owner = chat->id;
    inbox(topic, chat->id);
    status = bay_listen(route, topic);
    if (status == BAY_OK) {
        status = bay_listen(route, CONTROL);
    }
    if (status == BAY_OK) {
        chat->sync.beat_ms = FIRST_BEAT_MS;
        status = bay_timer_set(route, SYNC_TIMER, FIRST_BEAT_MS);
    }
    return status;
}

void sync_timer(bay_route *route)
{
    struct sync *sync = &chat_of(route)->sync;
    struct sibling *sibling, *next;
    uint64_t now = bay_now_ms(route);

    HASH_ITER(hh, sync->siblings, sibling, next)
    {
        /* After a pause of our own, their beats wait to be read. */
        if (now - sibling->heard_ms >= DEAD_MS &&
            now < sync->due_ms + BEAT_MS) {
            part(route, sibling);
        }
    }
    send_body(route, NULL, json_pack("{s:s}", "kind", "beat"));
    sync->beat_ms = sync->beat_ms * 2 < BEAT_MS ? sync->beat_ms * 2 : BEAT_MS;
    sync->due_ms = now + sync->beat_ms;
    bay_timer_set(route, SYNC_TIMER, sync->beat_ms);
}

void sync_stop(bay_route *route)
{
    struct sync *sync = &chat_of(route)->sync;
    struct sibling *sibling, *next;

    HASH_ITER(hh, sync->siblings, sibling, next)
    {
        HASH_DEL(sync->siblings, sibling);
        free(sibling);
    }
}
