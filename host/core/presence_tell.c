/* presence_tell.c - what this worker tells the others of who is in a topic */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

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

void room_hear(struct room *room)
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

/* ---- frames ------------------------------------------------------------ */

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

void tell_want(struct room *room, bay_id worker)
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
            tell_want(room, peer->worker);
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
static int send_list(struct core *core, const char *route, const char *topic,
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

void tell_list(struct core *core, const char *route, const char *topic,
               struct room *room, bay_id worker)
{
    int status = send_list(core, route, topic, room, worker);

    if (room != NULL && status != BAY_OK && status != BAY_ENOTFOUND) {
        owe(room, worker);
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
        tell_list(room->core, room->route->name, room_topic(room), room,
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
            tell_want(room, owner->worker);
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
