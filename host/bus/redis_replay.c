/* redis_replay.c - what Redis has kept of a topic, for core: in pages */
#include "bus/redis_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include <patchbay.h>

#include "base/clock.h"
#include "bus/envelope.h"

/* Of one answer of Redis, which nothing else passes meanwhile. */
#define PAGE_MESSAGES 256u
#define PAGE_BYTES    ((size_t)1 << 20)

struct redis_question {
    struct redis_question *prev, *next; /* of those that wait for the script */
    struct redis_bus *bus;
    struct query query; /* its position moves on while pages hold nothing */
    bool last;          /* it asks for the last max, whichever they are */
    bool late;          /* some was missing in a page before */
    bool again;         /* the script had gone when it was asked */
    char topic[];       /* "ROUTE:TOPIC" */
};

struct page {
    struct position head; /* of the last that is kept at all */
    struct kept *messages;
    size_t count;
    bool missing; /* something before the last of what was read */
    bool more;    /* the next page is behind at */
    struct position at;
};

static int ask(struct redis_question *question);

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
static bool read_offset(const redisReply *reply, uint64_t *offset)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           read_number(reply->element[0], '-', offset);
}

static bool read_message(const redisReply *reply, struct kept *kept)
{
    const redisReply *pair = reply->element[1], *payload;
    struct envelope envelope;

    if (pair->type != REDIS_REPLY_ARRAY || pair->elements != 2 ||
        pair->element[1]->type != REDIS_REPLY_STRING) {
        return false;
    }
    payload = pair->element[1];
    if (envelope_decode(&envelope, payload->str, payload->len) ||
        envelope.type != ENVELOPE_KEPT) {
        return false;
    }
    *kept = (struct kept){ .at = kept->at,
                           .kind = envelope.kind,
                           .data = envelope.data,
                           .len = envelope.len,
                           .except = envelope.id,
                           .publisher = envelope.from,
                           .time_ms = envelope.time_ms,
                           .late = envelope.late };
    return true;
}

/* As in the archive of one machine. */
static bool is_hidden(const struct kept *kept, const struct keep *keep)
{
    return keep->count > 0 && keep->age_ms > 0 &&
           kept->time_ms + keep->age_ms < clock_wall_ms();
}

static void read_entries(const struct redis_question *question,
                         const redisReply *list, struct page *page)
{
    stat_value *broken = &question->bus->setup.stats->cluster_broken;
    const uint64_t from = page->at.offset;
    uint64_t offset;

    for (size_t i = 0; i < list->elements; i++) {
        struct kept *kept = &page->messages[page->count];

        if (!read_offset(list->element[i], &offset) ||
            offset <= page->at.offset) {
            stat_add(broken, 1);
            continue; /* and its place is missing */
        }
        page->missing = page->missing || offset != page->at.offset + 1;
        page->at.offset = offset;
        kept->at = page->at;
        if (!read_message(list->element[i], kept)) {
            stat_add(broken, 1);
            page->missing = true;
        } else if (is_hidden(kept, &question->query.keep)) {
            page->missing = true;
        } else {
            page->count++;
        }
    }
    /* One that leads nowhere would be asked for again and again. */
    if (page->at.offset < page->head.offset) {
        page->more = page->at.offset > from;
        page->missing = page->missing || !page->more;
    }
}

/* false: it is no answer to this question, or out of memory. */
static bool read_page(const struct redis_question *question,
                      const redisReply *reply, struct page *page)
{
    const struct position *after = &question->query.after;
    const redisReply *list;
    bool known;

    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        !read_number(reply->element[0], '\0', &page->head.epoch) ||
        !read_number(reply->element[1], '\0', &page->head.offset) ||
        reply->element[2]->type != REDIS_REPLY_ARRAY) {
        return false;
    }
    list = reply->element[2];
    if (page->head.epoch == 0 &&
        (page->head.offset > 0 || list->elements > 0)) {
        return false; /* nobody could come back to where those are */
    }
    page->messages = malloc((list->elements + 1) * sizeof *page->messages);
    if (!page->messages) {
        return false;
    }
    known =
        after->epoch == page->head.epoch && after->offset <= page->head.offset;
    page->at = known ? *after : (struct position){ page->head.epoch, 0 };
    /* Who had nothing misses what is not there from the first one on. */
    page->missing = !known && (question->last || after->epoch != 0);
    if (page->missing && list->elements > 0) {
        uint64_t first;

        if (read_offset(list->element[0], &first) && first > 0) {
            page->at.offset = first - 1;
        }
    }
    read_entries(question, list, page);
    return true;
}

