/* archive.c - what was published to topics with history, in memory that workers
 * share */
#include "core/archive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "base/fnv.h"
#include "base/log.h"
#include "core/archive-t.h"

#define BYTES_PLACE  2048u /* of the archive, for each place of a topic */
#define LOCK_WAIT_MS 1000  /* a busy machine lets one stand still for long */

static uint32_t *bucket_at(struct archive *archive, uint64_t hash)
{
    uint32_t *buckets = (uint32_t *)((char *)archive + archive->buckets_at);

    return &buckets[hash & (archive->place_count - 1)];
}

static struct place *place_at(struct archive *archive, uint32_t index)
{
    struct place *places =
        (struct place *)((char *)archive + archive->places_at);

    return index < archive->place_count ? &places[index] : NULL;
}

struct block *archive_block(struct archive *archive, uint32_t index)
{
    struct block *blocks =
        (struct block *)((char *)archive + archive->blocks_at);

    return index < archive->fresh && index < archive->block_count
               ? &blocks[index]
               : NULL;
}

bool archive_entry(struct archive *archive, uint32_t index, struct entry *entry)
{
    struct block *block = archive_block(archive, index);

    if (block == NULL) {
        return false;
    }
    memcpy(entry, block->bytes, sizeof *entry);
    return true;
}

/* ---- made and freed ----------------------------------------------------- */

static int init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    int error = pthread_mutexattr_init(&attr);

    if (error == 0) {
        pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
        error = pthread_mutex_init(lock, &attr);
        pthread_mutexattr_destroy(&attr);
    }
    return error;
}

struct archive *archive_create(size_t bytes)
{
    struct archive *archive;
    uint32_t places = 64;
    size_t at = (sizeof *archive + 63) & ~(size_t)63;

    if (bytes < ARCHIVE_MIN) {
        bytes = ARCHIVE_MIN;
    }
    while (places < bytes / BYTES_PLACE && places < (1u << 24)) {
        places *= 2;
    }
    archive = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (archive == MAP_FAILED) {
        return NULL;
    }
    archive->size = bytes;
    archive->place_count = places;
    archive->buckets_at = at;
    at += places * sizeof(uint32_t);
    archive->places_at = at;
    at += places * sizeof(struct place);
    archive->blocks_at = at;
    archive->block_count = (uint32_t)((bytes - at) / BLOCK);
    archive->free = NONE;
    if (getrandom(&archive->seed, sizeof archive->seed, 0) < 0 ||
        getrandom(&archive->epoch_seed, sizeof archive->epoch_seed, 0) < 0 ||
        (errno = init_lock(&archive->lock)) != 0) {
        int error = errno;

        munmap(archive, bytes);
        errno = error;
        return NULL;
    }
    return archive;
}

void archive_destroy(struct archive *archive)
{
    if (archive != NULL) {
        munmap(archive, archive->size);
    }
}

/* ---- blocks ------------------------------------------------------------- */

void archive_free_chain(struct archive *archive, uint32_t first)
{
    uint32_t index = first;
    uint64_t count = 1;
    struct block *block = archive_block(archive, index);

    if (block == NULL) {
        return;
    }
    while (block->next != NONE && count < archive->block_count) {
        struct block *next = archive_block(archive, block->next);

        if (next == NULL) {
            break;
        }
        block = next;
        count++;
    }
    block->next = archive->free;
    archive->free = first;
    atomic_fetch_sub(&archive->used_blocks, count);
}

void archive_spoil(struct archive *archive, struct place *place)
{
    log_error("history: a topic's messages in shared memory are garbled, as by "
              "a plugin that writes where it should not: they are dropped");
    place->first = place->last = place->mark = NONE;
    place->count = 0;
    place->epoch = archive->epoch_seed + ++archive->epochs;
    place->head = 0;
}

