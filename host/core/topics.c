/* topics.c - who is subscribed to which topic, in this worker */
#include "core/topics.h"

#include <stdlib.h>
#include <string.h>

#include <patchbay.h>

#include "core/core-t.h"
#include "core/hash.h"
#include "core/replay.h"

/* The key of the hash: the route, then the name without its 0 byte. */
#define KEY_MAX (sizeof(struct route *) + TOPICS_NAME_MAX)

struct topic {
    struct topic_sub **subs;
    size_t count;
    size_t cap;
    struct instance **listeners;
    size_t listener_count;
    struct topic_record record;
    struct route *route;
    UT_hash_handle hh;
    unsigned key_len;
    char key[KEY_MAX + 1];
};

bool topics_name_valid(const char *name)
{
    size_t len = name != NULL ? strnlen(name, TOPICS_NAME_MAX + 1) : 0;

    if (len == 0 || len > TOPICS_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static unsigned make_key(char key[KEY_MAX + 1], const struct route *route,
                         const char *name)
{
    size_t len = strlen(name);

    memcpy(key, &route, sizeof route);
    memcpy(key + sizeof route, name, len + 1);
    return (unsigned)(sizeof route + len);
}

struct route *topic_route(const struct topic *topic)
{
    return topic->route;
}

struct topic_record *topic_record(struct topic *topic)
{
    return &topic->record;
}

const char *topic_name(const struct topic *topic)
{
    return topic->key + sizeof topic->route;
}

struct topic *topics_find(const struct topics *topics,
                          const struct route *route, const char *name)
{
    char key[KEY_MAX + 1];
    unsigned len = make_key(key, route, name);
    struct topic *topic;

    HASH_FIND(hh, topics->by_name, key, len, topic);
    return topic;
}

static int find_or_create(struct topics *topics, struct route *route,
                          const char *name, struct topic **found, bool *created)
{
    struct topic *topic = topics_find(topics, route, name);

    *created = topic == NULL;
    *found = topic;
    if (topic != NULL) {
        return BAY_OK;
    }
    if (topics->count >= TOPICS_MAX) {
        return BAY_EFULL;
    }
    topic = calloc(1, sizeof *topic);
    if (topic == NULL) {
        return BAY_ENOMEM;
    }
    topic->route = route;
    topic->key_len = make_key(topic->key, route, name);
    HASH_ADD(hh, topics->by_name, key, topic->key_len, topic);
    if (topic->hh.tbl == NULL) {
        free(topic);
        return BAY_ENOMEM;
    }
    topics->count++;
    *found = topic;
    return BAY_OK;
}

static void destroy(struct topics *topics, struct topic *topic)
{
    HASH_DEL(topics->by_name, topic);
    topics->count--;
    free(topic->subs);
    free(topic->listeners);
    free(topic);
}

/* Whether nobody wanted it any more, and it is gone. */
static bool collect(struct topics *topics, struct topic *topic)
{
    if (topic->count > 0 || topic->listener_count > 0) {
        return false;
    }
    destroy(topics, topic);
    return true;
}

struct topic_sub *topic_sub_of(const struct topic *topic,
                               const struct conn *conn)
{
    struct topic_sub *sub = conn->subs;

    while (sub != NULL && sub->topic != topic) {
        sub = sub->next_of_conn;
    }
    return sub;
}

static int add_sub(struct topic *topic, struct conn *conn)
{
    struct topic_sub *sub;

    if (topic->count == topic->cap) {
        size_t cap = topic->cap > 0 ? 2 * topic->cap : 4;
        struct topic_sub **subs = realloc(topic->subs, cap * sizeof(*subs));

        if (subs == NULL) {
            return BAY_ENOMEM;
        }
        topic->subs = subs;
        topic->cap = cap;
    }
    sub = calloc(1, sizeof *sub);
    if (sub == NULL) {
        return BAY_ENOMEM;
    }
    sub->topic = topic;
    sub->conn = conn;
    sub->place = topic->count;
    topic->subs[topic->count++] = sub;
    sub->next_of_conn = conn->subs;
    if (conn->subs != NULL) {
        conn->subs->prev_of_conn = sub;
    }
    conn->subs = sub;
    conn->sub_count++;
    return BAY_OK;
}

static void drop_sub(struct topic_sub *sub)
{
    struct topic *topic = sub->topic;
    struct topic_sub *last = topic->subs[--topic->count];

    topic->subs[sub->place] = last;
    last->place = sub->place;
    if (sub->prev_of_conn != NULL) {
        sub->prev_of_conn->next_of_conn = sub->next_of_conn;
    } else {
        sub->conn->subs = sub->next_of_conn;
    }
    if (sub->next_of_conn != NULL) {
        sub->next_of_conn->prev_of_conn = sub->prev_of_conn;
    }
    sub->conn->sub_count--;
    replay_end(sub);
    free(sub);
}

int topics_subscribe(struct topics *topics, struct conn *conn, const char *name,
                     bool *changed)
{
    struct topic *topic;
    bool created;
    int status;

    *changed = false;
    status =
        find_or_create(topics, conn->instance->route, name, &topic, &created);
    if (status != BAY_OK) {
        return status;
    }
    if (!created && topic_sub_of(topic, conn) != NULL) {
        return BAY_OK;
    }
    status =
        conn->sub_count < TOPICS_SUBS_MAX ? add_sub(topic, conn) : BAY_EFULL;
    if (status != BAY_OK) {
        collect(topics, topic);
        return status;
    }
    *changed = created;
    return BAY_OK;
}

int topics_unsubscribe(struct topics *topics, struct conn *conn,
                       const char *name, bool *changed)
{
    struct topic *topic = topics_find(topics, conn->instance->route, name);
    struct topic_sub *sub = topic != NULL ? topic_sub_of(topic, conn) : NULL;

    *changed = false;
    if (sub == NULL) {
        return BAY_ENOTFOUND;
    }
    drop_sub(sub);
    *changed = collect(topics, topic);
    return BAY_OK;
}

bool topics_drop_one(struct topics *topics, struct conn *conn,
                     char name[TOPICS_NAME_MAX + 1])
{
    struct topic *topic = conn->subs->topic;

    memcpy(name, topic_name(topic), strlen(topic_name(topic)) + 1);
    drop_sub(conn->subs);
    return collect(topics, topic);
}

static size_t place_of_listener(const struct topic *topic,
                                const struct instance *listener)
{
    size_t place = 0;

    while (place < topic->listener_count &&
           topic->listeners[place] != listener) {
        place++;
    }
    return place;
}

static int add_listener(struct topic *topic, struct instance *listener)
{
    struct instance **list =
        realloc(topic->listeners, (topic->listener_count + 1) * sizeof *list);

    if (list == NULL) {
        return BAY_ENOMEM;
    }
    list[topic->listener_count++] = listener;
    topic->listeners = list;
    return BAY_OK;
}

static void drop_listener(struct topic *topic, size_t place)
{
    topic->listener_count--;
    memmove(&topic->listeners[place], &topic->listeners[place + 1],
            (topic->listener_count - place) * sizeof topic->listeners[0]);
}

int topics_listen(struct topics *topics, struct instance *listener,
                  const char *name, bool *changed)
{
    struct topic *topic;
    bool created;
    int status;

    *changed = false;
    status = find_or_create(topics, listener->route, name, &topic, &created);
    if (status != BAY_OK ||
        place_of_listener(topic, listener) < topic->listener_count) {
        return status;
    }
    status = add_listener(topic, listener);
    if (status != BAY_OK) {
        collect(topics, topic);
        return status;
    }
    *changed = created;
    return BAY_OK;
}

int topics_unlisten(struct topics *topics, const struct instance *listener,
                    const char *name, bool *changed)
{
    struct topic *topic = topics_find(topics, listener->route, name);
    size_t place = topic != NULL ? place_of_listener(topic, listener) : 0;

    *changed = false;
    if (topic == NULL || place == topic->listener_count) {
        return BAY_ENOTFOUND;
    }
    drop_listener(topic, place);
    *changed = collect(topics, topic);
    return BAY_OK;
}

void topics_unlisten_all(struct topics *topics, const struct instance *listener,
                         void (*gone)(void *arg, struct route *route,
                                      const char *name),
                         void *arg)
{
    struct topic *topic, *next;

    HASH_ITER(hh, topics->by_name, topic, next)
    {
        size_t place = place_of_listener(topic, listener);
        struct route *route = topic->route;
        char name[TOPICS_NAME_MAX + 1];

        if (place == topic->listener_count) {
            continue;
        }
        memcpy(name, topic_name(topic), strlen(topic_name(topic)) + 1);
        drop_listener(topic, place);
        if (collect(topics, topic)) {
            gone(arg, route, name);
        }
    }
}

size_t topic_listeners(const struct topic *topic)
{
    return topic->listener_count;
}

struct instance *topic_listener(const struct topic *topic, size_t place)
{
    return topic->listeners[place];
}

size_t topic_count(const struct topic *topic)
{
    return topic->count;
}

struct topic_sub *topic_at(const struct topic *topic, size_t place)
{
    return topic->subs[place];
}

void topics_each(const struct topics *topics,
                 void (*each)(void *arg, struct route *route, const char *name),
                 void *arg)
{
    struct topic *topic, *next;

    HASH_ITER(hh, topics->by_name, topic, next)
    {
        each(arg, topic->route, topic_name(topic));
    }
}

void topics_finish(struct topics *topics)
{
    struct topic *topic, *next;

    HASH_ITER(hh, topics->by_name, topic, next)
    {
        destroy(topics, topic);
    }
}
