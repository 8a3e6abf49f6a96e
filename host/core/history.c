/* history.c - topics whose last messages are kept, and have one order for all */
#include "core/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "core/id.h"
#include "core/replay.h"
#include "core/resume.h"

static bool by_bus(const struct core *core)
{
    return core->setup.bus != NULL && core->setup.bus->append != NULL;
}

/* ---- the archive -------------------------------------------------------- */

/* Delivers what is in the archive behind what was. from: the instance that has
 * put own there; NULL: other workers have. */
static int catch_up(struct core *core, const struct route *route,
                    struct topic *topic, const struct instance *from,
                    struct position own)
{
    struct topic_record *record = topic_record(topic);
    struct batch *batch = &core->news;
    int status = BAY_OK;

    do {
        /* Of a topic of which nothing is known, the last one. */
        enum replay result = archive_read(
            core->setup.archive, route->name, topic_name(topic), NULL, 0,
            record->seen, record->seen.epoch == 0 ? 1 : UINT32_MAX, batch);

        if (result == REPLAY_FAILED) {
            core->alarms--; /* to look again in the next turn */
            return status;
        }
        if (result == REPLAY_TOO_LATE) {
            stat_add(&core->setup.stats->history_missed, 1);
        }
        for (size_t i = 0; i < batch->count; i++) {
            const struct kept *message = &batch->messages[i];

            if (message->kind != 0) {
                int told = core_deliver(
                    core, message->at.offset == own.offset ? from : NULL, topic,
                    message);

                status = status == BAY_OK ? told : status;
            }
            record->seen = message->at;
        }
        if (batch->count == 0) {
            record->seen = batch->head;
        }
    } while (record->seen.offset < batch->head.offset);
    return status;
}

static int publish_archived(struct instance *instance, const char *name,
                            const struct kept *message)
{
    struct core *core = instance->core;
    const struct core_setup *setup = &core->setup;
    struct route *route = instance->route;
    struct topic *topic;
    struct topic_record *record;
    struct kept mine = *message;

    if (archive_append(setup->archive, route->name, name, &route->keep, message,
                       &mine.at) != BAY_OK) {
        /* It is delivered as if the route kept nothing. */
        stat_add(&instance->stats->unkept, 1);
        return core_publish_unkept(instance, name, message);
    }
    if (setup->bus != NULL &&
        setup->bus->publish(setup->bus_self, route->name, name, BUS_NEWS, "", 0,
                            0) != BAY_OK) {
        archive_alarm(setup->archive);
    }
    topic = topics_find(&core->topics, route, name);
    if (topic == NULL) {
        return BAY_OK;
    }
    record = topic_record(topic);
    if (record->seen.epoch == mine.at.epoch &&
        record->seen.offset + 1 == mine.at.offset) {
        record->seen = mine.at;
        return core_deliver(core, instance, topic, &mine);
    }
    return catch_up(core, route, topic, instance, mine.at);
}

void history_news(struct core *core, const struct route *route,
                  const char *name)
{
    struct topic *topic = topics_find(&core->topics, route, name);

    if (topic != NULL && route->keep.count > 0 && core->setup.archive != NULL &&
        !by_bus(core)) {
        catch_up(core, route, topic, NULL, (struct position){ 0 });
    }
}

bool core_bus_wanted(struct core *core, const char *route, const char *topic)
{
    const struct route *found = core_find_names(core, route);

    return found != NULL && found->keep.count > 0 && *topic != PRESENCE_MARK &&
           core->setup.archive != NULL && !by_bus(core);
}

void core_bus_untold(struct core *core)
{
    if (core->setup.archive != NULL) {
        archive_alarm(core->setup.archive);
    }
}

static void look(void *arg, struct route *route, const char *name)
{
    history_news(arg, route, name);
}

void history_sweep(struct core *core)
{
    topics_each(&core->topics, look, core);
}

void history_check(struct core *core)
{
    uint64_t alarms;

    if (core->setup.archive == NULL) {
        return;
    }
    alarms = archive_alarms(core->setup.archive);
    if (alarms != core->alarms) {
        core->alarms = alarms;
        history_sweep(core);
    }
}

/* ---- the bus ------------------------------------------------------------ */

