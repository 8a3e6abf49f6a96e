/* publish.c - from one to many: here, and through the bus */
#include <stdlib.h>
#include <string.h>

#include "core/core-t.h"
#include "core/deflate.h"
#include "core/history.h"
#include "core/hooks.h"
#include "core/replay.h"
#include "core/resume.h"

/* Bytes of notices that wait for their hook, in one worker. */
#define NOTICES_MAX (64u << 20)

struct notice {
    struct task task;
    struct instance *instance;
    bay_notice notice;
    size_t size;
    char topic[TOPICS_NAME_MAX + 1];
    char data[];
};

static void notice_task(struct core *core, struct task *task)
{
    struct notice *notice = (struct notice *)task;

    core->notice_bytes -= notice->size;
    if (!core->stopping && !notice->instance->stopped) {
        hook_notice(notice->instance, &notice->notice);
    }
    instance_drop(notice->instance);
    free(notice);
}

static int post_notice(struct instance *instance, const char *topic,
                       bay_kind kind, const void *data, size_t len,
                       bay_id except, bool local)
{
    struct core *core = instance->core;
    size_t size = sizeof(struct notice) + len + 1;
    struct notice *notice;

    if (core->notice_bytes + size > NOTICES_MAX && core->notice_bytes > 0) {
        stat_add(&instance->stats->dropped, 1);
        return BAY_EFULL;
    }
    notice = calloc(1, size);
    if (notice == NULL) {
        stat_add(&instance->stats->dropped, 1);
        return BAY_ENOMEM;
    }
    core->notice_bytes += size;
    notice->task.run = notice_task;
    notice->instance = instance;
    notice->size = size;
    memcpy(notice->topic, topic, strlen(topic) + 1);
    if (len > 0) {
        memcpy(notice->data, data, len);
    }
    notice->notice = (bay_notice){ .topic = notice->topic,
                                   .data = notice->data,
                                   .len = len,
                                   .kind = kind,
                                   .except = except,
                                   .local = local };
    instance_hold(instance);
    core_post(core, &notice->task);
    return BAY_OK;
}

/*
 * Frames a message for all that will share it. Those that are published one
 * after another in a turn lie in one piece, so that a subscriber to all has one
 * range to send. Returns the packet and where it begins, with a reference of
 * the caller's; NULL: out of memory.
 */
static struct packet *frame_shared(struct core *core, bay_kind kind,
                                   const void *data, size_t len, size_t *off)
{
    enum opcode opcode = kind == BAY_TEXT ? OPCODE_TEXT : OPCODE_BINARY;

    *off = 0;
    if (core->published++ == 0) {
        return packet_create(opcode, data, len);
    }
    for (int tries = 0; tries < 2; tries++) {
        if (core->shared == NULL) {
            core->shared = packet_create_shared(&core->pool);
        }
        if (core->shared == NULL) {
            return NULL;
        }
        *off = core->shared->len;
        if (packet_append(core->shared, opcode, data, len)) {
            core->shared->refs++;
            return core->shared;
        }
        if (*off == 0) {
            break; /* too long for any */
        }
        packet_unref(&core->pool, core->shared);
        core->shared = NULL;
    }
    *off = 0;
    return packet_create(opcode, data, len);
}

/* The same message, compressed once for all that take it so; NULL: none, since
 * it would not be shorter. */
static struct packet *frame_deflated(struct core *core, bay_kind kind,
                                     const void *data, size_t len)
{
    const struct buf *out;

    if (len < DEFLATE_MIN ||
        !deflate_message(&core->deflate, DEFLATE_BITS_MAX, data, len, &out)) {
        return NULL;
    }
    return packet_create(kind == BAY_TEXT ? OPCODE_TEXT_DEFLATED
                                          : OPCODE_BINARY_DEFLATED,
                         out->data, out->len);
}

