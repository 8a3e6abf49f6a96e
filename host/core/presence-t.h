/* presence-t.h - the structs of presence, for its own files only */
#ifndef PATCHBAY_CORE_PRESENCE_T_H
#define PATCHBAY_CORE_PRESENCE_T_H

#include "core/core-t.h"
#include "core/presence_wire.h"

#define ROOM_KEY_MAX (sizeof(struct route *) + TOPICS_NAME_MAX)

/* An instance that hears of a room. */
struct watcher {
    struct room *room;
    struct instance *instance;
    bool watching; /* bay_watch */
    size_t joined; /* of its connections */
    bool listed;   /* in presence.listed */
    struct watcher *prev, *next;
    struct watcher *prev_listed, *next_listed;
};

/* A list that a worker has asked for, and that did not get through. */
struct owed {
    bay_id worker;
    struct owed *prev, *next;
};

struct presence_peer {
    bay_id worker;
    UT_hash_handle hh;
};

/* A topic somebody here is in or watches. */
struct room {
    struct members members;
    struct core *core;
    struct route *route;
    struct watcher *watchers;
    struct owed *owed;
    unsigned pins; /* it is in use, and does not go */
    bool heard;    /* another worker takes part */
    bool ask;      /* the question could not be published */
    bool tell;     /* a change could not be */
    UT_hash_handle hh;
    unsigned key_len;
    char key[ROOM_KEY_MAX + 1];
};

static inline const char *room_topic(const struct room *room)
{
    return room->key + sizeof room->route;
}

/* presence.c */
struct room *room_find(const struct core *core, const struct route *route,
                       const char *topic);

/* Who was hidden behind it is told of, if nobody else hides it. update: 0 or
 * BAY_ENOMEM. */
void room_remove(struct room *room, struct member *member);
int room_update(struct room *room, struct member *member,
                const struct member_facts *facts);

/* No more members can be known; counted, and said now and then. */
bool presence_is_full(struct core *core);

/* A member of this worker has lost its label. */
void room_displace(struct room *room, struct member *member);

/* The instance hears of the room, though it has no member in it any more. */
void room_hold(struct room *room, struct instance *instance);
void room_release(struct room *room, struct instance *instance);

void room_pin(struct room *room);
void room_unpin(struct room *room); /* may free it */

/* presence_changes.c: to the presence hooks of all that hear of the room, when
 * the hook that runs has returned. except: is told otherwise; may be NULL. */
void changes_post(struct room *room, bay_change_kind kind,
                  const struct member *member, const struct instance *except);
void changes_post_displaced(struct room *room, struct instance *instance,
                            const struct member *member);
void changes_post_listed(struct room *room);
void changes_forget(struct watcher *watcher);

/* presence_tell.c: to the other workers. */
void tell_join(struct room *room); /* the worker begins to want it */
void tell_change(struct room *room, enum presence_type type,
                 const struct member *member);

/* Asks that worker for its members; and tells it those of this one, of which
 * there are none if room is NULL. What does not get through is tried again. */
void tell_want(struct room *room, bay_id worker);
void tell_list(struct core *core, const char *route, const char *topic,
               struct room *room, bay_id worker);

/* Another worker takes part: it is compared with now and then. */
void room_hear(struct room *room);

#endif
