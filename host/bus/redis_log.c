/* redis_log.c - history in Redis: messages that are kept wait here until they
 * are
 */
#include "bus/redis_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include <patchbay.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/redis-t.h"
#include "bus/redis_replay.h"
#include "bus/redis_send.h"

/* One message, its envelope as it is to be kept. */
struct redis_entry {
    struct redis_entry *prev, *next;
    uint64_t order;  /* that core gave it in */
    uint64_t number; /* 0: it has none yet */
    bool late;       /* this machine has delivered it already */
    bool doubt;      /* it was given before: nobody knows what came of it */
    struct keep keep;
    size_t size;       /* of the whole */
    size_t key_len;    /* "ROUTE:TOPIC" */
    size_t len;        /* of the envelope */
    const char *bytes; /* behind the key */
    char key[];
};

void redis_log_init(struct redis_log *log, struct redis_bus *bus)
{
    log->bus = bus;
    log->append.text = redis_script_append;
    log->replay.text = redis_script_replay;
}

/* What Redis keeps now gets to subscribers now. */
static bool is_ready(const struct redis_log *log)
{
    const struct redis_bus *bus = log->bus;

    return redis_can_send(bus) && bus->heard && log->append.hash[0] &&
           !log->full;
}

static struct redis_entry *make_entry(struct redis_log *log,
                                      const struct keep *keep,
                                      struct envelope *envelope)
{
    size_t key_len = strlen(envelope->route) + 1 + strlen(envelope->text);
    size_t len, size;
    struct redis_entry *entry;

    envelope->from = log->bus->self;
    envelope->group = log->bus->setup.group;
    envelope->time_ms = clock_wall_ms();
    len = envelope_size(envelope);
    size = sizeof *entry + key_len + 1 + len;
    entry = len > 0 ? malloc(size) : NULL;
    if (!entry) {
        return NULL;
    }
    memset(entry, 0, sizeof *entry);
    entry->keep = *keep;
    entry->size = size;
    entry->key_len = key_len;
    entry->len = len;
    snprintf(entry->key, key_len + 1, "%s:%s", envelope->route, envelope->text);
    entry->bytes = entry->key + key_len + 1;
    entry->late = envelope->late;
    entry->order = ++log->order;
    envelope_encode(entry->key + key_len + 1, envelope);
    return entry;
}

/* Behind those that have a number, among the others in core's order. */
static void add(struct redis_log *log, struct redis_entry *entry)
{
    struct redis_entry *last = log->entries ? log->entries->prev : NULL;

    while (last && !last->number && last->order > entry->order) {
        last = last == log->entries ? NULL : last->prev;
    }
    DL_APPEND_ELEM(log->entries, last, entry);
    log->bytes += entry->size;
    if (!log->unsent || log->unsent == entry->next) {
        log->unsent = entry;
    }
}

static void take_out(struct redis_log *log, struct redis_entry *entry)
{
    if (log->unsent == entry) {
        log->unsent = entry->next;
    }
    DL_DELETE(log->entries, entry);
    log->bytes -= entry->size;
}

/* ---- to Redis ---------------------------------------------------------- */

static void on_appended(void *arg, uint64_t number, const redisReply *reply);

static int send_one(struct redis_log *log, struct redis_entry *entry)
{
    struct redis_bus *bus = log->bus;
    struct position floor =
        channels_position(&bus->channels, entry->key, entry->key_len);
    char self[REDIS_NAME + 32], channel[2 * REDIS_NAME + 128];
    char number[24], count[16], age[24], epoch[24], seen[24], offset[24];
    struct redis_keys keys;
    struct resp_arg args[14];

    entry->doubt = entry->number != 0;
    if (!entry->doubt) {
        entry->number = ++log->number;
    }
    redis_script_keys(&keys, bus->setup.conf->name, entry->key);
    snprintf(self, sizeof self, "pb:%s:seq:%016" PRIx64, bus->setup.conf->name,
             bus->self);
    snprintf(channel, sizeof channel, "%s%s", bus->to_topics, entry->key);
    snprintf(number, sizeof number, "%" PRIu64, entry->number);
    snprintf(count, sizeof count, "%u", entry->keep.count);
    snprintf(age, sizeof age, "%" PRIu64, entry->keep.age_ms);
    snprintf(epoch, sizeof epoch, "%" PRIu64, redis_epoch(bus));
    snprintf(seen, sizeof seen, "%" PRIu64, floor.epoch);
    snprintf(offset, sizeof offset, "%" PRIu64, floor.offset);
    args[0] = RESP_TEXT("EVALSHA");
    args[1] = RESP_TEXT(log->append.hash);
    args[2] = RESP_TEXT("3");
    args[3] = RESP_TEXT(keys.meta);
    args[4] = RESP_TEXT(keys.stream);
    args[5] = RESP_TEXT(self);
    args[6] = RESP_TEXT(number);
    args[7] = RESP_TEXT(count);
    args[8] = RESP_TEXT(age);
    args[9] = RESP_TEXT(channel);
    args[10] = RESP_TEXT(epoch);
    args[11] = RESP_TEXT(seen);
    args[12] = RESP_TEXT(offset);
    args[13] = (struct resp_arg){ entry->bytes, entry->len };
    return redis_link_command(&bus->commands, args, 14, on_appended, log,
                              entry->number, NULL);
}

