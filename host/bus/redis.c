/* redis.c - the bus between machines: Redis, over the local bus */
#include "bus/redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/fnv.h"
#include "base/log.h"
#include "bus/envelope.h"
#include "bus/redis-t.h"
#include "bus/redis_hear.h"
#include "bus/redis_send.h"
#include "core/id.h"

/* ---- what is said of it ------------------------------------------------ */

static void set_state(struct redis_bus *bus, enum cluster_state state)
{
    bus->state = state;
    stat_set(&bus->setup.stats->cluster_state, state);
}

/* It does not work, for a reason, which is logged if it is a new one. */
void redis_degrade(struct redis_bus *bus, enum cluster_state state,
                   const char *why)
{
    const char *shown = bus->setup.conf->url.shown;
    bool was_up = bus->state == CLUSTER_UP;

    if (was_up || strcmp(bus->why, why) != 0) {
        if (state == CLUSTER_FULL) {
            log_warn("cluster: %s keeps no history: %s; what comes meanwhile "
                     "waits",
                     shown, why);
        } else {
            log_warn("cluster: %s %s: %s; this host goes on by itself, and "
                     "tries again",
                     was_up ? "lost" : "cannot use", shown, why);
        }
        snprintf(bus->why, sizeof bus->why, "%s", why);
    }
    set_state(bus, state);
}

void redis_look_up(struct redis_bus *bus)
{
    if (!redis_can_send(bus) || !bus->heard || bus->log.full ||
        bus->state == CLUSTER_UP) {
        return;
    }
    log_info("cluster: %s %s as node %u of \"%s\"",
             bus->state == CLUSTER_FULL ? "uses all of" : "connected to",
             bus->setup.conf->url.shown, bus->setup.conf->node,
             bus->setup.conf->name);
    bus->why[0] = '\0';
    set_state(bus, CLUSTER_UP);
    core_bus_back(bus->setup.core);
}

/* ---- the table --------------------------------------------------------- */

static int interest(void *self, const char *route, const char *topic, bool on)
{
    struct redis_bus *bus = self;
    int status = channels_want(&bus->channels, route, topic, on);
    int local = bus->local
                    ? bus->local->interest(bus->local_self, route, topic, on)
                    : 0;

    return local < 0 ? local : status;
}

int redis_publish_near(struct redis_bus *bus, const char *route,
                       const char *topic, bay_kind kind, const void *data,
                       size_t len, bay_id except)
{
    return bus->local ? bus->local->publish(bus->local_self, route, topic, kind,
                                            data, len, except)
                      : 0;
}

static int publish(void *self, const char *route, const char *topic,
                   bay_kind kind, const void *data, size_t len, bay_id except)
{
    struct redis_bus *bus = self;
    char channel[2 * REDIS_NAME + 128];
    struct envelope envelope = { .type = ENVELOPE_PUBLISH,
                                 .kind = kind,
                                 .id = except,
                                 .route = route,
                                 .text = topic,
                                 .data = data,
                                 .len = len };
    int status = redis_publish_near(bus, route, topic, kind, data, len, except);
    int channel_len;

    if (kind != BAY_TEXT && kind != BAY_BINARY) {
        return status; /* news of this machine's archive */
    }
    channel_len = snprintf(channel, sizeof channel, "%s%s:%s", bus->to_topics,
                           route, topic);
    if (redis_send(bus, channel, (size_t)channel_len, &envelope) == BAY_EFULL) {
        status = BAY_EFULL;
    }
    return status;
}

static int to_owner(struct redis_bus *bus, struct envelope *envelope)
{
    char channel[REDIS_NAME];
    int status;

    if (!peers_there(&bus->peers, envelope->id & ~(bay_id)UINT32_MAX)) {
        return BAY_ENOTFOUND;
    }
    redis_name_worker(bus, envelope->id, channel);
    status = redis_send(bus, channel, strlen(channel), envelope);
    return status == BAY_ESTATE ? BAY_ENOTFOUND : status;
}

