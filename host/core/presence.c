/* presence.c - who is in which topic: those of this worker, and who hears */
#include "core/presence.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/log.h"
#include "core/id.h"
#include "core/presence-t.h"

void presence_init(struct presence *presence)
{
    *presence = (struct presence){ .due_ms = UINT64_MAX, .max = PRESENCE_MAX };
}

bay_id presence_self(const struct core *core)
{
    return id_make(core->setup.node, core->setup.worker, core->incarnation, 0);
}

/* ---- rooms ------------------------------------------------------------- */

static unsigned make_key(char key[ROOM_KEY_MAX + 1], const struct route *route,
                         const char *topic)
{
    size_t len = strlen(topic);

    memcpy(key, &route, sizeof route);
    memcpy(key + sizeof route, topic, len + 1);
    return (unsigned)(sizeof route + len);
}

struct room *room_find(const struct core *core, const struct route *route,
                       const char *topic)
{
    char key[ROOM_KEY_MAX + 1];
    unsigned len = make_key(key, route, topic);
    struct room *room;

    HASH_FIND(hh, core->presence.rooms, key, len, room);
    return room;
}

static void tell_interest(const struct room *room, bool on)
{
    char name[TOPICS_NAME_MAX + 2] = { PRESENCE_MARK };

    memcpy(name + 1, room_topic(room), strlen(room_topic(room)) + 1);
    core_interest(room->core, room->route, name, on);
}

static struct room *room_make(struct core *core, struct route *route,
                              const char *topic)
{
    struct room *room = room_find(core, route, topic);

    if (room != NULL) {
        return room;
    }
    room = calloc(1, sizeof *room);
    if (room == NULL) {
        return NULL;
    }
    room->core = core;
    room->route = route;
    room->key_len = make_key(room->key, route, topic);
    HASH_ADD(hh, core->presence.rooms, key, room->key_len, room);
    if (room->hh.tbl == NULL) {
        free(room);
        return NULL;
    }
    tell_interest(room, true);
    tell_join(room);
    return room;
}

static void room_destroy(struct room *room)
{
    struct owed *owed, *next;

    HASH_DEL(room->core->presence.rooms, room);
    room->core->presence.count -= room->members.count;
    members_finish(&room->members);
    DL_FOREACH_SAFE(room->owed, owed, next)
    {
        free(owed);
    }
    free(room);
}

/* Nobody here wants to know any more. */
static void room_collect(struct room *room)
{
    if (room->watchers == NULL && room->pins == 0) {
        tell_interest(room, false);
        room_destroy(room);
    }
}

void room_pin(struct room *room)
{
    room->pins++;
}

void room_unpin(struct room *room)
{
    room->pins--;
    room_collect(room);
}

/* ---- who hears --------------------------------------------------------- */

static struct watcher *watcher_find(const struct room *room,
                                    const struct instance *instance)
{
    struct watcher *watcher;

    DL_FOREACH(room->watchers, watcher)
    {
        if (watcher->instance == instance) {
            break;
        }
    }
    return watcher;
}

static struct watcher *watcher_make(struct room *room,
                                    struct instance *instance)
{
    struct watcher *watcher = watcher_find(room, instance);

    if (watcher != NULL) {
        return watcher;
    }
    watcher = calloc(1, sizeof *watcher);
    if (watcher != NULL) {
        watcher->room = room;
        watcher->instance = instance;
        DL_APPEND(room->watchers, watcher);
    }
    return watcher;
}

/* Frees the room, too, if it was the last. */
static void watcher_collect(struct watcher *watcher)
{
    struct room *room = watcher->room;

    if (!watcher->watching && watcher->joined == 0) {
        changes_forget(watcher);
        DL_DELETE(room->watchers, watcher);
        free(watcher);
        room_collect(room);
    }
}

void room_hold(struct room *room, struct instance *instance)
{
    struct watcher *watcher = watcher_find(room, instance);

    watcher->joined++;
}

void room_release(struct room *room, struct instance *instance)
{
    struct watcher *watcher = watcher_find(room, instance);

    watcher->joined--;
    watcher_collect(watcher);
}

