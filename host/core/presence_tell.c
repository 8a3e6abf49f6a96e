/* presence_tell.c - what workers tell each other of the members of a topic */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/log.h"
#include "core/id.h"
#include "core/presence-t.h"

/* There is something to be done in a while. */
static void due_in(struct core *core, uint64_t ms)
{
    uint64_t at = core_now(core) + ms;

    if (at < core->presence.due_ms) {
        core->presence.due_ms = at;
    }
}

static void hear(struct room *room)
{
    struct presence *presence = &room->core->presence;

    if (!room->heard) {
        room->heard = true;
        if (presence->digest_ms == 0) {
            presence->digest_ms = core_now(room->core) + PRESENCE_DIGEST_MS;
        }
        due_in(room->core, PRESENCE_DIGEST_MS);
    }
}

/* ---- out --------------------------------------------------------------- */

static void begin(struct buf *out, const struct core *core, const char *topic,
                  struct presence_frame *frame)
{
    frame->sender = presence_self(core);
    memcpy(frame->topic, topic, strlen(topic) + 1);
    presence_wire_begin(out, frame);
}

static int publish(const struct room *room, struct buf *out)
{
    const struct core_setup *setup = &room->core->setup;
    char name[TOPICS_NAME_MAX + 2] = { PRESENCE_MARK };
    int status = BAY_ENOMEM;

    memcpy(name + 1, room_topic(room), strlen(room_topic(room)) + 1);
    if (setup->bus != NULL && !out->failed) { /* NULL: the worker ends */
        status = setup->bus->publish(setup->bus_self, room->route->name, name,
                                     BAY_BINARY, out->data, out->len, 0);
    }
    buf_free(out);
    return status;
}

static int send_frame(const struct core *core, const char *route, bay_id worker,
                      struct buf *out)
{
    const struct core_setup *setup = &core->setup;
    int status = BAY_ENOMEM;

    if (setup->bus != NULL && !out->failed) { /* NULL: the worker ends */
        status = setup->bus->send_to(setup->bus_self, route, worker, BAY_BINARY,
                                     out->data, out->len);
    }
    buf_free(out);
    return status;
}

static void ask_all(struct room *room)
{
    struct presence_frame frame = { .type = PRESENCE_WANT };
    struct buf out = { 0 };

    begin(&out, room->core, room_topic(room), &frame);
    room->ask = publish(room, &out) != BAY_OK;
    if (room->ask) {
        due_in(room->core, PRESENCE_RETRY_MS);
    }
}

static void ask_one(struct room *room, bay_id worker)
{
    struct presence_frame frame = { .type = PRESENCE_WANT };
    struct buf out = { 0 };
    int status;

    begin(&out, room->core, room_topic(room), &frame);
    status = send_frame(room->core, room->route->name, worker, &out);
    if (status != BAY_OK && status != BAY_ENOTFOUND) {
        room->ask = true;
        due_in(room->core, PRESENCE_RETRY_MS);
    }
}

/* A sibling whose interest is on its way here is not reached by publishing. */
void tell_join(struct room *room)
{
    const struct core_setup *setup = &room->core->setup;

    if (setup->bus == NULL) {
        return;
    }
    if (!setup->bus->settles) {
        ask_all(room);
    }
    for (struct presence_peer *peer = room->core->presence.there; peer != NULL;
         peer = peer->hh.next) {
        if (id_node(peer->worker) == setup->node) {
            ask_one(room, peer->worker);
        }
    }
}

static void tell_digest(struct room *room)
{
    const struct owner *own =
        members_owner(&room->members, presence_self(room->core));
    struct presence_frame frame = { .type = PRESENCE_DIGEST };
    struct buf out = { 0 };

    if (own != NULL) {
        frame.count = (uint32_t)own->count;
        frame.sum = own->sum;
    }
    begin(&out, room->core, room_topic(room), &frame);
    room->tell = publish(room, &out) != BAY_OK;
    if (room->tell) {
        due_in(room->core, PRESENCE_RETRY_MS);
    }
}

void tell_change(struct room *room, enum presence_type type,
                 const struct member *member)
{
    struct presence_frame frame = { .type = type, .id = member->is.id };
    struct member_facts facts = member_facts(member);
    struct buf out = { 0 };

    if (room->core->setup.bus == NULL) {
        return;
    }
    begin(&out, room->core, room_topic(room), &frame);
    if (type != PRESENCE_LEAVE) {
        presence_wire_add(&out, &facts);
    }
    if (publish(room, &out) != BAY_OK) {
        room->tell = true;
        due_in(room->core, PRESENCE_RETRY_MS);
    }
}

