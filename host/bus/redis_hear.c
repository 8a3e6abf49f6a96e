/* redis_hear.c - what comes from other machines, and from Redis itself */
#include "bus/redis_hear.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "bus/envelope.h"
#include "bus/redis_send.h"
#include "core/id.h"

static void count_broken(struct redis_bus *bus, const char *what)
{
    uint64_t left_out;

    stat_add(&bus->setup.stats->cluster_broken, 1);
    if (seldom_due(&bus->broken, uv_now(bus->setup.loop), &left_out)) {
        log_warn("cluster: %s came on a channel of this cluster, and is "
                 "ignored (as were %" PRIu64 " before): is there a node of "
                 "another version, or something else of the name \"%s\"?",
                 what, left_out, bus->setup.conf->name);
    }
}

static void take_kept(struct redis_bus *bus, const struct envelope *envelope,
                      struct position at)
{
    struct kept kept = { .at = at,
                         .kind = envelope->kind,
                         .data = envelope->data,
                         .len = envelope->len,
                         .except = envelope->id,
                         .publisher = envelope->from,
                         .time_ms = envelope->time_ms,
                         .late = envelope->late };

    stat_add(&bus->setup.stats->bus_in, 1);
    core_bus_kept(bus->setup.core, envelope->route, envelope->text, &kept);
}

/* From a worker that the local bus does not reach. */
static void take_from_afar(struct redis_bus *bus,
                           const struct envelope *envelope)
{
    struct core *core = bus->setup.core;
    uint64_t now = uv_now(bus->setup.loop);
    char channel[REDIS_NAME];

    if (envelope->type == ENVELOPE_GONE) {
        peers_gone(&bus->peers, envelope->id, now);
        return;
    }
    /* What core says of a worker must not come after its end. */
    if (!peers_seen(&bus->peers, envelope->from, envelope->group, now) &&
        (envelope->type != ENVELOPE_PUBLISH || *envelope->text < ' ')) {
        return;
    }
    switch (envelope->type) {
    case ENVELOPE_PUBLISH:
        stat_add(&bus->setup.stats->bus_in, 1);
        core_bus_publish(core, envelope->route, envelope->text, envelope->kind,
                         envelope->data, envelope->len, envelope->id);
        break;
    case ENVELOPE_SEND:
        stat_add(&bus->setup.stats->bus_in, 1);
        core_bus_send(core, envelope->route, envelope->id, envelope->kind,
                      envelope->data, envelope->len);
        break;
    case ENVELOPE_CLOSE:
        stat_add(&bus->setup.stats->bus_in, 1);
        core_bus_close(core, envelope->route, envelope->id, envelope->code,
                       *envelope->text ? envelope->text : NULL);
        break;
    case ENVELOPE_WHO:
        redis_name_worker(bus, envelope->from, channel);
        redis_say(bus, channel, ENVELOPE_BEAT, 0);
        break;
    case ENVELOPE_KEPT:
    case ENVELOPE_BEAT:
    case ENVELOPE_GONE: break;
    }
}

static void take_message(struct redis_bus *bus, const redisReply *channel,
                         const redisReply *payload)
{
    struct position at = { 0 };
    struct envelope envelope;
    long line = envelope_position(&at, payload->str, payload->len);
    const char *fault = line < 0
                            ? "a position that is none"
                            : envelope_decode(&envelope, payload->str + line,
                                              payload->len - (size_t)line);

    if (!fault && (envelope.type == ENVELOPE_KEPT) != (line > 0)) {
        fault = "a position without a message, or the other way round";
    }
    if (fault) {
        count_broken(bus, fault);
    } else if (envelope.type == ENVELOPE_KEPT) {
        channels_note(&bus->channels, channel->str, channel->len, at);
        take_kept(bus, &envelope, at);
    } else if (envelope.from != bus->self &&
               (id_node(envelope.from) != bus->setup.conf->node ||
                envelope.group != bus->setup.group)) {
        take_from_afar(bus, &envelope);
    }
}

void redis_hear(struct redis_bus *bus, const redisReply *reply,
                void (*heard)(struct redis_bus *bus))
{
    redisReply *const *parts = reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        parts[0]->type != REDIS_REPLY_STRING ||
        parts[1]->type != REDIS_REPLY_STRING) {
        redis_link_fail(&bus->feed, CLUSTER_AWAY,
                        "it said something that was not asked for");
    } else if (strcmp(parts[0]->str, "message") == 0 &&
               parts[2]->type == REDIS_REPLY_STRING) {
        take_message(bus, parts[1], parts[2]);
    } else if (strcmp(parts[0]->str, "subscribe") == 0) {
        if (strcmp(parts[1]->str, bus->to_self) == 0) {
            heard(bus);
        } else if (strcmp(parts[1]->str, bus->to_all) != 0) {
            channels_confirmed(&bus->channels, parts[1]->str, parts[1]->len);
        }
    }
}
