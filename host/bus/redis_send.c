/* redis_send.c - what a worker sends to those of other machines */
#include "bus/redis_send.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <patchbay.h>

#include "base/log.h"

void redis_name_worker(const struct redis_bus *bus, bay_id worker,
                       char out[REDIS_NAME])
{
    snprintf(out, REDIS_NAME, "pb:%s:w:%016" PRIx64, bus->setup.conf->name,
             worker & ~(bay_id)UINT32_MAX);
}

void redis_count_not_sent(struct redis_bus *bus, const char *why)
{
    uint64_t left_out;

    stat_add(&bus->setup.stats->cluster_not_sent, 1);
    if (why && seldom_due(&bus->not_sent, uv_now(bus->setup.loop), &left_out)) {
        log_warn("cluster: a message was not sent: %s (and %" PRIu64
                 " others before)",
                 why, left_out);
    }
}

static void on_published(void *arg, uint64_t tag, const redisReply *reply)
{
    struct redis_bus *bus = arg;

    (void)tag;
    if (!reply) {
        redis_count_not_sent(bus, NULL);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        redis_count_not_sent(bus, reply->str);
    }
}

/* A copy that is not a message of plugins is not counted. */
static void on_said(void *arg, uint64_t tag, const redisReply *reply)
{
    struct redis_bus *bus = arg;
    uint64_t left_out;

    (void)tag;
    if (reply && reply->type == REDIS_REPLY_ERROR &&
        seldom_due(&bus->failed, uv_now(bus->setup.loop), &left_out)) {
        log_warn("cluster: Redis refuses what hosts tell each other: %s",
                 reply->str);
    }
}

static int post(struct redis_bus *bus, const char *channel, size_t channel_len,
                struct envelope *envelope, redis_answer *answer)
{
    struct resp_arg args[3] = { RESP_TEXT("PUBLISH"),
                                { channel, channel_len } };
    char *at;
    int status;

    envelope->from = bus->self;
    envelope->group = bus->setup.group;
    args[2].len = envelope_size(envelope);
    if (args[2].len == 0) {
        return BAY_ETOOBIG;
    }
    status = redis_link_command(&bus->commands, args, 3, answer, bus, 0, &at);
    if (status == 0) {
        envelope_encode(at, envelope);
    }
    return status;
}

void redis_say(struct redis_bus *bus, const char *channel,
               enum envelope_type type, bay_id id)
{
    struct envelope envelope = { .type = type, .id = id };

    if (redis_can_send(bus)) {
        (void)post(bus, channel, strlen(channel), &envelope, on_said);
    }
}

/* What workers tell each other of members heals by itself: it is not counted. */
static bool is_of_core(const struct envelope *envelope)
{
    return (envelope->type == ENVELOPE_PUBLISH &&
            (unsigned char)envelope->text[0] < 0x20) ||
           (envelope->type == ENVELOPE_SEND && (uint32_t)envelope->id == 0);
}

/* A message of plugins, or of core. */
int redis_send(struct redis_bus *bus, const char *channel, size_t channel_len,
               struct envelope *envelope)
{
    int status = redis_can_send(bus)
                     ? post(bus, channel, channel_len, envelope,
                            is_of_core(envelope) ? on_said : on_published)
                     : BAY_ESTATE;

    if (is_of_core(envelope)) {
        return status;
    }
    if (status == 0) {
        stat_add(&bus->setup.stats->bus_out, 1);
    } else {
        redis_count_not_sent(bus,
                             status == BAY_EFULL    ? "too much waits for Redis"
                             : status == BAY_ESTATE ? NULL
                                                    : bay_strerror(status));
    }
    return status;
}
