/* topics.c - who is subscribed to which topic, in this worker */
#include "core/topics.h"

#include <stdlib.h>
#include <string.h>

#include <patchbay.h>

#include "core/core-t.h"
#include "core/hash.h"

/* The key of the hash: the route, then the name without its 0 byte. */
#define KEY_MAX (sizeof(struct instance *) + TOPICS_NAME_MAX)

struct topic {
    struct topic_sub **subs;
    size_t count;
    size_t cap;
    bool listened;
    struct instance *route;
    UT_hash_handle hh;
    unsigned key_len;
    char key[KEY_MAX + 1];
};

bool topics_name_valid(const char *name)
{
    size_t len = name != NULL ? strnlen(name, TOPICS_NAME_MAX + 1) : 0;

    return len > 0 && len <= TOPICS_NAME_MAX;
}

static unsigned make_key(char key[KEY_MAX + 1], const struct instance *route,
                         const char *name)
{
    size_t len = strlen(name);

    memcpy(key, &route, sizeof route);
    memcpy(key + sizeof route, name, len + 1);
    return (unsigned)(sizeof route + len);
}

static const char *name_of(const struct topic *topic)
{
    return topic->key + sizeof topic->route;
}

struct topic *topics_find(const struct topics *topics,
                          const struct instance *route, const char *name)
{
    char key[KEY_MAX + 1];
    unsigned len = make_key(key, route, name);
    struct topic *topic;

    HASH_FIND(hh, topics->by_name, key, len, topic);
    return topic;
}

static int find_or_create(struct topics *topics, struct instance *route,
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
    free(topic);
}

/* Whether nobody wanted it any more, and it is gone. */
static bool collect(struct topics *topics, struct topic *topic)
{
    if (topic->count > 0 || topic->listened) {
        return false;
    }
    destroy(topics, topic);
    return true;
}

static struct topic_sub *find_sub(const struct conn *conn,
                                  const struct topic *topic)
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
    free(sub);
}

int topics_subscribe(struct topics *topics, struct conn *conn, const char *name,
                     bool *changed)
{
    struct topic *topic;
    bool created;
    int status;

    *changed = false;
    status = find_or_create(topics, conn->instance, name, &topic, &created);
    if (status != BAY_OK) {
        return status;
    }
    if (!created && find_sub(conn, topic) != NULL) {
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
    struct topic *topic = topics_find(topics, conn->instance, name);
    struct topic_sub *sub = topic != NULL ? find_sub(conn, topic) : NULL;

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

    memcpy(name, name_of(topic), strlen(name_of(topic)) + 1);
    drop_sub(conn->subs);
    return collect(topics, topic);
}

int topics_listen(struct topics *topics, struct instance *route,
                  const char *name, bool *changed)
{
    struct topic *topic;
    int status = find_or_create(topics, route, name, &topic, changed);

    if (status == BAY_OK) {
        topic->listened = true;
    }
    return status;
}

int topics_unlisten(struct topics *topics, struct instance *route,
                    const char *name, bool *changed)
{
    struct topic *topic = topics_find(topics, route, name);

    *changed = false;
    if (topic == NULL || !topic->listened) {
        return BAY_ENOTFOUND;
    }
    topic->listened = false;
    *changed = collect(topics, topic);
    return BAY_OK;
}

bool topic_listened(const struct topic *topic)
{
    return topic->listened;
}

size_t topic_count(const struct topic *topic)
{
    return topic->count;
}

struct conn *topic_at(const struct topic *topic, size_t place)
{
    return topic->subs[place]->conn;
}

void topics_each(const struct topics *topics,
                 void (*each)(void *arg, struct instance *route,
                              const char *name),
                 void *arg)
{
    struct topic *topic, *next;

    HASH_ITER(hh, topics->by_name, topic, next)
    {
        each(arg, topic->route, name_of(topic));
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