static int send_to(void *self, const char *route, bay_id id, bay_kind kind,
                   const void *data, size_t len)
{
    struct redis_bus *bus = self;
    struct envelope envelope = { .type = ENVELOPE_SEND,
                                 .kind = kind,
                                 .id = id,
                                 .route = route,
                                 .data = data,
                                 .len = len };

    if (bus->local && id_node(id) == bus->setup.conf->node) {
        int status =
            bus->local->send_to(bus->local_self, route, id, kind, data, len);

        if (status != BAY_ENOTFOUND) {
            return status;
        }
    }
    return to_owner(bus, &envelope);
}

static int close_id(void *self, const char *route, bay_id id, int code,
                    const char *reason)
{
    struct redis_bus *bus = self;
    struct envelope envelope = { .type = ENVELOPE_CLOSE,
                                 .code = code,
                                 .id = id,
                                 .route = route,
                                 .text = reason };

    if (bus->local && id_node(id) == bus->setup.conf->node) {
        int status =
            bus->local->close_id(bus->local_self, route, id, code, reason);

        if (status != BAY_ENOTFOUND) {
            return status;
        }
    }
    return to_owner(bus, &envelope);
}

static int append(void *self, const char *route, const char *topic,
                  const struct keep *keep, bay_kind kind, const void *data,
                  size_t len, bay_id except)
{
    struct redis_bus *bus = self;

    return redis_log_append(&bus->log, route, topic, keep, kind, data, len,
                            except);
}

static int replay(void *self, const char *route, const char *topic,
                  const struct query *query)
{
    struct redis_bus *bus = self;

    return redis_log_replay(&bus->log, route, topic, query);
}

static void flush(void *self)
{
    struct redis_bus *bus = self;

    if (bus->local) {
        bus->local->flush(bus->local_self);
    }
    if (bus->heard) {
        channels_send(&bus->channels);
        redis_link_flush(&bus->feed);
    }
    redis_link_flush(&bus->commands);
}

const struct bus *redis_bus_table(void)
{
    static const struct bus table = { .interest = interest,
                                      .publish = publish,
                                      .send_to = send_to,
                                      .close_id = close_id,
                                      .flush = flush,
                                      .append = append,
                                      .replay = replay,
                                      .settles = true };

    return &table;
}

/* Everything that was missed, and everybody, has to be asked for anew. */
static void hear(struct redis_bus *bus)
{
    bus->heard = true;
    redis_log_look(&bus->log);
    redis_say(bus, bus->to_all, ENVELOPE_WHO, 0);
    channels_send(&bus->channels);
    redis_link_flush(&bus->feed);
    redis_link_flush(&bus->commands);
    redis_look_up(bus);
}

static void on_pushed(void *arg, const redisReply *reply)
{
    redis_hear(arg, reply, hear);
}

static void settled(void *arg, const char *route, const char *topic)
{
    const struct redis_bus *bus = arg;

    core_bus_settled(bus->setup.core, route, topic);
}

/* ---- the number -------------------------------------------------------- */

static void lose_number(struct redis_bus *bus, const char *owner)
{
    char name[128], why[256];

    bus->leased = bus->heard = false;
    redis_link_stop(&bus->feed);
    channels_lost(&bus->channels);
    redis_lease_owner(owner, name, sizeof name);
    snprintf(why, sizeof why,
             "[cluster] node = %u is the number of another host (%s): each "
             "needs its own",
             bus->setup.conf->node, name);
    redis_degrade(bus, CLUSTER_TAKEN, why);
}

static void ask_for_number(struct redis_bus *bus);