void archive_drop_first(struct archive *archive, struct place *place)
{
    uint32_t first = place->first;
    struct entry entry;

    if (!archive_entry(archive, first, &entry)) {
        archive_spoil(archive, place);
        return;
    }
    if (place->mark != NONE && entry.offset >= place->mark_offset) {
        place->mark = NONE;
    }
    place->first = entry.next;
    place->count--;
    if (place->count == 0) {
        place->first = place->last = NONE;
    }
    archive_free_chain(archive, first);
}

/* One topic after the other loses its oldest message. false: none has any. */
static bool evict(struct archive *archive)
{
    for (uint32_t i = 0; i < archive->place_count; i++) {
        struct place *place;

        archive->cursor = (archive->cursor + 1) & (archive->place_count - 1);
        place = place_at(archive, archive->cursor);
        if (place->hash != 0 && place->count > 0) {
            archive_drop_first(archive, place);
            atomic_fetch_add(&archive->evicted, 1);
            return true;
        }
    }
    return false;
}

uint32_t archive_take_block(struct archive *archive)
{
    uint32_t index;

    while (archive->free == NONE && archive->fresh >= archive->block_count) {
        if (!evict(archive)) {
            return NONE;
        }
    }
    if (archive->free != NONE) {
        struct block *block = archive_block(archive, archive->free);

        if (block == NULL) { /* garbled: go on with what was never used */
            archive->free = NONE;
            return NONE;
        }
        index = archive->free;
        archive->free = block->next;
    } else {
        index = archive->fresh++;
    }
    archive_block(archive, index)->next = NONE;
    atomic_fetch_add(&archive->used_blocks, 1);
    return index;
}

/* ---- the lock ----------------------------------------------------------- */

/*
 * The process that had the lock has died with it. Each chain that a topic leads
 * to is whole, or not linked yet. Blocks that nothing leads to are free.
 */
static void repair(struct archive *archive)
{
    unsigned char *used = calloc(1, archive->block_count);
    uint64_t count = 0;

    memset((char *)archive + archive->buckets_at, 0,
           archive->place_count * sizeof(uint32_t));
    for (uint32_t i = 0; i < archive->place_count; i++) {
        struct place *place = place_at(archive, i);
        uint32_t index = place->first;
        struct entry entry;

        if (place->hash == 0) {
            continue;
        }
        place->next = *bucket_at(archive, place->hash);
        *bucket_at(archive, place->hash) = i + 1;
        place->count = 0;
        place->last = place->mark = NONE;
        while (place->count < archive->block_count &&
               archive_entry(archive, index, &entry)) {
            for (uint32_t b = index; used != NULL && b != NONE;) {
                struct block *block = archive_block(archive, b);

                if (block == NULL || used[b]) {
                    break;
                }
                used[b] = 1;
                count++;
                b = block->next;
            }
            place->last = index;
            place->count++;
            if (entry.offset > place->head) {
                place->head = entry.offset;
            }
            index = entry.next;
        }
        if (place->count == 0) {
            place->first = NONE;
        }
    }
    if (used == NULL) {
        return; /* free is what it was: a few blocks may be lost */
    }
    archive->free = NONE;
    for (uint32_t b = 0; b < archive->fresh; b++) {
        if (!used[b] && archive_block(archive, b) != NULL) {
            archive_block(archive, b)->next = archive->free;
            archive->free = b;
        }
    }
    atomic_store(&archive->used_blocks, count);
    free(used);
}

bool archive_lock(struct archive *archive)
{
    struct timespec until;
    int error = pthread_mutex_trylock(&archive->lock);

    if (error == EBUSY && !atomic_load(&archive->stuck)) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOCK_WAIT_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        error =
            pthread_mutex_clocklock(&archive->lock, CLOCK_MONOTONIC, &until);
        if (error == ETIMEDOUT) {
            atomic_store(&archive->stuck, true); /* wait no more, just try */
        }
    }
    if (error == EOWNERDEAD) {
        repair(archive);
        pthread_mutex_consistent(&archive->lock);
        error = 0;
    }
    if (error == 0 &&
        atomic_load_explicit(&archive->stuck, memory_order_relaxed)) {
        atomic_store(&archive->stuck, false);
    }
    return error == 0;
}