/* As much as the connection takes now; the rest follows with the answers. */
static void send_waiting(struct redis_log *log)
{
    size_t half = log->bus->setup.conf->queue / 2;

    while (log->unsent && is_ready(log)) {
        struct redis_entry *entry = log->unsent;

        if (log->bus->commands.outbox.bytes > half ||
            send_one(log, entry) < 0) {
            return;
        }
        log->unsent = entry->next;
    }
}

/* ---- what comes of it -------------------------------------------------- */

/* It is not known when this is kept, if ever: those of this machine get it
 * now. */
static void deliver_here(struct redis_log *log, struct redis_entry *entry)
{
    struct redis_bus *bus = log->bus;
    struct envelope envelope;
    struct kept kept;
    char *data;

    if (entry->late || envelope_decode(&envelope, entry->bytes, entry->len)) {
        return;
    }
    data = malloc(envelope.len + 1);
    if (!data) {
        return;
    }
    memcpy(data, envelope.data, envelope.len);
    data[envelope.len] = '\0';
    kept = (struct kept){ .kind = envelope.kind,
                          .data = data,
                          .len = envelope.len,
                          .except = envelope.id,
                          .publisher = bus->self,
                          .time_ms = envelope.time_ms };
    redis_publish_near(bus, envelope.route, envelope.text, envelope.kind, data,
                       envelope.len, envelope.id);
    core_bus_kept(bus->setup.core, envelope.route, envelope.text, &kept);
    free(data);
    entry->late = true;
    envelope_set_late(entry->key + entry->key_len + 1);
}

static void deliver_waiting(struct redis_log *log)
{
    struct redis_entry *entry;

    for (entry = log->unsent; entry; entry = entry->next) {
        if (!entry->number) {
            deliver_here(log, entry);
        }
    }
}

/* Redis has not kept it and said so: it is to be given again by a new number,
 * behind those that were given since. One that may have been kept before, on a
 * connection that was lost, needs the number it had then. */
static void give_again(struct redis_log *log, struct redis_entry *entry)
{
    if (!entry->doubt) {
        take_out(log, entry);
        entry->number = 0;
        add(log, entry);
    } else if (!log->unsent || !log->unsent->number ||
               log->unsent->number > entry->number) {
        log->unsent = entry;
    }
}

static void refuse(struct redis_log *log, struct redis_entry *entry,
                   const char *why)
{
    uint64_t left_out;

    deliver_here(log, entry);
    take_out(log, entry);
    free(entry);
    stat_add(&log->bus->setup.stats->cluster_not_sent, 1);
    if (seldom_due(&log->refused, uv_now(log->bus->setup.loop), &left_out)) {
        log_warn("cluster: Redis does not keep a message: %s (nor %" PRIu64
                 " before)",
                 why, left_out);
    }
}

static void become_full(struct redis_log *log, struct redis_entry *entry,
                        const char *why)
{
    deliver_here(log, entry);
    give_again(log, entry);
    if (!log->full) {
        log->full = true;
        redis_degrade(log->bus, CLUSTER_FULL, why);
    }
}

static void kept(struct redis_log *log, struct redis_entry *entry)
{
    if (entry->late) {
        stat_add(&log->bus->setup.stats->cluster_late, 1);
    }
    if (entry->doubt && entry->number < log->last_kept) {
        /* The script takes it for kept, which it may not be. */
        stat_add(&log->bus->setup.stats->cluster_not_sent, 1);
    } else {
        log->last_kept = entry->number;
    }
    take_out(log, entry);
    free(entry);
    log->reloaded = false;
    if (log->full) {
        log->full = false;
        redis_look_up(log->bus);
    }
}

static struct redis_entry *find(const struct redis_log *log, uint64_t number)
{
    struct redis_entry *entry;

