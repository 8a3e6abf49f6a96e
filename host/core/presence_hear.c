/* presence_hear.c - what other workers tell of who is in a topic */
#include <stdlib.h>

#include "base/log.h"
#include "core/presence-t.h"

/* How many that have ended are remembered, for what of theirs comes late. */
#define GONE_MAX 4096u

/* Of two that have a label for themselves alone, the later has to go. */
static void settle_label(struct room *room, const struct member *member)
{
    struct member *at =
        members_find_label(&room->members, member->is.label, member->label_len);
    bool taken = false;

    if (at == NULL || !members_label_contested(at)) {
        return;
    }
    while (at != NULL) {
        struct member *next = at->next_of_label;
        bool unique = (at->flags & BAY_UNIQUE) != 0;

        if (unique && taken && at->conn != NULL) {
            room_displace(room, at);
        }
        taken = taken || unique;
        at = next;
    }
}

/* Nobody hears that one has left of whom nobody has heard. */
static void lose(struct room *room, struct member *member)
{
    if (!member->hidden) {
        changes_post(room, BAY_LEFT, member, NULL);
    }
    room_remove(room, member);
}

enum taken { TAKEN_SAME, TAKEN_NEW, TAKEN_CHANGED, TAKEN_NOT };

static enum taken take_member(struct room *room,
                              const struct member_facts *facts,
                              struct member **found)
{
    struct member *member = members_find(&room->members, facts->id);
    enum taken taken = TAKEN_SAME;

    if (member != NULL && member->is.joined_ms != facts->joined_ms) {
        lose(room, member);
        member = NULL;
    }
    if (member == NULL) {
        if (presence_is_full(room->core)) {
            return TAKEN_NOT;
        }
        member = members_add(&room->members, facts);
        if (member == NULL) {
            return TAKEN_NOT;
        }
        room->core->presence.count++;
        members_hide(&room->members, member);
        taken = TAKEN_NEW;
    } else if (member_differs(member, facts)) {
        if (room_update(room, member, facts) != BAY_OK) {
            return TAKEN_NOT;
        }
        taken = member->hidden && !members_hide(&room->members, member)
                    ? TAKEN_NEW
                    : TAKEN_CHANGED;
    }
    member->round = member->owner->round;
    *found = member;
    return taken;
}

static void take_one(struct room *room, struct presence_frame *frame)
{
    struct member_facts facts;
    struct member *member = NULL;
    enum taken taken;

    presence_wire_next(frame, &facts);
    taken = take_member(room, &facts, &member);
    if (taken == TAKEN_NEW || taken == TAKEN_CHANGED) {
        if (!member->hidden) {
            changes_post(room, taken == TAKEN_NEW ? BAY_JOINED : BAY_UPDATED,
                         member, NULL);
        }
        settle_label(room, member);
    }
}

static bool sweep(struct room *room, struct owner *owner)
{
    struct member *member, *next;
    bool changed = false;

    for (member = owner->list; member != NULL; member = next) {
        next = member->next_of_owner;
        if (member->round != owner->round) {
            changed = changed || !member->hidden;
            room_remove(room, member);
        }
    }
    return changed;
}

static void take_list(struct room *room, struct presence_frame *frame)
{
    struct owner *owner = members_make_owner(&room->members, frame->sender);
    struct member_facts facts;
    bool changed = false;

    if (owner == NULL) {
        return;
    }
    if ((frame->marks & PRESENCE_BEGIN) != 0) {
        owner->round++;
        owner->part = 1;
    }
    if (owner->part == 0 || frame->part != owner->part) {
        owner->part = 0; /* a part was lost: the digest tells */
        return;
    }
    while (presence_wire_next(frame, &facts)) {
        struct member *member = NULL;
        enum taken taken = take_member(room, &facts, &member);

        if (taken == TAKEN_NEW || taken == TAKEN_CHANGED) {
            changed = changed || !member->hidden;
            settle_label(room, member);
        }
    }
    owner->part++;
    if ((frame->marks & PRESENCE_END) != 0) {
        owner->part = 0;
        owner->heard_ms = core_now(room->core);
        changed = sweep(room, owner) || changed;
    }
    if (changed) {
        changes_post_listed(room);
    }
}

