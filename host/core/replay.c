/* replay.c - a subscriber that gets older messages of its topic first */
#include "core/replay.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "core/archive.h"
#include "core/core-t.h"
#include "core/history.h"
#include "core/id.h"
#include "core/limits.h"
#include "core/resume.h"

/* A message that came while older ones were on their way. */
struct held {
    struct held *next;
    struct kept message;
    char data[];
};

struct replaying {
    struct topic_sub *sub;
    enum replay_why why;
    struct position after; /* it has all up to here */
    unsigned max;
    unsigned then; /* history that is to follow */
    long given;    /* messages */
    bool waiting;  /* for the bus */
    bool queued;   /* to ask the bus, which has been asked enough for now */
    bool parked;   /* the bus was away when it was asked */
    uint64_t parked_ms; /* since when, the first time; by the wall clock */
    bool over;     /* all was given: what comes up to after is known already */
    bool overflow; /* not all that came is held */
    uint64_t ticket;
    struct held *held;
    struct held *held_last;
    size_t held_bytes;
    struct replaying *prev, *next; /* of those that are queued */
    UT_hash_handle hh;             /* by ticket */
};

static struct core *core_of(const struct topic_sub *sub)
{
    return sub->conn->instance->core;
}

static void drop_held(struct replaying *replay)
{
    struct held *held, *next;

    LL_FOREACH_SAFE(replay->held, held, next)
    {
        free(held);
    }
    replay->held = NULL;
    replay->held_bytes = 0;
}

static void stop_waiting(struct replaying *replay)
{
    if (replay->waiting) {
        HASH_DEL(core_of(replay->sub)->replays, replay);
        replay->waiting = false;
    }
    if (replay->queued) {
        DL_DELETE(core_of(replay->sub)->replays_queued, replay);
        replay->queued = false;
    }
}

void replay_end(struct topic_sub *sub)
{
    struct replaying *replay = sub->replay;

    if (replay != NULL) {
        stop_waiting(replay);
        drop_held(replay);
        free(replay);
        sub->replay = NULL;
        sub->conn->replays--;
    }
}

/* ---- what the client hears ---------------------------------------------- */

static void tell(const struct replaying *replay, char what, long count)
{
    struct conn *conn = replay->sub->conn;
    char line[RESUME_LINE];
    size_t len;

    if (conn->resume != NULL) {
        len =
            resume_line(line, what, resume_key(topic_name(replay->sub->topic)),
                        replay->after, count);
        conn_tell(conn, line, len);
    }
}

/* Its own message, which it was not to get when it was published. */
static bool is_own(const struct conn *conn, bay_id except)
{
    return except != 0 &&
           (except == conn->id ||
            (conn->resume != NULL && except == conn->resume->former));
}

/* While the bus was away it got what was published in this machine at once;
 * that is kept late. */
static bool was_given(const struct replaying *replay,
                      const struct kept *message)
{
    return replay->parked_ms != 0 && message->late &&
           id_node(message->publisher) == core_of(replay->sub)->setup.node &&
           message->time_ms >= replay->parked_ms;
}

/* false: the queue is full for now. */
static bool give(struct replaying *replay, const struct kept *message)
{
    struct conn *conn = replay->sub->conn;

    if (!is_own(conn, message->except) && !was_given(replay, message)) {
        if (!conn_has_room(conn)) {
            return false;
        }
        if (conn_send_kept(conn, topic_name(replay->sub->topic), message) !=
            BAY_OK) {
            /* It is not to believe that it has all. It may be closed already:
             * see relief.c. */
            if (conn->state == CONN_OPEN) {
                conn_exceed(conn, LIMIT_MEMORY, BAY_CLOSE_INTERNAL,
                            "out of memory");
            }
            return false;
        }
        replay->given++;
    }
    replay->after = message->at;
    return true;
}

/* All that was to be given is. */
static void finish(struct replaying *replay)
{
    struct topic_sub *sub = replay->sub;
    const struct topic_record *record = topic_record(sub->topic);
    unsigned then = replay->then;

    if (replay->why == REPLAY_RESUME) {
        tell(replay, 'r', replay->given);
        sub->resumed = true;
    } else if (replay->why == REPLAY_POSITION) {
        tell(replay, 'p', -1);
    }
    if (then > 0 && !sub->resumed) {
        replay_end(sub);
        replay_begin(sub, (struct position){ 0 }, then, REPLAY_HISTORY);
        return;
    }
    replay->over = true;
    if (record->seen.epoch == replay->after.epoch &&
        record->seen.offset >= replay->after.offset) {
        replay_end(sub);
    }
}

