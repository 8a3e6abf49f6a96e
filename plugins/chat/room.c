/* room.c - rooms, who is in them, and what was said last */
#include "room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct room *room_find(const struct rooms *rooms, const char *name)
{
    struct room *room;

    HASH_FIND_STR(rooms->list, name, room);
    return room;
}

struct room *room_get(struct rooms *rooms, const char *name, uint64_t now_ms)
{
    struct room *room = room_find(rooms, name);

    if (room != NULL) {
        return room;
    }
    room = calloc(1, sizeof *room);
    if (room == NULL) {
        return NULL;
    }
    room->serial = ++rooms->last_serial;
    snprintf(room->name, sizeof room->name, "%s", name);
    snprintf(room->topic, sizeof room->topic, "%s.%" PRIu32, rooms->owner,
             room->serial);
    TAILQ_INIT(&room->lines);
    room->empty_since_ms = now_ms;
    HASH_ADD_STR(rooms->list, name, room);
    if (room->hh.tbl == NULL) {
        free(room);
        return NULL;
    }
    return room;
}

static void drop_line(struct room *room, struct line *line)
{
    TAILQ_REMOVE(&room->lines, line, at);
    room->line_count--;
    room->line_bytes -= line->len;
    free(line);
}

static void free_room(struct rooms *rooms, struct room *room)
{
    struct member *member, *next;

    HASH_ITER(hh, room->members, member, next)
    {
        HASH_DEL(room->members, member);
        free(member);
    }
    while (!TAILQ_EMPTY(&room->lines)) {
        drop_line(room, TAILQ_FIRST(&room->lines));
    }
    HASH_DEL(rooms->list, room);
    free(room);
}

bool room_allows(struct rooms *rooms, size_t max)
{
    struct room *oldest = NULL;

    if (HASH_COUNT(rooms->list) < max) {
        return true;
    }
    for (struct room *room = rooms->list; room != NULL; room = room->hh.next) {
        if (room->members == NULL &&
            (oldest == NULL || room->empty_since_ms < oldest->empty_since_ms)) {
            oldest = room;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    free_room(rooms, oldest);
    return true;
}

void room_sweep(struct rooms *rooms, uint64_t now_ms, uint64_t idle_ms)
{
    struct room *room, *next;

    HASH_ITER(hh, rooms->list, room, next)
    {
        if (room->members == NULL && now_ms - room->empty_since_ms >= idle_ms) {
            free_room(rooms, room);
        }
    }
}

void room_free_all(struct rooms *rooms)
{
    while (rooms->list != NULL) {
        free_room(rooms, rooms->list);
    }
}

struct member *room_add(struct room *room, const struct person *person,
                        struct sibling *home)
{
    struct member *member = calloc(1, sizeof *member);

    if (member == NULL) {
        return NULL;
    }
    member->is = *person;
    member->home = home;
    HASH_ADD(hh, room->members, is.id, sizeof member->is.id, member);
    if (member->hh.tbl == NULL) {
        free(member);
        return NULL;
    }
    room->here += home == NULL;
    return member;
}

void room_remove(struct room *room, struct member *member, uint64_t now_ms)
{
    HASH_DEL(room->members, member);
    room->here -= member->home == NULL;
    if (room->members == NULL) {
        room->empty_since_ms = now_ms;
    }
    free(member);
}

struct member *room_member(const struct room *room, bay_id id)
{
    struct member *member;

    HASH_FIND(hh, room->members, &id, sizeof id, member);
    return member;
}

struct member *room_namesake(const struct room *room,
                             const struct person *person)
{
    struct member *member = room->members;

    while (member != NULL && (member->is.id == person->id ||
                              strcasecmp(member->is.name, person->name) != 0)) {
        member = member->hh.next;
    }
    return member;
}

bool room_same_person(const struct person *a, const struct person *b)
{
    return a->key[0] != '\0' && strcmp(a->key, b->key) == 0;
}

int room_remember(struct room *room, int64_t time_ms, const char *id,
                  const char *json, size_t len, size_t max_lines,
                  size_t max_bytes)
{
    struct line *before, *line;
    int order = -1;

    TAILQ_FOREACH_REVERSE(before, &room->lines, lines, at)
    {
        order = before->time_ms == time_ms  ? strcmp(before->id, id)
                : before->time_ms < time_ms ? -1
                                            : 1;
        if (order <= 0) {
            break;
        }
    }
    if (before != NULL && order == 0) {
        return BAY_OK;
    }
    line = malloc(sizeof *line + len + 1);
    if (line == NULL) {
        return BAY_ENOMEM;
    }
    line->time_ms = time_ms;
    snprintf(line->id, sizeof line->id, "%s", id);
    line->len = len;
    memcpy(line->json, json, len + 1);
    if (before != NULL) {
        TAILQ_INSERT_AFTER(&room->lines, before, line, at);
    } else {
        TAILQ_INSERT_HEAD(&room->lines, line, at);
    }
    room->line_count++;
    room->line_bytes += len;
    while (room->line_count > max_lines || room->line_bytes > max_bytes) {
        drop_line(room, TAILQ_FIRST(&room->lines));
    }
    return BAY_OK;
}