static void answer(struct redis_question *question, enum replay result,
                   const struct page *page)
{
    core_bus_replayed(question->bus->setup.core, question->query.ticket, result,
                      page->messages, page->count, page->head);
    free(question);
}

/* What was read holds nothing for who asks, but there is more. */
static bool goes_on(struct redis_question *question, const struct page *page)
{
    if (page->count > 0 || !page->more ||
        (question->late && question->query.whole)) {
        return false;
    }
    question->query.after = page->at;
    return ask(question) == 0;
}

static void take_page(struct redis_question *question, const redisReply *reply)
{
    struct page page = { .messages = NULL };

    if (!read_page(question, reply, &page)) {
        answer(question, REPLAY_FAILED, &page);
        return;
    }
    question->late = question->late || page.missing;
    if (!goes_on(question, &page)) {
        answer(question,
               question->late && !question->last ? REPLAY_TOO_LATE
                                                 : REPLAY_WHOLE,
               &page);
    }
    free(page.messages);
}

static void on_replayed(void *arg, uint64_t tag, const redisReply *reply)
{
    struct redis_question *question = arg;
    struct redis_log *log = &question->bus->log;

    (void)tag;
    if (reply && reply->type == REDIS_REPLY_ERROR &&
        strncmp(reply->str, "NOSCRIPT", 8) == 0 && !question->again) {
        question->again = true;
        redis_log_load(log, &log->replay);
        if (log->replay.loading) {
            DL_APPEND(log->questions, question);
            return;
        }
    }
    take_page(question, reply);
}

static int ask(struct redis_question *question)
{
    struct redis_bus *bus = question->bus;
    const struct query *query = &question->query;
    const struct keep *keep = &query->keep;
    char epoch[24], offset[24], max[16], count[16], left[24], page[16];
    char fresh[24] = "";
    struct redis_keys keys;
    struct resp_arg args[12] = { RESP_TEXT("EVALSHA"),
                                 RESP_TEXT(bus->log.replay.hash),
                                 RESP_TEXT("2") };
    size_t bytes = query->bytes > 0 && query->bytes < PAGE_BYTES ? query->bytes
                                                                 : PAGE_BYTES;

    redis_script_keys(&keys, bus->setup.conf->name, question->topic);
    snprintf(epoch, sizeof epoch, "%" PRIu64, query->after.epoch);
    snprintf(offset, sizeof offset, "%" PRIu64, query->after.offset);
    snprintf(max, sizeof max, "%u", query->max);
    snprintf(count, sizeof count, "%u",
             keep->count > 0 ? keep->count : UINT32_MAX);
    snprintf(page, sizeof page, "%u", PAGE_MESSAGES);
    snprintf(left, sizeof left, "%zu", bytes);
    if (query->max == 0 || query->whole) {
        snprintf(fresh, sizeof fresh, "%" PRIu64, redis_epoch(bus));
    }
    args[3] = RESP_TEXT(keys.meta);
    args[4] = RESP_TEXT(keys.stream);
    args[5] = RESP_TEXT(epoch);
    args[6] = RESP_TEXT(offset);
    args[7] = RESP_TEXT(max);
    args[8] = RESP_TEXT(count);
    args[9] = RESP_TEXT(page);
    args[10] = RESP_TEXT(left);
    args[11] = RESP_TEXT(fresh);
    return redis_link_command(&bus->commands, args, 12, on_replayed, question,
                              0, NULL);
}

int redis_replay_ask(struct redis_bus *bus, const char *route,
                     const char *topic, const struct query *query)
{
    size_t size = strlen(route) + 1 + strlen(topic) + 1;
    struct redis_question *question = malloc(sizeof *question + size);
    int status;

    if (!question) {
        return BAY_EFULL;
    }
    *question = (struct redis_question){ .bus = bus,
                                         .query = *query,
                                         .last = query->after.epoch == 0 &&
                                                 !query->whole };
    snprintf(question->topic, size, "%s:%s", route, topic);
    if (bus->log.replay.loading) {
        DL_APPEND(bus->log.questions, question);
        return 0;
    }
    status = ask(question);
    if (status < 0) {
        free(question);
        return status == BAY_ESTATE ? BAY_ESTATE : BAY_EFULL;
    }
    return 0;
}

void redis_replay_go_on(struct redis_bus *bus)
{
    struct redis_question *list = bus->log.questions, *question, *next;
    const struct page none = { .messages = NULL };

    bus->log.questions = NULL; /* who is answered may ask again */
    DL_FOREACH_SAFE(list, question, next)
    {
        if (!bus->log.replay.hash[0] || ask(question) < 0) {
            answer(question, REPLAY_FAILED, &none);
        }
    }
}