/* With the line of the host's for clients that can resume. */
static struct packet *frame_lined(struct core *core, const char *topic,
                                  const struct kept *message)
{
    struct buf *out = &core->envelope;
    char line[RESUME_LINE];

    buf_clear(out);
    buf_add(out, line,
            resume_message_line(line, resume_key(topic), message->at));
    buf_add(out, message->data, message->len);
    if (out->failed) {
        return NULL;
    }
    return packet_create(message->kind == BAY_TEXT ? OPCODE_TEXT
                                                   : OPCODE_BINARY,
                         out->data, out->len);
}

/* A message in the forms in which it is sent: each made for the first that needs
 * it, and shared by the rest. */
struct forms {
    struct packet *plain, *deflated, *lined;
    size_t off; /* of plain */
    bool tried; /* to deflate */
};

/* false: out of memory. */
static bool share(struct conn *conn, const char *topic,
                  const struct kept *message, struct forms *forms)
{
    struct core *core = conn->instance->core;
    bool deflates = conn->deflate_bits == DEFLATE_BITS_MAX;

    if (conn->resume != NULL) {
        if (forms->lined == NULL) {
            forms->lined = frame_lined(core, topic, message);
        }
        if (forms->lined != NULL) {
            conn_share(conn, forms->lined, 0, message->len);
        }
        return forms->lined != NULL;
    }
    if (deflates && !forms->tried) {
        forms->tried = true;
        forms->deflated =
            frame_deflated(core, message->kind, message->data, message->len);
    }
    if (deflates && forms->deflated != NULL) {
        conn_share(conn, forms->deflated, 0, message->len);
        return true;
    }
    if (forms->plain == NULL) {
        forms->plain = frame_shared(core, message->kind, message->data,
                                    message->len, &forms->off);
    }
    if (forms->plain != NULL) {
        conn_share(conn, forms->plain, forms->off, message->len);
    }
    return forms->plain != NULL;
}

int core_deliver(struct core *core, const struct instance *from,
                 struct topic *topic, const struct kept *message)
{
    const char *name = topic_name(topic);
    struct forms forms = { 0 };
    int status = BAY_OK;

    for (size_t i = 0; i < topic_count(topic); i++) {
        struct topic_sub *sub = topic_at(topic, i);
        struct conn *conn = sub->conn;

        if (conn->id == message->except || conn->state != CONN_OPEN ||
            (conn->replays > 0 && sub->replay != NULL &&
             !replay_admits(sub, message))) {
            continue;
        }
        if (!share(conn, name, message, &forms)) {
            status = BAY_ENOMEM;
            break;
        }
    }
    packet_unref(&core->pool, forms.lined);
    packet_unref(&core->pool, forms.deflated);
    packet_unref(&core->pool, forms.plain);
    for (size_t i = 0; i < topic_listeners(topic); i++) {
        struct instance *listener = topic_listener(topic, i);
        int posted =
            post_notice(listener, name, message->kind, message->data,
                        message->len, message->except, listener == from);

        status = status == BAY_OK ? posted : status;
    }
    return status;
}

/* To everyone in this worker. from: who publishes; NULL: it came over the bus. */
static int deliver(struct core *core, const struct route *route,
                   const struct instance *from, const char *name,
                   const struct kept *message)
{
    struct topic *topic = topics_find(&core->topics, route, name);

    return topic != NULL ? core_deliver(core, from, topic, message) : BAY_OK;
}

int core_publish_unkept(struct instance *instance, const char *topic,
                        const struct kept *message)
{
    const struct core_setup *setup = &instance->core->setup;

    if (setup->bus != NULL) {
        /* What a sibling's full queue does not take is lost for it alone, and
         * counted there: no reason to fail the publisher. */
        setup->bus->publish(setup->bus_self, instance->route->name, topic,
                            message->kind, message->data, message->len,
                            message->except);
    }
    return deliver(instance->core, instance->route, instance, topic, message);
}

