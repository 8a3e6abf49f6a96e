/* redis_replay.c - what Redis has kept of a topic, for core */
#include "bus/redis_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <patchbay.h>

#include "bus/envelope.h"

struct question {
    struct redis_bus *bus;
    struct position after;
    unsigned max;
    uint64_t ticket;
};

enum replay redis_replay_result(struct position after, unsigned max,
                                uint64_t first, struct position head)
{
    uint64_t behind;

    if (after.epoch == 0) {
        return REPLAY_WHOLE;
    }
    if (after.epoch != head.epoch || after.offset > head.offset) {
        return REPLAY_TOO_LATE;
    }
    behind = head.offset - after.offset;
    if (behind == 0) {
        return REPLAY_WHOLE;
    }
    behind = behind < max ? behind : max;
    return first > 0 && first <= head.offset - behind + 1 ? REPLAY_WHOLE
                                                          : REPLAY_TOO_LATE;
}

static bool read_number(const redisReply *reply, char stop, uint64_t *value)
{
    char *end;

    if (reply->type != REDIS_REPLY_STRING || reply->str[0] < '0' ||
        reply->str[0] > '9') {
        return false;
    }
    errno = 0;
    *value = strtoull(reply->str, &end, 10);
    return errno == 0 && *end == stop;
}

/* An entry of the stream: ["OFFSET-0", ["m", ENVELOPE]]. */
static bool read_entry(const redisReply *reply, uint64_t epoch,
                       struct kept *kept)
{
    const redisReply *pair, *payload;
    struct envelope envelope;
    uint64_t offset;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !read_number(reply->element[0], '-', &offset)) {
        return false;
    }
    pair = reply->element[1];
    if (pair->type != REDIS_REPLY_ARRAY || pair->elements != 2 ||
        pair->element[1]->type != REDIS_REPLY_STRING) {
        return false;
    }
    payload = pair->element[1];
    if (envelope_decode(&envelope, payload->str, payload->len) ||
        envelope.type != ENVELOPE_KEPT) {
        return false;
    }
    *kept = (struct kept){ .at = { epoch, offset },
                           .kind = envelope.kind,
                           .data = envelope.data,
                           .len = envelope.len,
                           .except = envelope.id,
                           .publisher = envelope.from,
                           .time_ms = envelope.time_ms,
                           .late = envelope.late };
    return true;
}

/* The last comes first; core is given the first first. */
static size_t read_entries(const struct question *question,
                           const redisReply *list, uint64_t epoch,
                           struct kept *messages)
{
    size_t count = 0, i;

    for (i = list->elements; i-- > 0;) {
        if (read_entry(list->element[i], epoch, &messages[count])) {
            count++;
        } else {
            stat_add(&question->bus->setup.stats->cluster_broken, 1);
        }
    }
    return count;
}

static void tell(const struct question *question, const redisReply *reply)
{
    struct core *core = question->bus->setup.core;
    struct position head = { 0 };
    struct kept *messages = NULL;
    const redisReply *list;
    size_t count;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
        read_number(reply->element[0], '\0', &head.epoch) &&
        read_number(reply->element[1], '\0', &head.offset) &&
        (reply->element[2]->type == REDIS_REPLY_ARRAY ||
         reply->element[2]->type == REDIS_REPLY_NIL)) { /* for COUNT 0 */
        list = reply->element[2];
        messages = malloc((list->elements + 1) * sizeof *messages);
    }
    if (!messages) {
        core_bus_replayed(core, question->ticket, REPLAY_FAILED, NULL, 0,
                          (struct position){ 0 });
        return;
    }
    count = read_entries(question, list, head.epoch, messages);
    core_bus_replayed(core, question->ticket,
                      redis_replay_result(question->after, question->max,
                                          count > 0 ? messages[0].at.offset : 0,
                                          head),
                      messages, count, head);
    free(messages);
}

static void on_replayed(void *arg, uint64_t tag, const redisReply *reply)
{
    struct question *question = arg;

    (void)tag;
    tell(question, reply);
    free(question);
}

int redis_replay_ask(struct redis_bus *bus, const char *hash, const char *route,
                     const char *topic, struct position after, unsigned max,
                     uint64_t ticket)
{
    struct question *question = malloc(sizeof *question);
    char keys[2][2 * REDIS_NAME + 128], epoch[24], offset[24], count[16];
    const char *name = bus->setup.conf->name;
    struct resp_arg args[8] = { RESP_TEXT("EVALSHA"), RESP_TEXT(hash),
                                RESP_TEXT("2") };
    int status;

    if (!question) {
        return BAY_EFULL;
    }
    *question = (struct question){ bus, after, max, ticket };
    snprintf(keys[0], sizeof keys[0], "pb:%s:hm:%s:%s", name, route, topic);
    snprintf(keys[1], sizeof keys[1], "pb:%s:hs:%s:%s", name, route, topic);
    snprintf(epoch, sizeof epoch, "%" PRIu64, after.epoch);
    snprintf(offset, sizeof offset, "%" PRIu64, after.offset);
    snprintf(count, sizeof count, "%u", max);
    args[3] = RESP_TEXT(keys[0]);
    args[4] = RESP_TEXT(keys[1]);
    args[5] = RESP_TEXT(epoch);
    args[6] = RESP_TEXT(offset);
    args[7] = RESP_TEXT(count);
    status = redis_link_command(&bus->commands, args, 8, on_replayed, question,
                                0, NULL);
    if (status < 0) {
        free(question);
        return status == BAY_ESTATE ? BAY_ESTATE : BAY_EFULL;
    }
    return 0;
}
