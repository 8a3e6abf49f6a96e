/* interest.c - which worker wants what is published to which topic */
#include "bus/interest.h"

#include <stdlib.h>
#include <string.h>

/* A failed insertion must not end the process: it leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct interest_entry {
    UT_hash_handle hh;
    struct worker_set wanted;
    struct worker_set stale; /* of wanted: marked, and not set again yet */
    char key[];              /* route, 0, topic */
};

/* More than a route of an INI file and a topic can be. */
#define KEY_MAX 2048

/* The length of the key of a topic, or 0 if it is too long to be one. */
static size_t make_key(char key[KEY_MAX], const char *route, const char *topic)
{
    size_t route_len = strlen(route) + 1, topic_len = strlen(topic);

    if (route_len + topic_len > KEY_MAX) {
        return 0;
    }
    memcpy(key, route, route_len);
    memcpy(key + route_len, topic, topic_len);
    return route_len + topic_len;
}

static struct interest_entry *find(const struct interest *interest,
                                   const char *key, size_t len)
{
    struct interest_entry *entry = NULL;

    HASH_FIND(hh, interest->entries, key, len, entry);
    return entry;
}

static struct interest_entry *add(struct interest *interest, const char *key,
                                  size_t len)
{
    struct interest_entry *entry = calloc(1, sizeof *entry + len);

    if (!entry) {
        return NULL;
    }
    memcpy(entry->key, key, len);
    HASH_ADD_KEYPTR(hh, interest->entries, entry->key, len, entry);
    if (!entry->hh.tbl) {
        free(entry);
        return NULL;
    }
    return entry;
}

static void unset(struct interest *interest, struct interest_entry *entry,
                  unsigned worker)
{
    worker_set_remove(&entry->wanted, worker);
    worker_set_remove(&entry->stale, worker);
    if (worker_set_empty(&entry->wanted)) {
        HASH_DEL(interest->entries, entry);
        free(entry);
    }
}

int interest_set(struct interest *interest, const char *route,
                 const char *topic, unsigned worker, bool on)
{
    char key[KEY_MAX];
    size_t len = make_key(key, route, topic);
    struct interest_entry *entry;

    if (len == 0) {
        return -1;
    }
    entry = find(interest, key, len);
    if (!on) {
        if (entry) {
            unset(interest, entry, worker);
        }
        return 0;
    }
    if (!entry) {
        entry = add(interest, key, len);
        if (!entry) {
            return -1;
        }
    }
    worker_set_add(&entry->wanted, worker);
    worker_set_remove(&entry->stale, worker);
    return 0;
}

const struct worker_set *interest_find(const struct interest *interest,
                                       const char *route, const char *topic)
{
    char key[KEY_MAX];
    size_t len = make_key(key, route, topic);
    struct interest_entry *entry = len > 0 ? find(interest, key, len) : NULL;

    return entry ? &entry->wanted : NULL;
}

void interest_forget(struct interest *interest, unsigned worker)
{
    struct interest_entry *entry, *next;

    HASH_ITER(hh, interest->entries, entry, next)
    {
        unset(interest, entry, worker);
    }
}

void interest_mark(struct interest *interest, unsigned worker)
{
    struct interest_entry *entry, *next;

    HASH_ITER(hh, interest->entries, entry, next)
    {
        if (worker_set_has(&entry->wanted, worker)) {
            worker_set_add(&entry->stale, worker);
        }
    }
}

void interest_sweep(struct interest *interest, unsigned worker)
{
    struct interest_entry *entry, *next;

    HASH_ITER(hh, interest->entries, entry, next)
    {
        if (worker_set_has(&entry->stale, worker)) {
            unset(interest, entry, worker);
        }
    }
}

size_t interest_count(const struct interest *interest)
{
    return HASH_COUNT(interest->entries);
}

void interest_finish(struct interest *interest)
{
    struct interest_entry *entry, *next;

    HASH_ITER(hh, interest->entries, entry, next)
    {
        HASH_DEL(interest->entries, entry);
        free(entry);
    }
}
