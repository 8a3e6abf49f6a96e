/* redis_link.c - one connection to Redis, on the loop */
#include "bus/redis_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <patchbay.h>

#include "bus/redis_greeting.h"

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000

/* What held so long was no failure. */
#define PROVEN_MS 10000

/* One connection may not keep the rest waiting for longer. */
#define READS_PER_EVENT 8

static void connect_later(struct redis_link *link);
static void on_event(uv_poll_t *poll, int status, int events);

static uint64_t now(const struct redis_link *link)
{
    return uv_now(link->setup.loop);
}

/* Commands are told that there will be no answer. They may give new ones, which
 * are refused: the link is not up. */
static void abandon_commands(struct redis_link *link)
{
    while (link->count > 0) {
        struct redis_waiting *waiting = &link->waiting[link->first];
        struct redis_waiting told = *waiting;

        link->first = (link->first + 1) % link->cap;
        link->count--;
        if (told.answer) {
            told.answer(told.arg, told.tag, NULL);
        }
    }
    link->first = 0;
}

static void disconnect(struct redis_link *link)
{
    bool was_up = link->state == REDIS_LINK_UP;

    uv_timer_stop(&link->timer);
    link->state = REDIS_LINK_STOPPED;
    stream_close(link->stream);
    link->stream = NULL;
    link->blocked = false;
    link->asked = false;
    outbox_clear(&link->outbox);
    redisReaderFree(link->reader);
    link->reader = NULL;
    redis_dial_cancel(&link->dial);
    if (was_up && now(link) - link->up_ms >= PROVEN_MS) {
        link->delay_ms = RETRY_MIN_MS;
    }
    abandon_commands(link);
}

void redis_link_fail(struct redis_link *link, enum cluster_state state,
                     const char *why)
{
    char copy[256];

    if (!link->wanted || link->state == REDIS_LINK_STOPPED) {
        return;
    }
    snprintf(copy, sizeof copy, "%s", why); /* it may lie in the reader */
    disconnect(link);
    if (link->wanted) {
        connect_later(link);
    }
    link->setup.down(link->setup.arg, state, copy);
}

static void fail(struct redis_link *link, const char *what, int error)
{
    char why[256];

    snprintf(why, sizeof why, "%s: %s", what, strerror(error));
    redis_link_fail(link, CLUSTER_AWAY, why);
}

/* ---- sending ----------------------------------------------------------- */

static int wait_for(struct redis_link *link, redis_answer *answer, void *arg,
                    uint64_t tag)
{
    if (link->count == link->cap) {
        size_t cap = link->cap ? link->cap * 2 : 64, i;
        struct redis_waiting *waiting = malloc(cap * sizeof *waiting);

        if (!waiting) {
            return BAY_ENOMEM;
        }
        for (i = 0; i < link->count; i++) {
            waiting[i] = link->waiting[(link->first + i) % link->cap];
        }
        free(link->waiting);
        link->waiting = waiting;
        link->first = 0;
        link->cap = cap;
    }
    if (link->count == 0) {
        link->asked_ms = now(link);
    }
    link->waiting[(link->first + link->count++) % link->cap] =
        (struct redis_waiting){ answer, arg, tag };
    return 0;
}

static int queue(struct redis_link *link, const struct resp_arg *args,
                 size_t count, redis_answer *answer, void *arg, uint64_t tag,
                 char **last)
{
    char *out = outbox_extend(&link->outbox, resp_size(args, count));
    char *at;

    if (!out) {
        return BAY_ENOMEM;
    }
    at = resp_write(out, args, count);
    if (last) {
        *last = at;
    }
    if (link->setup.subscribes && link->state == REDIS_LINK_UP) {
        return 0;
    }
    if (wait_for(link, answer, arg, tag) < 0) {
        /* Answers would be taken for those of others. */
        redis_link_fail(link, CLUSTER_AWAY, "out of memory");
        return BAY_ENOMEM;
    }
    return 0;
}

int redis_link_command(struct redis_link *link, const struct resp_arg *args,
                       size_t count, redis_answer *answer, void *arg,
                       uint64_t tag, char **last)
{
    size_t limit = link->setup.queue_limit;
    size_t size = resp_size(args, count);

    if (link->state != REDIS_LINK_UP) {
        return BAY_ESTATE;
    }
    if (link->outbox.bytes > limit || size > limit - link->outbox.bytes) {
        return BAY_EFULL;
    }
    return queue(link, args, count, answer, arg, tag, last);
}

void redis_link_flush(struct redis_link *link)
{
    int more;

    if (!link->stream || link->blocked || link->outbox.bytes == 0 ||
        link->state < REDIS_LINK_GREETING) {
        return;
    }
    more = stream_write(link->stream, &link->outbox);
    if (more < 0) {
        fail(link, "the connection broke", errno);
    } else if (more) {
        link->blocked = true;
        stream_watch(link->stream, UV_READABLE | UV_WRITABLE, on_event);
    }
}