static void on_lease(void *arg, uint64_t tag, const redisReply *reply)
{
    struct redis_bus *bus = arg;
    uint64_t left_out;

    (void)tag;
    if (!reply) {
        return;
    }
    if (reply->type == REDIS_REPLY_STRING &&
        strcmp(reply->str, bus->mark) != 0) {
        if (strcmp(reply->str, bus->dead) != 0 &&
            redis_lease_is_dead(reply->str, bus->mark)) {
            snprintf(bus->dead, sizeof bus->dead, "%s", reply->str);
            ask_for_number(bus);
            redis_link_flush(&bus->commands);
            return;
        }
        lose_number(bus, reply->str);
        return;
    }
    /* Redis may have no memory for it, or not let this user: no other host has
     * it then, as far as can be known. */
    if (reply->type == REDIS_REPLY_ERROR &&
        seldom_due(&bus->failed, uv_now(bus->setup.loop), &left_out)) {
        log_warn("cluster: whether another host has the number %u cannot be "
                 "known: %s",
                 bus->setup.conf->node, reply->str);
    }
    bus->leased = true;
    redis_log_look(&bus->log);
    redis_link_start(&bus->feed);
    redis_link_flush(&bus->commands);
    redis_look_up(bus);
}

static void ask_for_number(struct redis_bus *bus)
{
    (void)redis_lease_ask(&bus->commands, bus->lease_key, bus->mark, bus->dead,
                          bus->setup.conf->ttl_ms, on_lease, bus);
}

/* ---- the connections --------------------------------------------------- */

static void on_commands_up(void *arg)
{
    struct redis_bus *bus = arg;

    redis_log_up(&bus->log);
    ask_for_number(bus);
}

static void on_commands_down(void *arg, enum cluster_state state,
                             const char *why)
{
    struct redis_bus *bus = arg;

    if (bus->state == CLUSTER_UP) {
        stat_add(&bus->setup.stats->cluster_reconnects, 1);
    }
    bus->leased = false;
    redis_degrade(bus, state, why);
}

static void on_feed_up(void *arg)
{
    struct redis_bus *bus = arg;
    const struct resp_arg args[3] = { RESP_TEXT("SUBSCRIBE"),
                                      RESP_TEXT(bus->to_all),
                                      RESP_TEXT(bus->to_self) };

    (void)redis_link_command(&bus->feed, args, 3, NULL, NULL, 0, NULL);
}

static void on_feed_down(void *arg, enum cluster_state state, const char *why)
{
    struct redis_bus *bus = arg;

    if (bus->state == CLUSTER_UP) {
        stat_add(&bus->setup.stats->cluster_reconnects, 1);
    }
    bus->heard = false;
    channels_lost(&bus->channels);
    redis_degrade(bus, state, why);
}

static void not_pushed(void *arg, const redisReply *reply)
{
    (void)arg;
    (void)reply;
}

static void on_beat(uv_timer_t *timer)
{
    struct redis_bus *bus = timer->data;

    if (bus->commands.state == REDIS_LINK_UP) {
        ask_for_number(bus);
        redis_say(bus, bus->to_all, ENVELOPE_BEAT, 0);
        redis_log_look(&bus->log);
        redis_link_flush(&bus->commands);
    }
    peers_look(&bus->peers, uv_now(bus->setup.loop));
}

/* ---- who is there ------------------------------------------------------ */

static void on_peer(void *arg, bay_id worker, bool there)
{
    struct redis_bus *bus = arg;

    stat_set(&bus->setup.stats->cluster_peers, bus->peers.there);
    log_debug("cluster: worker %u of node %u %s", id_worker(worker),
              id_node(worker), there ? "is there" : "is gone");
    core_bus_peer(bus->setup.core, worker, there);
}

/* All siblings say so: the first word counts. */
void redis_bus_sibling(void *arg, bay_id worker, bool there)
{
    struct redis_bus *bus = arg;

    core_bus_peer(bus->setup.core, worker, there);
    if (!there) {
        redis_say(bus, bus->to_all, ENVELOPE_GONE, worker);
        redis_link_flush(&bus->commands);
    }
}

uint64_t redis_random(struct redis_bus *bus)
{
    uint64_t value;

    if (getrandom(&value, sizeof value, GRND_NONBLOCK) == sizeof value) {
        return value;
    }
    return fnv_hash(bus->setup.token ^ clock_now_ns(), &bus->self,
                    sizeof bus->self);
}