/* Where one is whom nobody could tell: behind no message of any topic, and not
 * where nothing was said yet, either, which is 0.0. */
static const struct position nowhere = { 1, 0 };

/* It asked for what is not kept any more: it begins anew. */
static void too_late(struct replaying *replay, struct position head)
{
    replay->after = head;
    tell(replay, 'x', -1);
    replay->why = REPLAY_HISTORY; /* and no other line */
    finish(replay);
}

/* ---- from the archive --------------------------------------------------- */

static void run_archive(struct replaying *replay)
{
    struct topic_sub *sub = replay->sub;
    struct core *core = core_of(sub);
    struct batch *batch = &core->batch;
    const struct route *route = topic_route(sub->topic);

    for (;;) {
        enum replay result = archive_read(
            core->setup.archive, route->name, topic_name(sub->topic),
            &route->keep, core_wall(core), replay->after, replay->max, batch);

        if (result == REPLAY_FAILED ||
            (result == REPLAY_TOO_LATE && replay->why == REPLAY_RESUME)) {
            too_late(replay, batch->head);
            return;
        }
        for (size_t i = 0; i < batch->count; i++) {
            if (!give(replay, &batch->messages[i])) {
                return; /* replay_go_on */
            }
        }
        if (batch->count == 0 ||
            batch->messages[batch->count - 1].at.offset >= batch->head.offset) {
            replay->after = batch->head;
            finish(replay);
            return;
        }
    }
}

/* ---- from the bus ------------------------------------------------------- */

/* Each may have the bus hold half of send_queue. */
#define TICKETS_MAX 256u

/* The queue of the client takes about so much more. */
static size_t room_of(const struct conn *conn)
{
    size_t half = conn->instance->conf->limits.send_queue / 2;

    return half > conn->sendq.bytes ? half - conn->sendq.bytes : 1;
}

/* Until replay_settled, or a message that is kept shows that the bus is back. */
static void park(struct replaying *replay)
{
    replay->parked = true;
    if (replay->parked_ms == 0) {
        replay->parked_ms = core_wall(core_of(replay->sub));
    }
}

static int ask_bus(struct replaying *replay)
{
    struct topic_sub *sub = replay->sub;
    struct core *core = core_of(sub);
    const struct route *route = topic_route(sub->topic);
    struct query query = { .after = replay->after,
                           .max = replay->max,
                           .keep = route->keep,
                           .whole = replay->why == REPLAY_RESUME,
                           .bytes = room_of(sub->conn) };
    int status;

    replay->parked = false;
    if (core->setup.bus == NULL) {
        return BAY_ESTATE; /* the worker ends */
    }
    if (HASH_COUNT(core->replays) >= TICKETS_MAX) {
        replay->queued = true;
        DL_APPEND(core->replays_queued, replay);
        return BAY_OK;
    }
    replay->ticket = ++core->tickets << 1; /* even: see history.c */
    HASH_ADD(hh, core->replays, ticket, sizeof replay->ticket, replay);
    if (replay->hh.tbl == NULL) {
        return BAY_ENOMEM;
    }
    query.ticket = replay->ticket;
    replay->waiting = true;
    replay->overflow = false;
    status = core->setup.bus->replay(core->setup.bus_self, route->name,
                                     topic_name(sub->topic), &query);
    if (status != BAY_OK) {
        stop_waiting(replay);
    }
    if (status == BAY_ESTATE) {
        park(replay);
        status = BAY_OK;
    }
    return status;
}

static void unpark(struct replaying *replay)
{
    if (replay->parked && ask_bus(replay) != BAY_OK) {
        replay->parked = true;
    }
}

static bool hold(struct replaying *replay, const struct kept *message)
{
    size_t limit = replay->sub->conn->instance->conf->limits.send_queue;
    size_t size = sizeof(struct held) + message->len + 1;
    struct held *held;

    if (replay->held_bytes + size > limit || replay->overflow ||
        (held = malloc(size)) == NULL) {
        return false;
    }
    held->message = *message;
    held->message.data = held->data;
    memcpy(held->data, message->data, message->len);
    held->data[message->len] = '\0';
    replay->held_bytes += size;
    held->next = NULL;
    if (replay->held == NULL) {
        replay->held = held;
    } else {
        replay->held_last->next = held;
    }
    replay->held_last = held;
    return true;
}

/* What came meanwhile, behind what was given. false: it is not all. */
static bool give_held(struct replaying *replay)
{
    struct held *held;

    LL_FOREACH(replay->held, held)
    {
        const struct position *at = &held->message.at;

        if (at->epoch == replay->after.epoch &&
            at->offset <= replay->after.offset) {
            continue;
        }
        if (!give(replay, &held->message)) {
            return false;
        }
    }
    return !replay->overflow;
}

