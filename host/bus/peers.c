/* peers.c - the workers of other machines: who is there, and who is no more */
#include "bus/peers.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/id.h"

struct peer_entry {
    UT_hash_handle hh;
    bay_id worker;
    uint32_t group;
    bool gone;
    uint64_t seen_ms; /* or when it was said to be gone */
};

static struct peer_entry *find(const struct peers *peers, bay_id worker)
{
    struct peer_entry *entry = NULL;

    HASH_FIND(hh, peers->entries, &worker, sizeof worker, entry);
    return entry;
}

static void come(struct peers *peers, struct peer_entry *entry)
{
    entry->gone = false;
    peers->there++;
    peers->told(peers->arg, entry->worker, true);
}

static void go(struct peers *peers, struct peer_entry *entry, uint64_t now_ms)
{
    if (!entry->gone) {
        entry->gone = true;
        entry->seen_ms = now_ms;
        peers->there--;
        peers->told(peers->arg, entry->worker, false);
    }
}

/* A place in a group is one process's at a time; workers that replace others
 * are a group of their own, and live beside them for a while. */
static bool same_place(const struct peer_entry *a, const struct peer_entry *b)
{
    return a != b && a->group == b->group &&
           id_node(a->worker) == id_node(b->worker) &&
           id_worker(a->worker) == id_worker(b->worker);
}

/* Incarnations wrap. */
static bool is_later(const struct peer_entry *a, const struct peer_entry *b)
{
    return (int16_t)(id_incarnation(a->worker) - id_incarnation(b->worker)) > 0;
}

/* Those before it are gone; false: so is it. */
static bool replace(struct peers *peers, const struct peer_entry *next,
                    uint64_t now_ms)
{
    struct peer_entry *entry, *following;

    HASH_ITER(hh, peers->entries, entry, following)
    {
        if (same_place(entry, next) && is_later(entry, next)) {
            return false;
        }
    }
    HASH_ITER(hh, peers->entries, entry, following)
    {
        if (same_place(entry, next)) {
            go(peers, entry, now_ms);
        }
    }
    return true;
}

static struct peer_entry *add(struct peers *peers, bay_id worker,
                              uint32_t group)
{
    struct peer_entry *entry;

    if (HASH_COUNT(peers->entries) >= PEERS_MAX) {
        return NULL;
    }
    entry = calloc(1, sizeof *entry);
    if (!entry) {
        return NULL;
    }
    entry->worker = worker;
    entry->group = group;
    HASH_ADD(hh, peers->entries, worker, sizeof entry->worker, entry);
    if (!entry->hh.tbl) {
        free(entry);
        return NULL;
    }
    return entry;
}

bool peers_seen(struct peers *peers, bay_id worker, uint32_t group,
                uint64_t now_ms)
{
    struct peer_entry *entry = find(peers, worker);

    if (entry && entry->gone) {
        if (now_ms - entry->seen_ms < PEERS_REST_MS) {
            return false;
        }
        come(peers, entry);
    } else if (!entry) {
        entry = add(peers, worker, group);
        if (!entry) {
            return true; /* as good as not kept */
        }
        entry->seen_ms = now_ms;
        entry->gone = !replace(peers, entry, now_ms);
        if (entry->gone) {
            return false;
        }
        come(peers, entry);
    }
    entry->seen_ms = now_ms;
    return true;
}

void peers_gone(struct peers *peers, bay_id worker, uint64_t now_ms)
{
    struct peer_entry *entry = find(peers, worker);

    if (entry) {
        go(peers, entry, now_ms);
    }
}

void peers_look(struct peers *peers, uint64_t now_ms)
{
    uint64_t since = peers->looked_ms ? now_ms - peers->looked_ms : 0;
    uint64_t still = since > peers->ttl_ms / 2 ? since : 0;
    struct peer_entry *entry, *following;

    peers->looked_ms = now_ms;
    HASH_ITER(hh, peers->entries, entry, following)
    {
        uint64_t seen = entry->seen_ms += entry->gone ? 0 : still;

        if (seen > now_ms || now_ms - seen < peers->ttl_ms) {
            continue;
        }
        if (entry->gone) {
            HASH_DEL(peers->entries, entry);
            free(entry);
        } else {
            go(peers, entry, now_ms - PEERS_REST_MS);
        }
    }
}

bool peers_there(const struct peers *peers, bay_id worker)
{
    const struct peer_entry *entry = find(peers, worker);

    return entry && !entry->gone;
}

void peers_finish(struct peers *peers)
{
    struct peer_entry *entry, *following;

    HASH_ITER(hh, peers->entries, entry, following)
    {
        HASH_DEL(peers->entries, entry);
        free(entry);
    }
    peers->there = 0;
}