/* ---- receiving --------------------------------------------------------- */

static bool is_pong(const redisReply *reply)
{
    return (reply->type == REDIS_REPLY_STATUS &&
            strcmp(reply->str, "PONG") == 0) ||
           (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
            reply->element[0]->type == REDIS_REPLY_STRING &&
            strcmp(reply->element[0]->str, "pong") == 0);
}

static void take_reply(struct redis_link *link, const redisReply *reply)
{
    struct redis_waiting waiting;
    enum cluster_state state;

    if (reply->type == REDIS_REPLY_ERROR && link->state == REDIS_LINK_UP &&
        greeting_is_fatal(reply->str, &state)) {
        redis_link_fail(link, state, reply->str);
    } else if (link->setup.subscribes && link->state == REDIS_LINK_UP) {
        if (reply->type == REDIS_REPLY_ERROR) {
            redis_link_fail(link, CLUSTER_AWAY, reply->str);
        } else if (!is_pong(reply)) {
            link->setup.pushed(link->setup.arg, reply);
        }
    } else if (link->count == 0) {
        redis_link_fail(link, CLUSTER_AWAY,
                        reply->type == REDIS_REPLY_ERROR
                            ? reply->str
                            : "it said something that was not asked for");
    } else {
        waiting = link->waiting[link->first];
        link->first = (link->first + 1) % link->cap;
        link->count--;
        if (waiting.answer) {
            waiting.answer(waiting.arg, waiting.tag, reply);
        }
    }
}

/* All replies that are whole. false: the link is not what it was. */
static bool take_replies(struct redis_link *link)
{
    redisReader *reader = link->reader;
    void *reply = NULL;

    link->reader = NULL; /* kept from whoever stops the link meanwhile */
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
        struct stream *stream = link->stream;

        take_reply(link, reply);
        freeReplyObject(reply);
        if (link->stream != stream || link->reader) {
            redisReaderFree(reader);
            return false;
        }
    }
    link->reader = reader;
    if (reader->err) {
        redis_link_fail(link, CLUSTER_AWAY, "it does not speak like Redis");
        return false;
    }
    return true;
}

static void read_some(struct redis_link *link)
{
    int i;

    for (i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n =
            stream_read(link->stream, link->setup.area, REDIS_LINK_AREA);

        if (n < 0) {
            redis_link_fail(link, CLUSTER_AWAY,
                            errno ? strerror(errno)
                                  : "it closed the connection");
            return;
        }
        if (n == 0) {
            return;
        }
        link->heard_ms = now(link);
        link->asked = false;
        if (redisReaderFeed(link->reader, link->setup.area, (size_t)n) !=
            REDIS_OK) {
            redis_link_fail(link, CLUSTER_AWAY, "out of memory");
            return;
        }
        if (!take_replies(link) || (size_t)n < REDIS_LINK_AREA) {
            return;
        }
    }
}

/* ---- the greeting ------------------------------------------------------ */

static void greeted(void *arg, uint64_t step, const redisReply *reply)
{
    struct redis_link *link = arg;
    enum cluster_state state = CLUSTER_AWAY;
    char why[256];

    if (!reply) {
        return;
    }
    if (greeting_check((enum greeting_step)step, reply, link->run_id, &state,
                       why, sizeof why) < 0) {
        redis_link_fail(link, state, why);
        return;
    }
    if (step == GREETING_LAST) {
        link->state = REDIS_LINK_UP;
        link->up_ms = now(link);
        link->setup.up(link->setup.arg);
        redis_link_flush(link);
    }
}

static void greet(struct redis_link *link)
{
    const struct redis_url *url = link->setup.url;
    struct resp_arg args[3];
    char db[16];
    int status = 0;

    link->state = REDIS_LINK_GREETING;
    if (url->password) {
        args[0] = RESP_TEXT("AUTH");
        args[1] = RESP_TEXT(url->user ? url->user : url->password);
        args[2] = RESP_TEXT(url->password);
        status = queue(link, args, url->user ? 3 : 2, greeted, link,
                       GREETING_AUTH, NULL);
    }
    args[0] = RESP_TEXT("INFO");
    if (status == 0) {
        status = queue(link, args, 1, greeted, link, GREETING_INFO, NULL);
    }
    if (status == 0 && url->db > 0) {
        snprintf(db, sizeof db, "%u", url->db);
        args[0] = RESP_TEXT("SELECT");
        args[1] = RESP_TEXT(db);
        status = queue(link, args, 2, greeted, link, GREETING_SELECT, NULL);
    }
    if (status == 0) {
        args[0] = RESP_TEXT("CLIENT");
        args[1] = RESP_TEXT("SETNAME");
        args[2] = RESP_TEXT(link->setup.name);
        status = queue(link, args, 3, greeted, link, GREETING_LAST, NULL);
    }
    if (status == 0) {
        redis_link_flush(link);
    }
}