/* In a room that somebody hears of; NULL: no memory, and no such room. */
static struct watcher *enter(struct instance *instance, const char *topic)
{
    struct room *room = room_make(instance->core, instance->route, topic);
    struct watcher *watcher =
        room != NULL ? watcher_make(room, instance) : NULL;

    if (room != NULL && watcher == NULL) {
        room_collect(room);
    }
    return watcher;
}

int presence_watch(struct instance *instance, const char *topic)
{
    struct watcher *watcher = enter(instance, topic);

    if (watcher == NULL) {
        return BAY_ENOMEM;
    }
    watcher->watching = true;
    return BAY_OK;
}

int presence_unwatch(struct instance *instance, const char *topic)
{
    struct room *room = room_find(instance->core, instance->route, topic);
    struct watcher *watcher =
        room != NULL ? watcher_find(room, instance) : NULL;

    if (watcher == NULL || !watcher->watching) {
        return BAY_ENOTFOUND;
    }
    watcher->watching = false;
    watcher_collect(watcher);
    return BAY_OK;
}

void presence_unwatch_all(struct instance *instance)
{
    struct room *room, *next;

    HASH_ITER(hh, instance->core->presence.rooms, room, next)
    {
        struct watcher *watcher = watcher_find(room, instance);

        if (watcher != NULL) {
            watcher->watching = false;
            watcher_collect(watcher);
        }
    }
}

const struct members *presence_members(const struct instance *instance,
                                       const char *topic)
{
    const struct room *room = room_find(instance->core, instance->route, topic);

    return room != NULL && watcher_find(room, instance) != NULL ? &room->members
                                                                : NULL;
}

/* ---- members of this worker -------------------------------------------- */

/* Who may be hidden behind it, and not any more when it goes or changes. */
static struct member *behind(const struct room *room,
                             const struct member *member)
{
    bool hides = room->members.hidden > 0 && (member->flags & BAY_UNIQUE) != 0;

    return hides ? member->next_of_label : NULL;
}

static void reveal(struct room *room, struct member *member)
{
    for (; member != NULL; member = member->next_of_label) {
        if (member->hidden && !members_hide(&room->members, member)) {
            changes_post(room, BAY_JOINED, member, NULL);
        }
        if ((member->flags & BAY_UNIQUE) != 0) {
            break; /* it hides those behind */
        }
    }
}

void room_remove(struct room *room, struct member *member)
{
    struct member *next = behind(room, member);

    room->core->presence.count--;
    members_remove(&room->members, member);
    reveal(room, next);
}

/* It keeps its place among those of its label, if it keeps that. */
int room_update(struct room *room, struct member *member,
                const struct member_facts *facts)
{
    struct member *next = behind(room, member);
    int status = members_update(&room->members, member, facts);

    reveal(room, next);
    return status;
}

/* Who has had it longest may have it for itself alone, too: others that took it
 * so meanwhile, before they knew, have to go (settle_label). */
static bool is_taken(const struct room *room, const struct conn *conn,
                     const struct member_facts *facts)
{
    const struct member *other =
        members_find_label(&room->members, facts->label, facts->label_len);

    if (other == NULL || other->is.id != conn->id) {
        return other != NULL;
    }
    while ((other = other->next_of_label) != NULL) {
        if ((other->flags & BAY_UNIQUE) == 0) {
            return true;
        }
    }
    return false;
}

static int update(struct room *room, struct member *member,
                  const struct member_facts *facts)
{
    int status;

    if (!member_differs(member, facts)) {
        return BAY_OK;
    }
    status = room_update(room, member, facts);
    if (status == BAY_OK) {
        tell_change(room, PRESENCE_UPDATE, member);
        changes_post(room, BAY_UPDATED, member, NULL);
    }
    return status;
}

static void refuse(struct core *core, const char *what, size_t limit)
{
    uint64_t left_out;

    stat_add(&core->setup.stats->presence_refused, 1);
    if (seldom_due(&core->presence.said_full, core_now(core), &left_out)) {
        log_warn("presence: there are %zu %s, which is the limit: a member was "
                 "left out (%llu more times)",
                 limit, what, (unsigned long long)left_out);
    }
}