int core_publish(struct instance *instance, const char *topic, bay_kind kind,
                 const void *data, size_t len, bay_id except)
{
    struct kept message = {
        .kind = kind, .data = data, .len = len, .except = except
    };

    stat_add(&instance->stats->published, 1);
    return instance->route->keep.count > 0
               ? history_publish(instance, topic, &message)
               : core_publish_unkept(instance, topic, &message);
}

void core_interest(struct core *core, const struct route *route,
                   const char *topic, bool on)
{
    stat_set(&core->setup.stats->topics, core->topics.count);
    if (on && route->keep.count > 0) {
        history_wanted(core, route, topic);
    }
    if (core->setup.bus != NULL) {
        core->setup.bus->interest(core->setup.bus_self, route->name, topic, on);
        core->new_interest = on || core->new_interest;
    }
}

/* ---- what the bus calls ------------------------------------------------ */

void core_bus_publish(struct core *core, const char *route, const char *topic,
                      bay_kind kind, const void *data, size_t len,
                      bay_id except)
{
    const struct route *found = core_find_names(core, route);

    if (*topic == PRESENCE_MARK) {
        presence_take(core, route, data, len);
        return;
    }
    if (kind == BUS_NEWS && *route == '\0') {
        history_sweep(core);
    } else if (found != NULL && kind == BUS_NEWS) {
        history_news(core, found, topic);
    } else if (found != NULL) {
        struct kept message = {
            .kind = kind, .data = data, .len = len, .except = except
        };

        deliver(core, found, NULL, topic, &message);
    }
}

/* A connection of that route only: the id came from one of its plugins. */
static struct conn *find_conn(const struct core *core, const char *route,
                              bay_id id)
{
    struct conn *conn = conn_find(core, id);

    if (conn == NULL || strcmp(conn->instance->route->name, route) != 0) {
        return NULL;
    }
    return conn;
}

void core_bus_send(struct core *core, const char *route, bay_id id,
                   bay_kind kind, const void *data, size_t len)
{
    struct conn *conn = find_conn(core, route, id);

    if ((id & UINT32_MAX) == 0) { /* to this worker itself */
        if (id == presence_self(core)) {
            presence_take(core, route, data, len);
        }
        return;
    }
    if (conn != NULL && conn_send(conn, kind, data, len) == BAY_EFULL) {
        conn_result(conn, HOOK_NONE, BAY_EFULL);
    }
}

void core_bus_close(struct core *core, const char *route, bay_id id, int code,
                    const char *reason)
{
    struct conn *conn = find_conn(core, route, id);

    if (conn != NULL) {
        conn_close(conn, code, reason);
    }
}

void core_bus_peer(struct core *core, bay_id worker, bool there)
{
    presence_peer(core, worker, there);
    if (!there) {
        history_sweep(core); /* it may have died before it told of its last */
    }
}

void core_bus_back(struct core *core)
{
    history_back(core);
}

void core_bus_settled(struct core *core, const char *route, const char *topic)
{
    if (*topic == PRESENCE_MARK) {
        presence_settled(core, route, topic + 1);
    } else {
        history_settled(core, route, topic);
    }
}

void core_bus_kept(struct core *core, const char *route, const char *topic,
                   const struct kept *message)
{
    history_take(core, route, topic, message);
}

void core_bus_replayed(struct core *core, uint64_t ticket, enum replay result,
                       const struct kept *messages, size_t count,
                       struct position head)
{
    if (ticket & 1) { /* see history.c */
        history_filled(core, ticket, result, messages, count, head);
    } else {
        replay_answer(core, ticket, result, messages, count, head);
    }
}

struct interest_call {
    void (*each)(void *arg, const char *route, const char *topic);
    void *arg;
};

static void call_interest(void *arg, struct route *route, const char *name)
{
    const struct interest_call *call = arg;

    call->each(call->arg, route->name, name);
}

void core_bus_each_interest(struct core *core,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg)
{
    struct interest_call call = { .each = each, .arg = arg };

    topics_each(&core->topics, call_interest, &call);
    presence_each_interest(core, each, arg);
}