/* Each may have the bus hold a page of so many bytes. */
#define FILLS_MAX  256u
#define FILL_BYTES ((size_t)256 << 10)

/*
 * What was missed of a topic is asked for, by a ticket; those of topics are odd,
 * those of subscribers even: see replay.c. The topic may have gone by the time of
 * the answer, so it is found by its name.
 */
struct fill {
    uint64_t ticket;
    bool floor; /* only where it stands */
    char route[CONF_MAX_NAME + 1];
    char topic[TOPICS_NAME_MAX + 1];
    UT_hash_handle hh;
};

static struct fill *add_fill(struct core *core, const struct topic *topic)
{
    struct fill *fill;

    if (HASH_COUNT(core->fills) >= FILLS_MAX ||
        (fill = calloc(1, sizeof *fill)) == NULL) {
        return NULL;
    }
    fill->ticket = ++core->tickets << 1 | 1;
    snprintf(fill->route, sizeof fill->route, "%s", topic_route(topic)->name);
    snprintf(fill->topic, sizeof fill->topic, "%s", topic_name(topic));
    HASH_ADD(hh, core->fills, ticket, sizeof fill->ticket, fill);
    if (fill->hh.tbl == NULL) {
        free(fill);
        return NULL;
    }
    return fill;
}

static void drop_fill(struct core *core, struct fill *fill)
{
    HASH_DEL(core->fills, fill);
    free(fill);
}

static void ask(struct core *core, struct topic *topic)
{
    const struct core_setup *setup = &core->setup;
    struct topic_record *record = topic_record(topic);
    const struct route *route = topic_route(topic);
    struct fill *fill = by_bus(core) ? add_fill(core, topic) : NULL;
    bool floor = record->seen.epoch == 0 && !record->floor_known;
    struct query query = {
        .after = record->seen.epoch != 0 ? record->seen : record->floor,
        .max = floor ? 0 : UINT32_MAX,
        .bytes = FILL_BYTES,
    };

    record->again = by_bus(core) && fill == NULL;
    core->fills_wanted = core->fills_wanted || record->again;
    record->filling = fill != NULL && !floor;
    record->floor_asked = fill != NULL && floor;
    if (fill == NULL) {
        return; /* ask_others, as soon as there is an answer to one of these */
    }
    fill->floor = floor;
    query.ticket = fill->ticket;
    if (setup->bus->replay(setup->bus_self, route->name, topic_name(topic),
                           &query) != BAY_OK) {
        drop_fill(core, fill);
        record->filling = record->floor_asked = false;
        record->again = true; /* as soon as it can be asked: history_back */
    }
}

static void ask_if(bool need, struct core *core, struct topic *topic)
{
    if (need) {
        ask(core, topic);
    }
}

static void ask_again(void *arg, struct route *route, const char *name)
{
    struct core *core = arg;
    struct topic *topic = topics_find(&core->topics, route, name);

    if (topic != NULL && topic_record(topic)->again &&
        !topic_record(topic)->filling && !topic_record(topic)->floor_asked) {
        ask(core, topic);
    }
}

/* Those that could not ask, because too many did. */
static void ask_others(struct core *core)
{
    if (core->fills_wanted && HASH_COUNT(core->fills) <= FILLS_MAX / 2) {
        core->fills_wanted = false;
        topics_each(&core->topics, ask_again, core);
    }
}

static bool was_there(const struct topic_sub *sub, const struct kept *message)
{
    return (int32_t)((uint32_t)message->time_ms - sub->since_ms) >= 0;
}

/* A message that was kept late, and delivered in this machine at once. Clients
 * that can resume only hear where they are; who has come since gets it. */
static void move_on(const struct topic *topic, const struct kept *message)
{
    char line[RESUME_LINE];
    size_t len =
        resume_line(line, 'p', resume_key(topic_name(topic)), message->at, -1);

    for (size_t i = 0; i < topic_count(topic); i++) {
        struct topic_sub *sub = topic_at(topic, i);

        if (was_there(sub, message)) {
            if (sub->conn->resume != NULL && sub->replay == NULL) {
                conn_tell(sub->conn, line, len);
            }
        } else if (sub->replay == NULL || replay_admits(sub, message)) {
            conn_send_kept(sub->conn, topic_name(topic), message);
        }
    }
}