bool presence_is_full(struct core *core)
{
    bool full = core->presence.count >= core->presence.max;

    if (full) {
        refuse(core, "members known to this worker", core->presence.max);
    }
    return full;
}

static int add(struct room *room, struct conn *conn, struct member_facts *facts)
{
    struct member *member;

    if (conn->membership_count >= PRESENCE_JOIN_MAX) {
        refuse(room->core, "topics joined by a connection", PRESENCE_JOIN_MAX);
        return BAY_EFULL;
    }
    if (presence_is_full(room->core)) {
        return BAY_EFULL;
    }
    facts->joined_ms = core_wall(conn->instance->core);
    member = members_add(&room->members, facts);
    if (member == NULL) {
        return BAY_ENOMEM;
    }
    room->core->presence.count++;
    member->conn = conn;
    member->room = room;
    DL_APPEND2(conn->memberships, member, prev_of_conn, next_of_conn);
    conn->membership_count++;
    tell_change(room, PRESENCE_JOIN, member);
    changes_post(room, BAY_JOINED, member, NULL);
    return BAY_OK;
}

int presence_join(struct conn *conn, const char *topic,
                  struct member_facts *facts)
{
    struct watcher *watcher = enter(conn->instance, topic);
    struct member *member;
    int status;

    if (watcher == NULL) {
        return BAY_ENOMEM;
    }
    facts->id = conn->id;
    member = members_find(&watcher->room->members, conn->id);
    if ((facts->flags & BAY_UNIQUE) != 0 &&
        is_taken(watcher->room, conn, facts)) {
        status = BAY_EEXISTS;
    } else if (member != NULL) {
        status = update(watcher->room, member, facts);
    } else {
        watcher->joined++; /* it hears of itself */
        status = add(watcher->room, conn, facts);
        watcher->joined -= status != BAY_OK;
    }
    watcher_collect(watcher);
    return status;
}

/* Of a connection here; frees the room, too, if nobody else is there. */
static void drop(struct room *room, struct member *member)
{
    struct conn *conn = member->conn;
    struct watcher *watcher = watcher_find(room, conn->instance);

    tell_change(room, PRESENCE_LEAVE, member);
    DL_DELETE2(conn->memberships, member, prev_of_conn, next_of_conn);
    conn->membership_count--;
    watcher->joined--;
    room_pin(room);
    watcher_collect(watcher); /* it does not hear who was hidden behind it */
    room_remove(room, member);
    room_unpin(room);
}

void room_displace(struct room *room, struct member *member)
{
    struct instance *instance = member->conn->instance;

    changes_post_displaced(room, instance, member);
    changes_post(room, BAY_LEFT, member, instance);
    drop(room, member);
}

int presence_leave(struct conn *conn, const char *topic)
{
    struct room *room =
        room_find(conn->instance->core, conn->instance->route, topic);
    struct member *member =
        room != NULL ? members_find(&room->members, conn->id) : NULL;

    if (member == NULL) {
        return BAY_ENOTFOUND;
    }
    changes_post(room, BAY_LEFT, member, NULL);
    drop(room, member);
    return BAY_OK;
}

void presence_leave_all(struct conn *conn)
{
    while (conn->memberships != NULL) {
        struct member *member = conn->memberships;

        changes_post(member->room, BAY_LEFT, member, NULL);
        drop(member->room, member);
    }
}

static void forget_peers(struct presence_peer **peers)
{
    struct presence_peer *peer, *next;

    HASH_ITER(hh, *peers, peer, next)
    {
        HASH_DEL(*peers, peer);
        free(peer);
    }
}

void presence_finish(struct core *core)
{
    struct room *room, *next;

    HASH_ITER(hh, core->presence.rooms, room, next)
    {
        room_destroy(room);
    }
    forget_peers(&core->presence.gone);
    forget_peers(&core->presence.there);
}