/* ---- begin and end ----------------------------------------------------- */

static void name_all(struct redis_bus *bus)
{
    const struct conf_cluster *conf = bus->setup.conf;

    snprintf(bus->to_all, REDIS_NAME, "pb:%s:all", conf->name);
    snprintf(bus->to_topics, REDIS_NAME, "pb:%s:t:", conf->name);
    snprintf(bus->lease_key, REDIS_NAME, "pb:%s:node:%u", conf->name,
             conf->node);
    snprintf(bus->client, REDIS_NAME, "patchbay:%s:%u.%u", conf->name,
             conf->node, bus->setup.worker);
    redis_name_worker(bus, bus->self, bus->to_self);
}

static void make_links(struct redis_bus *bus)
{
    const struct conf_cluster *conf = bus->setup.conf;
    struct redis_link_setup setup = {
        .loop = bus->setup.loop,
        .url = &conf->url,
        .name = bus->client,
        .queue_limit = conf->queue,
        .timeout_ms = conf->ttl_ms / 2,
        .pool = &bus->pool,
        .handles = &bus->handles,
        .area = bus->area,
        .seed = bus->setup.token ^ bus->self ^ clock_now_ns(),
        .arg = bus,
        .up = on_commands_up,
        .down = on_commands_down,
        .pushed = not_pushed,
    };

    redis_link_init(&bus->commands, &setup);
    setup.subscribes = true;
    setup.seed++;
    setup.up = on_feed_up;
    setup.down = on_feed_down;
    setup.pushed = on_pushed;
    redis_link_init(&bus->feed, &setup);
}

struct redis_bus *redis_bus_create(const struct redis_bus_setup *setup)
{
    struct redis_bus *bus = calloc(1, sizeof *bus);
    uint64_t beat_ms = setup->conf->ttl_ms / 3;

    if (!bus) {
        log_error("cluster: out of memory");
        return NULL;
    }
    bus->setup = *setup;
    bus->self =
        id_make(setup->conf->node, setup->worker, setup->incarnation, 0);
    name_all(bus);
    redis_lease_mark(bus->mark, setup->token, setup->master);
    bus->channels = (struct channels){ .prefix = bus->to_topics,
                                       .settled = settled,
                                       .arg = bus,
                                       .link = &bus->feed };
    bus->peers = (struct peers){ .ttl_ms = setup->conf->ttl_ms,
                                 .told = on_peer,
                                 .arg = bus };
    redis_log_init(&bus->log, bus);
    set_state(bus, CLUSTER_CONNECTING);
    make_links(bus);
    uv_timer_init(setup->loop, &bus->beat);
    bus->beat.data = bus;
    bus->handles++;
    uv_timer_start(&bus->beat, on_beat, beat_ms, beat_ms);
    redis_link_start(&bus->commands);
    return bus;
}

void redis_bus_set_local(struct redis_bus *bus, const struct bus *local,
                         void *local_self)
{
    bus->local = local;
    bus->local_self = local_self;
}

static void on_closed(uv_handle_t *handle)
{
    struct redis_bus *bus = handle->data;

    bus->handles--;
}

void redis_bus_destroy(struct redis_bus *bus)
{
    if (!bus) {
        return;
    }
    redis_say(bus, bus->to_all, ENVELOPE_GONE, bus->self);
    redis_link_flush(&bus->commands);
    redis_link_close(&bus->commands);
    redis_link_close(&bus->feed);
    uv_close((uv_handle_t *)&bus->beat, on_closed);
    while (bus->handles > 0) {
        uv_run(bus->setup.loop,
               bus->commands.dial.resolving || bus->feed.dial.resolving
                   ? UV_RUN_ONCE
                   : UV_RUN_NOWAIT);
    }
    redis_link_finish(&bus->commands);
    redis_link_finish(&bus->feed);
    redis_log_finish(&bus->log);
    channels_finish(&bus->channels);
    peers_finish(&bus->peers);
    chunk_pool_finish(&bus->pool);
    free(bus);
}