static void take_leave(struct room *room, const struct presence_frame *frame)
{
    struct member *member = members_find(&room->members, frame->id);

    if (member != NULL) {
        lose(room, member);
    }
}

static void take_digest(struct room *room, const struct presence_frame *frame)
{
    struct owner *owner = members_owner(&room->members, frame->sender);
    size_t count = owner != NULL ? owner->count : 0;
    uint64_t sum = owner != NULL ? owner->sum : 0;

    if (count != frame->count || sum != frame->sum) {
        tell_want(room, frame->sender);
    } else if (owner != NULL) {
        owner->heard_ms = core_now(room->core);
    }
}

static struct presence_peer *peer_find(struct presence_peer *peers,
                                       bay_id worker)
{
    struct presence_peer *peer;

    HASH_FIND(hh, peers, &worker, sizeof worker, peer);
    return peer;
}

static void refuse(struct core *core, const char *why)
{
    uint64_t left_out;

    core->presence.refused++;
    if (seldom_due(&core->presence.said_refused, core_now(core), &left_out)) {
        log_warn("presence: another worker sent %s: ignored (%llu more times)",
                 why, (unsigned long long)left_out);
    }
}

static void take_into(struct room *room, struct presence_frame *frame)
{
    room_hear(room);
    room_pin(room);
    switch (frame->type) {
    case PRESENCE_SNAP: take_list(room, frame); break;
    case PRESENCE_JOIN:
    case PRESENCE_UPDATE: take_one(room, frame); break;
    case PRESENCE_LEAVE: take_leave(room, frame); break;
    case PRESENCE_DIGEST: take_digest(room, frame); break;
    case PRESENCE_WANT:
    default: break;
    }
    room_unpin(room);
}

void presence_take(struct core *core, const char *route, const void *data,
                   size_t len)
{
    const struct route *found = core_find_names(core, route);
    struct presence_frame frame;
    const char *why = presence_wire_read(&frame, data, len);
    struct room *room;

    if (why != NULL) {
        refuse(core, why);
        return;
    }
    if (frame.sender == presence_self(core) ||
        peer_find(core->presence.gone, frame.sender) != NULL) {
        return; /* an echo, or what one that has ended said before */
    }
    room = found != NULL ? room_find(core, found, frame.topic) : NULL;
    if (frame.type == PRESENCE_WANT) {
        if (room != NULL) {
            room_hear(room);
        }
        tell_list(core, route, frame.topic, room, frame.sender);
    } else if (room != NULL) {
        take_into(room, &frame);
    }
}

/* ---- the other workers ------------------------------------------------- */

static void peer_move(struct presence_peer **from, struct presence_peer **to,
                      bay_id worker)
{
    struct presence_peer *peer = peer_find(*from, worker);

    if (peer != NULL) {
        HASH_DEL(*from, peer);
        free(peer);
    }
    if (peer_find(*to, worker) != NULL) {
        return;
    }
    peer = calloc(1, sizeof *peer);
    if (peer == NULL) {
        return;
    }
    peer->worker = worker;
    HASH_ADD(hh, *to, worker, sizeof peer->worker, peer);
    if (peer->hh.tbl == NULL) {
        free(peer);
    }
}

static void forget_worker(struct room *room, bay_id worker)
{
    struct owner *owner = members_owner(&room->members, worker);

    if (owner == NULL) {
        return;
    }
    while (owner->list != NULL) {
        lose(room, owner->list);
    }
    members_forget_owner(&room->members, owner);
}

void presence_peer(struct core *core, bay_id worker, bool there)
{
    struct presence *presence = &core->presence;
    struct room *room;

    if (worker == presence_self(core)) {
        return;
    }
    if (there) {
        peer_move(&presence->gone, &presence->there, worker);
    } else {
        peer_move(&presence->there, &presence->gone, worker);
    }
    if (HASH_COUNT(presence->gone) > GONE_MAX) {
        struct presence_peer *oldest = presence->gone; /* they are in order */

        HASH_DEL(presence->gone, oldest);
        free(oldest);
    }
    for (room = presence->rooms; room != NULL; room = room->hh.next) {
        if (there) {
            tell_want(room, worker);
        } else {
            forget_worker(room, worker);
        }
    }
}