/* All members of this worker, in as few frames as they need. */
static int tell_list(struct core *core, const char *route, const char *topic,
                     const struct room *room, bay_id worker)
{
    const struct owner *own =
        room != NULL ? members_owner(&room->members, presence_self(core))
                     : NULL;
    const struct member *member = own != NULL ? own->list : NULL;
    struct presence_frame frame = { .type = PRESENCE_SNAP };
    int status;

    do {
        struct buf out = { 0 };

        frame.marks = frame.part++ == 0 ? PRESENCE_BEGIN : 0;
        begin(&out, core, topic, &frame);
        for (; member != NULL; member = member->next_of_owner) {
            struct member_facts facts = member_facts(member);

            if (out.len + presence_wire_entry_size(&facts) >
                PRESENCE_WIRE_MAX) {
                break;
            }
            presence_wire_add(&out, &facts);
        }
        if (member == NULL) {
            presence_wire_mark(&out, frame.marks | PRESENCE_END);
        }
        status = send_frame(core, route, worker, &out);
    } while (member != NULL && status == BAY_OK);
    return status;
}

static void owe(struct room *room, bay_id worker)
{
    struct owed *owed;

    DL_FOREACH(room->owed, owed)
    {
        if (owed->worker == worker) {
            return;
        }
    }
    owed = calloc(1, sizeof *owed); /* without it, the digest tells */
    if (owed != NULL) {
        owed->worker = worker;
        DL_APPEND(room->owed, owed);
        due_in(room->core, PRESENCE_RETRY_MS);
    }
}

static void answer(struct core *core, const char *route, const char *topic,
                   struct room *room, bay_id worker)
{
    int status = tell_list(core, route, topic, room, worker);

    if (room != NULL && status != BAY_OK && status != BAY_ENOTFOUND) {
        owe(room, worker);
    }
}

/* ---- in ---------------------------------------------------------------- */

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
        ask_one(room, frame->sender);
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
    hear(room);
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
            hear(room);
        }
        answer(core, route, frame.topic, room, frame.sender);
    } else if (room != NULL) {
        take_into(room, &frame);
    }
}

/* How many that have ended are remembered, for what of theirs comes late. */
#define GONE_MAX 4096u

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
            ask_one(room, worker);
        } else {
            forget_worker(room, worker);
        }
    }
}

void presence_settled(struct core *core, const char *route, const char *topic)
{
    const struct route *found = core_find_names(core, route);
    struct room *room = found != NULL ? room_find(core, found, topic) : NULL;

    if (room != NULL) {
        ask_all(room);
        tell_digest(room); /* what was told meanwhile did not arrive */
    }
}

void presence_each_interest(struct core *core,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg)
{
    struct room *room;

    for (room = core->presence.rooms; room != NULL; room = room->hh.next) {
        char name[TOPICS_NAME_MAX + 2] = { PRESENCE_MARK };

        memcpy(name + 1, room_topic(room), strlen(room_topic(room)) + 1);
        each(arg, room->route->name, name);
    }
}

/* ---- now and then ------------------------------------------------------ */

static void retry(struct room *room)
{
    struct owed *owed, *next, *list = room->owed;

    if (room->ask) {
        ask_all(room);
    }
    if (room->tell) {
        tell_digest(room);
    }
    room->owed = NULL;
    DL_FOREACH_SAFE(list, owed, next)
    {
        answer(room->core, room->route->name, room_topic(room), room,
               owed->worker);
        free(owed);
    }
}

static void check(struct room *room, uint64_t now)
{
    bay_id self = presence_self(room->core);
    struct owner *owner, *next;

    HASH_ITER(hh, room->members.owners, owner, next)
    {
        if (owner->count == 0) {
            members_forget_owner(&room->members, owner);
        } else if (owner->worker == self) {
            tell_digest(room);
        } else if (now - owner->heard_ms > PRESENCE_SILENT_MS) {
            ask_one(room, owner->worker);
        }
    }
}

void presence_tick(struct core *core, uint64_t now)
{
    struct presence *presence = &core->presence;
    bool all = presence->digest_ms != 0 && now >= presence->digest_ms;
    bool heard = false;
    struct room *room;

    if (now < presence->due_ms) {
        return;
    }
    presence->due_ms = UINT64_MAX;
    for (room = presence->rooms; room != NULL; room = room->hh.next) {
        retry(room);
        heard = heard || room->heard;
        if (all && room->heard) {
            check(room, now);
        }
    }
    if (all) {
        presence->digest_ms = heard ? now + PRESENCE_DIGEST_MS : 0;
    }
    if (presence->digest_ms != 0) {
        due_in(core, presence->digest_ms - now);
    }
}