static void take(struct core *core, struct topic *topic,
                 const struct kept *message)
{
    topic_record(topic)->seen = message->at;
    if (message->late && id_node(message->publisher) == core->setup.node) {
        move_on(topic, message);
    } else {
        core_deliver(core, NULL, topic, message);
    }
}

static struct topic *find_topic(struct core *core, const char *route,
                                const char *name)
{
    const struct route *found = core_find_names(core, route);

    return found != NULL ? topics_find(&core->topics, found, name) : NULL;
}

/* Where it stands was perhaps said after messages had been sent here: those are
 * not to be missed. */
static void lower_floor(struct topic_record *record, struct position at)
{
    if (record->seen.epoch == 0 && (record->floor.epoch != at.epoch ||
                                    at.offset <= record->floor.offset)) {
        record->floor = (struct position){ at.epoch, at.offset - 1 };
    }
}

/* Of a topic of which nothing was delivered: there was one before this. */
static bool is_above_floor(const struct topic_record *record,
                           struct position at)
{
    uint64_t floor = record->floor.epoch == at.epoch ? record->floor.offset : 0;

    return record->floor_known && at.offset > floor + 1 &&
           (record->floor.epoch == at.epoch || record->floor.epoch == 0);
}

void history_take(struct core *core, const char *route, const char *name,
                  const struct kept *message)
{
    struct topic *topic = find_topic(core, route, name);
    struct topic_record *record;

    if (topic == NULL) {
        return;
    }
    record = topic_record(topic);
    if (message->at.epoch == 0) { /* not kept, so among no others */
        core_deliver(core, NULL, topic, message);
    } else if (record->filling) {
        record->again = true;
        lower_floor(record, message->at);
    } else if (record->seen.epoch == 0 && is_above_floor(record, message->at)) {
        ask(core, topic);
    } else if (record->seen.epoch != message->at.epoch ||
               message->at.offset == record->seen.offset + 1) {
        take(core, topic, message);
    } else if (message->at.offset > record->seen.offset) {
        ask(core, topic);
    }
}

static void take_page(struct core *core, struct topic *topic,
                      enum replay result, const struct kept *messages,
                      size_t count, struct position head)
{
    struct topic_record *record = topic_record(topic);

    record->filling = false;
    if (result == REPLAY_FAILED) {
        record->again = true; /* see history_back */
        return;
    }
    if (result == REPLAY_TOO_LATE) {
        stat_add(&core->setup.stats->history_missed, 1);
    }
    if (head.epoch == record->seen.epoch && head.offset < record->seen.offset) {
        record->seen = head; /* Redis has lost some: these places come again */
    }
    for (size_t i = 0; i < count; i++) {
        if (record->seen.epoch != messages[i].at.epoch ||
            messages[i].at.offset > record->seen.offset) {
            take(core, topic, &messages[i]);
        }
    }
    ask_if(record->again ||
               (count > 0 && messages[count - 1].at.offset < head.offset),
           core, topic);
}

static void take_floor(struct core *core, struct topic *topic,
                       enum replay result, struct position head)
{
    struct topic_record *record = topic_record(topic);

    record->floor_asked = false;
    if (result != REPLAY_FAILED && record->seen.epoch == 0) {
        record->floor = head;
        record->floor_known = true;
    }
    if (result == REPLAY_FAILED) {
        record->again = true;
    } else {
        ask_if(record->again, core, topic);
    }
}

void history_filled(struct core *core, uint64_t ticket, enum replay result,
                    const struct kept *messages, size_t count,
                    struct position head)
{
    struct fill *fill;
    struct topic *topic;

    HASH_FIND(hh, core->fills, &ticket, sizeof ticket, fill);
    if (fill != NULL) {
        bool floor = fill->floor;

        topic = find_topic(core, fill->route, fill->topic);
        drop_fill(core, fill);
        if (topic != NULL && floor) {
            take_floor(core, topic, result, head);
        } else if (topic != NULL) {
            take_page(core, topic, result, messages, count, head);
        }
    }
    ask_others(core);
}