/* The next page now, or when the client has read. */
static void ask_on(struct replaying *replay)
{
    const struct conn *conn = replay->sub->conn;

    drop_held(replay); /* it will be in a page */
    if (conn->state == CONN_OPEN && conn_is_drained(conn) &&
        ask_bus(replay) != BAY_OK) {
        too_late(replay, nowhere);
    }
}

static void take_page(struct replaying *replay, const struct kept *messages,
                      size_t count, struct position head)
{
    for (size_t i = 0; i < count; i++) {
        if (!give(replay, &messages[i])) {
            drop_held(replay);
            return; /* replay_go_on asks again */
        }
    }
    if (count > 0 && messages[count - 1].at.offset < head.offset) {
        ask_on(replay);
        return;
    }
    replay->after = head;
    if (give_held(replay)) {
        drop_held(replay);
        finish(replay);
    } else {
        ask_on(replay);
    }
}

/* One that waits for its turn, now that another has had its. */
static void ask_next(struct core *core)
{
    struct replaying *replay = core->replays_queued;

    if (replay != NULL && HASH_COUNT(core->replays) < TICKETS_MAX) {
        stop_waiting(replay);
        if (ask_bus(replay) != BAY_OK) {
            too_late(replay, nowhere);
        }
    }
}

bool replay_answer(struct core *core, uint64_t ticket, enum replay result,
                   const struct kept *messages, size_t count,
                   struct position head)
{
    struct replaying *replay;

    HASH_FIND(hh, core->replays, &ticket, sizeof ticket, replay);
    if (replay == NULL) {
        ask_next(core);
        return false;
    }
    stop_waiting(replay);
    if (result == REPLAY_FAILED) {
        drop_held(replay); /* they will be in a page */
        park(replay);
    } else if (result == REPLAY_TOO_LATE && replay->why == REPLAY_RESUME) {
        give_held(replay); /* some are lost for it: that is what it hears */
        drop_held(replay);
        too_late(replay, head);
    } else {
        take_page(replay, messages, count, head);
    }
    ask_next(core);
    return true;
}

/* ---- begin, go on ------------------------------------------------------- */

static int run(struct replaying *replay)
{
    struct core *core = core_of(replay->sub);

    if (core->setup.bus != NULL && core->setup.bus->replay != NULL) {
        return ask_bus(replay);
    }
    run_archive(replay);
    return BAY_OK;
}

int replay_begin(struct topic_sub *sub, struct position after, unsigned max,
                 enum replay_why why)
{
    struct replaying *replay = calloc(1, sizeof *replay);
    int status;

    if (replay == NULL) {
        return BAY_ENOMEM;
    }
    replay->sub = sub;
    replay->why = why;
    replay->after = after;
    replay->max = max;
    sub->replay = replay;
    sub->conn->replays++;
    status = run(replay);
    if (status != BAY_OK && why == REPLAY_RESUME) {
        too_late(replay, nowhere);
        status = BAY_OK;
    } else if (status != BAY_OK) {
        replay_end(sub);
    }
    return status;
}

bool replay_then(struct topic_sub *sub, unsigned max)
{
    if (sub->replay->over) {
        replay_end(sub);
        return false;
    }
    sub->replay->then = max;
    return true;
}

bool replay_admits(struct topic_sub *sub, const struct kept *message)
{
    struct replaying *replay = sub->replay;

    if (replay->over) {
        if (message->at.epoch == replay->after.epoch &&
            message->at.offset <= replay->after.offset) {
            return false;
        }
        replay_end(sub);
        return true;
    }
    if (replay->parked && message->at.epoch != 0) {
        unpark(replay);
    }
    if (replay->waiting && message->at.epoch != 0) {
        replay->overflow = !hold(replay, message) || replay->overflow;
    }
    /* One that is not kept is not among those that are asked for. */
    return message->at.epoch == 0;
}

void replay_settled(const struct topic *topic)
{
    for (size_t i = 0; i < topic_count(topic); i++) {
        struct replaying *replay = topic_at(topic, i)->replay;

        if (replay != NULL) {
            unpark(replay);
        }
    }
}

void replay_go_on(struct conn *conn)
{
    struct topic_sub *sub = conn->subs, *next;

    for (; sub != NULL && conn_has_room(conn); sub = next) {
        struct replaying *replay = sub->replay;

        next = sub->next_of_conn;
        if (replay != NULL && !replay->waiting && !replay->queued &&
            !replay->parked && !replay->over) {
            if (run(replay) != BAY_OK) {
                too_late(replay, nowhere);
            }
        }
    }
}