void archive_unlock(struct archive *archive)
{
    pthread_mutex_unlock(&archive->lock);
}

/* ---- topics ------------------------------------------------------------- */

bool archive_key(const struct archive *archive, const char *route,
                 const char *topic, struct key *key)
{
    size_t route_len = strlen(route) + 1;
    size_t topic_len = strlen(topic) + 1;

    if (route_len + topic_len > sizeof key->name) {
        return false;
    }
    memcpy(key->name, route, route_len);
    memcpy(key->name + route_len, topic, topic_len);
    key->len = route_len + topic_len;
    key->hash = fnv_hash(archive->seed, key->name, key->len);
    key->hash += key->hash == 0;
    return true;
}

static void unlink_place(struct archive *archive, uint32_t index)
{
    struct place *place = place_at(archive, index);
    uint32_t *link = bucket_at(archive, place->hash);

    for (uint32_t i = 0; *link != 0 && i < archive->place_count; i++) {
        struct place *other = place_at(archive, *link - 1);

        if (other == place) {
            *link = place->next;
            break;
        }
        if (other == NULL) {
            break;
        }
        link = &other->next;
    }
}

/* A place for a new topic: one that is free, one without messages, or one whose
 * turn it is to lose all of them. */
static uint32_t take_place(struct archive *archive)
{
    uint32_t index = NONE;

    if (atomic_load(&archive->used_places) < archive->place_count) {
        /* They are given out in order, and never given back. */
        index = (uint32_t)atomic_load(&archive->used_places);
        atomic_fetch_add(&archive->used_places, 1);
        return index;
    }
    for (uint32_t i = 0; i < 64; i++) {
        archive->cursor = (archive->cursor + 1) & (archive->place_count - 1);
        index = archive->cursor;
        if (place_at(archive, index)->count == 0) {
            break;
        }
    }
    atomic_fetch_add(&archive->evicted, place_at(archive, index)->count);
    while (place_at(archive, index)->count > 0) {
        archive_drop_first(archive, place_at(archive, index));
    }
    unlink_place(archive, index);
    return index;
}

struct place *archive_place(struct archive *archive, const struct key *key)
{
    uint32_t *bucket = bucket_at(archive, key->hash);
    uint32_t index = *bucket;
    struct place *place;

    for (uint32_t i = 0; index != 0 && i < archive->place_count; i++) {
        place = place_at(archive, index - 1);
        if (place == NULL) {
            break;
        }
        if (place->hash == key->hash &&
            memcmp(place->name, key->name, key->len) == 0) {
            return place;
        }
        index = place->next;
    }
    index = take_place(archive);
    place = place_at(archive, index);
    memset(place, 0, sizeof *place);
    place->first = place->last = place->mark = NONE;
    place->epoch = archive->epoch_seed + ++archive->epochs;
    place->epoch += place->epoch == 0;
    memcpy(place->name, key->name, key->len);
    place->next = *bucket;
    place->hash = key->hash;
    *bucket = index + 1;
    return place;
}

/* ---- facts -------------------------------------------------------------- */

void archive_alarm(struct archive *archive)
{
    atomic_fetch_add(&archive->alarms, 1);
}

uint64_t archive_alarms(const struct archive *archive)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&archive->alarms,
                                memory_order_relaxed);
}

void archive_facts(const struct archive *archive, struct archive_facts *facts)
{
    struct archive *a = (struct archive *)(uintptr_t)archive;

    *facts = (struct archive_facts){
        .bytes = atomic_load(&a->used_blocks) * BLOCK,
        .size = (uint64_t)a->block_count * BLOCK,
        .topics = atomic_load(&a->used_places),
        .evicted = atomic_load(&a->evicted),
    };
}