void history_settled(struct core *core, const char *route, const char *name)
{
    struct topic *topic = find_topic(core, route, name);
    struct topic_record *record;

    if (topic == NULL || topic_route(topic)->keep.count == 0 || !by_bus(core)) {
        return;
    }
    record = topic_record(topic);
    if (record->filling || record->floor_asked) {
        record->again = true; /* what is on its way may be older than this */
    } else {
        ask(core, topic);
    }
    replay_settled(topic);
}

static void ask_back(void *arg, struct route *route, const char *name)
{
    struct core *core = arg;
    const struct topic *topic = topics_find(&core->topics, route, name);

    ask_again(core, route, name);
    if (topic != NULL) {
        replay_settled(topic);
    }
}

void history_back(struct core *core)
{
    topics_each(&core->topics, ask_back, core);
}

void history_finish(struct core *core)
{
    struct fill *fill, *next;

    HASH_ITER(hh, core->fills, fill, next)
    {
        drop_fill(core, fill);
    }
    batch_finish(&core->batch);
    batch_finish(&core->news);
}

/* ---- what plugins and their connections do ------------------------------ */

int history_publish(struct instance *instance, const char *topic,
                    const struct kept *message)
{
    struct core *core = instance->core;
    const struct core_setup *setup = &core->setup;
    struct topic *found;
    struct kept mine = *message;
    int status;

    mine.publisher = presence_self(core);
    mine.time_ms = core_wall(core);
    if (!by_bus(core)) {
        return setup->archive != NULL
                   ? publish_archived(instance, topic, &mine)
                   : core_publish_unkept(instance, topic, &mine);
    }
    status = setup->bus->append(setup->bus_self, instance->route->name, topic,
                                &instance->route->keep, mine.kind, mine.data,
                                mine.len, mine.except);
    if (status == BAY_OK) {
        return BAY_OK;
    }
    if (status != BAY_ESTATE) {
        stat_add(&instance->stats->unkept, 1);
    }
    found = topics_find(&core->topics, instance->route, topic);
    return found != NULL ? core_deliver(core, instance, found, &mine) : BAY_OK;
}

void history_wanted(struct core *core, const struct route *route,
                    const char *name)
{
    struct topic *topic = topics_find(&core->topics, route, name);

    if (topic != NULL && by_bus(core) && route->keep.count > 0) {
        ask(core, topic);
    } else if (topic != NULL && core->setup.archive != NULL) {
        archive_head(core->setup.archive, route->name, name,
                     &topic_record(topic)->seen);
    }
}

static bool kept_somewhere(const struct conn *conn)
{
    const struct core *core = conn->instance->core;

    return conn->instance->route->keep.count > 0 &&
           (by_bus(core) || core->setup.archive != NULL);
}

static struct topic_sub *find_sub(const struct conn *conn, const char *name)
{
    const struct topic *topic =
        topics_find(&conn->instance->core->topics, conn->instance->route, name);

    return topic != NULL ? topic_sub_of(topic, conn) : NULL;
}

void history_subscribed(struct conn *conn, const char *name)
{
    struct topic_sub *sub;
    struct position at;

    if (!kept_somewhere(conn)) {
        return;
    }
    sub = find_sub(conn, name);
    if (sub->since_ms == 0) {
        sub->since_ms = (uint32_t)core_wall(conn->instance->core);
    }
    if (conn->resume == NULL) {
        return;
    }
    if (resume_find(conn->resume, resume_key(name), &at)) {
        /* With Redis, where it is while nothing was said. */
        at.epoch += at.epoch == 0 && !by_bus(conn->instance->core);
        replay_begin(sub, at, UINT32_MAX, REPLAY_RESUME);
    } else {
        replay_begin(sub, (struct position){ 0 }, 0, REPLAY_POSITION);
    }
}

int history_send(struct conn *conn, const char *name, unsigned max)
{
    struct topic_sub *sub = find_sub(conn, name);

    if (sub == NULL) {
        return BAY_ENOTFOUND;
    }
    if (max == 0 || sub->resumed || !kept_somewhere(conn)) {
        return BAY_OK;
    }
    if (sub->replay != NULL && replay_then(sub, max)) {
        return BAY_OK;
    }
    return replay_begin(sub, (struct position){ 0 }, max, REPLAY_HISTORY);
}