/* ---- connecting -------------------------------------------------------- */

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct redis_link *link = poll->data;
    const struct stream *stream = link->stream;

    if (status < 0 || (events & UV_READABLE)) {
        read_some(link);
    }
    if (link->stream == stream && (events & UV_WRITABLE)) {
        link->blocked = false;
        stream_watch(link->stream, UV_READABLE, on_event);
        redis_link_flush(link);
    }
}

static void look(uv_timer_t *timer);

static void on_connected(void *arg, struct stream *stream, const char *why)
{
    struct redis_link *link = arg;

    if (!stream) {
        redis_link_fail(link, CLUSTER_AWAY, why);
        return;
    }
    link->stream = stream;
    link->reader = redisReaderCreate();
    if (!link->reader) {
        redis_link_fail(link, CLUSTER_AWAY, "out of memory");
        return;
    }
    link->reader->maxbuf = REDIS_LINK_AREA;
    stream_watch(stream, UV_READABLE, on_event);
    greet(link);
}

static void connect_now(struct redis_link *link)
{
    uint64_t period = link->setup.timeout_ms / 4;

    link->tried_ms = link->looked_ms = link->heard_ms = now(link);
    link->state = REDIS_LINK_CONNECTING;
    uv_timer_start(&link->timer, look, period, period);
    redis_dial_begin(&link->dial);
}

static void on_retry(uv_timer_t *timer)
{
    connect_now(timer->data);
}

/* Many workers have lost it at the same time: they do not come back at the
 * same. (xorshift64) */
static uint64_t with_jitter(struct redis_link *link, uint64_t delay_ms)
{
    link->random ^= link->random << 13;
    link->random ^= link->random >> 7;
    link->random ^= link->random << 17;
    return delay_ms / 2 + link->random % (delay_ms / 2 + 1);
}

static void connect_later(struct redis_link *link)
{
    uv_timer_start(&link->timer, on_retry, with_jitter(link, link->delay_ms),
                   0);
    link->delay_ms *= 2;
    if (link->delay_ms > RETRY_MAX_MS) {
        link->delay_ms = RETRY_MAX_MS;
    }
}

/* ---- is it still there? ------------------------------------------------ */

static void ping(struct redis_link *link)
{
    struct resp_arg args[1] = { RESP_TEXT("PING") };

    if (queue(link, args, 1, NULL, NULL, 0, NULL) == 0) {
        link->asked = link->setup.subscribes;
        link->asked_ms = now(link);
        redis_link_flush(link);
    }
}

static void look(uv_timer_t *timer)
{
    struct redis_link *link = timer->data;
    uint64_t timeout = link->setup.timeout_ms;
    uint64_t late = now(link) - link->looked_ms;
    uint64_t since = link->heard_ms;
    char why[64];

    link->looked_ms = now(link);
    if (late > timeout / 2) {
        return; /* this process stood still: what came was not read yet */
    }
    snprintf(why, sizeof why, "it has not answered for %llu ms",
             (unsigned long long)timeout);
    if (link->state < REDIS_LINK_UP) {
        if (now(link) - link->tried_ms >= timeout) {
            redis_link_fail(link, CLUSTER_AWAY, why);
        }
        return;
    }
    if (link->count == 0 && !link->asked) {
        if (now(link) - link->heard_ms >= timeout / 4) {
            ping(link);
        }
        return;
    }
    if (link->asked_ms > since) {
        since = link->asked_ms;
    }
    if (now(link) - since >= timeout) {
        redis_link_fail(link, CLUSTER_AWAY, why);
    }
}

/* ---- begin and end ----------------------------------------------------- */

void redis_link_init(struct redis_link *link,
                     const struct redis_link_setup *setup)
{
    memset(link, 0, sizeof *link);
    link->setup = *setup;
    link->delay_ms = RETRY_MIN_MS;
    link->random = setup->seed ? setup->seed : 1;
    link->outbox.pool = setup->pool;
    redis_dial_init(&link->dial, setup->loop, setup->url, setup->handles,
                    on_connected, link);
    uv_timer_init(setup->loop, &link->timer);
    link->timer.data = link;
    ++*setup->handles;
}

void redis_link_start(struct redis_link *link)
{
    if (!link->wanted) {
        link->wanted = true;
        link->delay_ms = RETRY_MIN_MS;
        connect_now(link);
    }
}

void redis_link_stop(struct redis_link *link)
{
    link->wanted = false;
    disconnect(link);
}

static void on_closed(uv_handle_t *handle)
{
    struct redis_link *link = handle->data;

    --*link->setup.handles;
}

void redis_link_close(struct redis_link *link)
{
    redis_link_stop(link);
    uv_close((uv_handle_t *)&link->timer, on_closed);
}

void redis_link_finish(struct redis_link *link)
{
    outbox_finish(&link->outbox);
    free(link->waiting);
    link->waiting = NULL;
    link->cap = 0;
}