    DL_FOREACH(log->entries, entry)
    {
        if (entry->number == number) {
            return entry;
        }
    }
    return NULL;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Redis has not run the script, which it does not have, or not any more. */
static void load_again(struct redis_log *log, struct redis_entry *entry)
{
    if (log->append.loading && log->full) {
        deliver_here(log, entry); /* one of several, as those below */
        give_again(log, entry);
    } else if (log->append.loading) {
        give_again(log, entry);
    } else if (log->reloaded) {
        become_full(log, entry, "it forgets at once the scripts it has loaded");
        redis_log_load(log, &log->append);
    } else {
        give_again(log, entry);
        redis_log_load(log, &log->append);
        log->reloaded = log->append.loading;
    }
}

/* The script ran, and has not kept the message before. */
static void not_kept(struct redis_log *log, struct redis_entry *entry,
                     const char *why)
{
    entry->doubt = false;
    become_full(log, entry, why);
}

/* Of the connection that was lost all come at once: then they are to be given
 * again, by their numbers. */
static void on_appended(void *arg, uint64_t number, const redisReply *reply)
{
    struct redis_log *log = arg;
    struct redis_entry *entry;

    if (!reply) {
        log->unsent = log->entries;
        log->reloaded = false;
        return;
    }
    entry = find(log, number); /* the first, as a rule */
    if (!entry) {
        return;
    }
    if (reply->type != REDIS_REPLY_ERROR) {
        kept(log, entry);
    } else if (begins(reply->str, "NOSCRIPT")) {
        load_again(log, entry);
    } else if (begins(reply->str, "OOM") || strstr(reply->str, "-OOM")) {
        not_kept(log, entry, "it has no memory left for history (maxmemory)");
    } else if (begins(reply->str, "BUSY")) {
        become_full(log, entry, "another script keeps it busy");
    } else if (strstr(reply->str, "MISCONF")) {
        not_kept(log, entry, "it takes no writes now");
    } else {
        refuse(log, entry, reply->str);
    }
    send_waiting(log);
}

/* ---- its scripts ------------------------------------------------------- */

enum { TAG_APPEND, TAG_REPLAY };

static void on_loaded(void *arg, uint64_t tag, const redisReply *reply)
{
    struct redis_log *log = arg;
    uint64_t left_out;

    if (!redis_script_loaded(tag == TAG_APPEND ? &log->append : &log->replay,
                             reply) &&
        reply &&
        seldom_due(&log->refused, uv_now(log->bus->setup.loop), &left_out)) {
        log_warn("cluster: Redis cannot keep history: it does not take a "
                 "script: %s",
                 reply->type == REDIS_REPLY_ERROR ? reply->str : "no hash");
    }
    if (tag == TAG_REPLAY) {
        redis_replay_go_on(log->bus);
        if (log->replay.hash[0] && redis_can_send(log->bus)) {
            core_bus_back(log->bus->setup.core);
        }
    } else if (reply && !log->append.hash[0]) {
        deliver_waiting(log);
    }
    send_waiting(log);
}

void redis_log_load(struct redis_log *log, struct redis_script *script)
{
    redis_script_load(&log->bus->commands, script, on_loaded, log,
                      script == &log->append ? TAG_APPEND : TAG_REPLAY);
}

void redis_log_up(struct redis_log *log)
{
    redis_log_load(log, &log->append);
    redis_log_load(log, &log->replay);
}

/* Whoever keeps this user from loading them may have thought better of it. */
static void load_missing(struct redis_log *log)
{
    if (log->bus->commands.state == REDIS_LINK_UP) {
        if (!log->append.hash[0]) {
            redis_log_load(log, &log->append);
        }
        if (!log->replay.hash[0]) {
            redis_log_load(log, &log->replay);
        }
    }
}

void redis_log_look(struct redis_log *log)
{
    struct redis_entry *entry = log->unsent;

    load_missing(log);
    if (log->full && !log->entries) {
        log->full = false; /* nothing is left to try it with */
        redis_look_up(log->bus);
    }
    if (log->full && entry && redis_can_send(log->bus) && log->bus->heard &&
        log->append.hash[0] && entry == log->entries &&
        send_one(log, entry) == 0) {
        log->unsent = entry->next;
    }
    send_waiting(log);
}

/* ---- what core asks for ------------------------------------------------ */

int redis_log_append(struct redis_log *log, const char *route,
                     const char *topic, const struct keep *keep, bay_kind kind,
                     const void *data, size_t len, bay_id except)
{
    struct redis_bus *bus = log->bus;
    bool ready = is_ready(log) && !log->unsent;
    struct envelope envelope = { .type = ENVELOPE_KEPT,
                                 .kind = kind,
                                 .late = !ready,
                                 .id = except,
                                 .route = route,
                                 .text = topic,
                                 .data = data,
                                 .len = len };
    struct redis_entry *entry = make_entry(log, keep, &envelope);

    if (entry && log->bytes + entry->size > bus->setup.conf->queue) {
        free(entry);
        entry = NULL;
    }
    if (!entry) {
        redis_publish_near(bus, route, topic, kind, data, len, except);
        redis_count_not_sent(bus, "too many messages wait to be kept");
        return BAY_EFULL;
    }
    add(log, entry);
    if (!ready) {
        redis_publish_near(bus, route, topic, kind, data, len, except);
        return BAY_ESTATE;
    }
    stat_add(&bus->setup.stats->bus_out, 1);
    send_waiting(log);
    return 0;
}

int redis_log_replay(struct redis_log *log, const char *route,
                     const char *topic, const struct query *query)
{
    if (!redis_can_send(log->bus) ||
        (!log->replay.hash[0] && !log->replay.loading)) {
        return BAY_ESTATE;
    }
    return redis_replay_ask(log->bus, route, topic, query);
}

void redis_log_finish(struct redis_log *log)
{
    struct redis_entry *entry, *following;

    DL_FOREACH_SAFE(log->entries, entry, following)
    {
        stat_add(&log->bus->setup.stats->cluster_not_sent, 1);
        free(entry);
    }
    log->entries = log->unsent = NULL;
    log->bytes = 0;
}
