/* archive_messages.c - messages of an archive: put there, and copied out */
#include <stdlib.h>
#include <string.h>

#include "core/archive-t.h"

/* Not much more is copied out at once. */
#define BATCH_BYTES ((size_t)1 << 20)

/* What is a message's own in its first block, and in each of the others. */
#define FIRST (sizeof(struct block) - 4 - sizeof(struct entry))
#define OTHER (sizeof(struct block) - 4)

/*
 * Workers deliver from the archive, so it holds more than a route lets others
 * read: what has just been published must not be gone before a worker that was
 * busy for a while comes to it, however little is kept as history.
 */
#define LIVE_COUNT 4096u
#define LIVE_MS    60000u

static void drop_old(struct archive *archive, struct place *place,
                     const struct keep *keep, uint64_t now_ms)
{
    struct entry entry;

    while (place->count > keep->count + LIVE_COUNT) {
        archive_drop_first(archive, place);
    }
    while (place->count > 0 && keep->age_ms > 0 &&
           archive_entry(archive, place->first, &entry) &&
           entry.time_ms + keep->age_ms + LIVE_MS < now_ms) {
        archive_drop_first(archive, place);
    }
}

/* Copies a message into blocks; NONE: they could not be had. */
static uint32_t store(struct archive *archive, const struct kept *message,
                      uint64_t offset)
{
    struct entry entry = { .next = NONE,
                           .kind = message->kind,
                           .offset = offset,
                           .time_ms = message->time_ms,
                           .except = message->except,
                           .publisher = message->publisher,
                           .len = message->len };
    const unsigned char *data = message->data;
    size_t left = message->len;
    uint32_t first = archive_take_block(archive);
    uint32_t at = first;
    size_t n = left < FIRST ? left : FIRST;

    if (first == NONE) {
        return NONE;
    }
    memcpy(archive_block(archive, at)->bytes, &entry, sizeof entry);
    if (n > 0) {
        memcpy(archive_block(archive, at)->bytes + sizeof entry, data, n);
    }
    while ((left -= n) > 0) {
        uint32_t next = archive_take_block(archive);

        data += n;
        if (next == NONE) {
            archive_free_chain(archive, first);
            return NONE;
        }
        n = left < OTHER ? left : OTHER;
        memcpy(archive_block(archive, next)->bytes, data, n);
        archive_block(archive, at)->next = next;
        at = next;
    }
    return first;
}

static void link_entry(struct archive *archive, struct place *place,
                       uint32_t first)
{
    struct block *last = archive_block(archive, place->last);

    if (place->count == 0 || last == NULL) {
        place->first = first;
        place->count = 0;
    } else {
        memcpy(last->bytes + offsetof(struct entry, next), &first,
               sizeof first);
    }
    place->last = first;
    place->count++;
}

int archive_append(struct archive *archive, const char *route,
                   const char *topic, const struct keep *keep,
                   const struct kept *message, struct position *at)
{
    struct key key;
    struct place *place;
    uint32_t first = NONE;
    int status = BAY_OK;

    if (!archive_key(archive, route, topic, &key)) {
        return BAY_EINVAL;
    }
    if (!archive_lock(archive)) {
        return BAY_EFULL;
    }
    place = archive_place(archive, &key);
    drop_old(archive, place, keep, message->time_ms);
    if (message->len / BLOCK < archive->block_count / 8) {
        first = store(archive, message, place->head + 1);
    } else {
        /* Its place is kept, for those who ask for what was before it. */
        struct kept absent = { .time_ms = message->time_ms };

        first = store(archive, &absent, place->head + 1);
        status = BAY_ETOOBIG;
    }
    /* In this order: a message that is not linked has never been there. */
    if (first != NONE) {
        link_entry(archive, place, first);
        place->head++;
    } else { /* garbled: nobody is to miss it unawares */
        place->head++;
        while (place->count > 0) {
            archive_drop_first(archive, place);
        }
        status = BAY_ETOOBIG;
    }
    *at = (struct position){ place->epoch, place->head };
    archive_unlock(archive);
    return status;
}

int archive_head(struct archive *archive, const char *route, const char *topic,
                 struct position *head)
{
    struct key key;
    const struct place *place;

    if (!archive_key(archive, route, topic, &key)) {
        return BAY_EINVAL;
    }
    if (!archive_lock(archive)) {
        return BAY_EFULL;
    }
    place = archive_place(archive, &key);
    *head = (struct position){ place->epoch, place->head };
    archive_unlock(archive);
    return BAY_OK;
}

void batch_finish(struct batch *batch)
{
    free(batch->messages);
    buf_free(&batch->bytes);
    memset(batch, 0, sizeof *batch);
}

/* Makes room for one more message. */
static struct kept *batch_next(struct batch *batch)
{
    if (batch->count == batch->cap) {
        size_t cap = batch->cap == 0 ? 64 : batch->cap * 2;
        struct kept *more = realloc(batch->messages, cap * sizeof *more);

        if (more == NULL) {
            return NULL;
        }
        batch->messages = more;
        batch->cap = cap;
    }
    return &batch->messages[batch->count++];
}

/* Copies a message to the end of the batch. false: out of memory, or garbled. */
static bool copy_out(struct archive *archive, struct batch *batch,
                     uint32_t first, const struct entry *entry, uint64_t epoch)
{
    struct block *block = archive_block(archive, first);
    const unsigned char *from = block->bytes + sizeof *entry;
    size_t left = entry->len;
    size_t n = left < FIRST ? left : FIRST;
    struct kept *message;

    if (entry->len / BLOCK > archive->block_count ||
        buf_reserve(&batch->bytes, entry->len + 1) == NULL) {
        return false;
    }
    message = batch_next(batch);
    if (message == NULL) {
        return false;
    }
    *message = (struct kept){
        .at = { epoch, entry->offset },
        .kind = entry->kind,
        .len = entry->len,
        .except = entry->except,
        .publisher = entry->publisher,
        .time_ms = entry->time_ms,
    };
    for (;;) {
        buf_add(&batch->bytes, from, n);
        left -= n;
        if (left == 0) {
            break;
        }
        block = archive_block(archive, block->next);
        if (block == NULL) {
            batch->count--;
            return false;
        }
        from = block->bytes;
        n = left < OTHER ? left : OTHER;
    }
    buf_add(&batch->bytes, "", 1);
    return !batch->bytes.failed;
}

/* The bytes have come to rest: where each message lies. */
static void settle(struct batch *batch)
{
    const char *at = batch->bytes.data;

    for (size_t i = 0; i < batch->count; i++) {
        batch->messages[i].data = at;
        at += batch->messages[i].len + 1;
    }
}

/* Whether what keep lets one read ends behind this message. NULL: all of it is
 * for workers, which know of messages that are not there. */
static bool is_hidden(const struct entry *entry, const struct keep *keep,
                      uint64_t now_ms)
{
    return keep != NULL &&
           (entry->kind == 0 ||
            (keep->age_ms > 0 && entry->time_ms + keep->age_ms < now_ms));
}

static uint64_t first_offset(const struct place *place, const struct keep *keep)
{
    uint64_t count =
        keep != NULL && keep->count < place->count ? keep->count : place->count;

    return place->head - count + 1;
}

static enum replay read_place(struct archive *archive, struct place *place,
                              const struct keep *keep, uint64_t now_ms,
                              struct position after, unsigned max,
                              struct batch *batch)
{
    uint64_t first = first_offset(place, keep);
    bool last = after.epoch == 0; /* the last ones, whichever they are */
    enum replay result = REPLAY_WHOLE;
    uint32_t index = place->first;
    struct entry entry;

    batch->head = (struct position){ place->epoch, place->head };
    if (!last && (after.epoch != place->epoch || after.offset > place->head ||
                  after.offset + 1 < first)) {
        result = REPLAY_TOO_LATE;
        last = true;
    }
    if (last) {
        after.offset = place->head > max ? place->head - max : 0;
        after.offset = after.offset + 1 < first ? first - 1 : after.offset;
    }
    if (place->mark != NONE && place->mark_offset <= after.offset + 1) {
        index = place->mark;
    }
    for (uint32_t steps = 0; archive_entry(archive, index, &entry); steps++) {
        if (steps > place->count ||
            (entry.kind != 0 && entry.kind != BAY_TEXT &&
             entry.kind != BAY_BINARY)) {
            archive_spoil(archive, place); /* they run in a circle, or wild */
            return REPLAY_FAILED;
        }
        if (entry.offset > after.offset && is_hidden(&entry, keep, now_ms)) {
            result = last ? result : REPLAY_TOO_LATE;
        } else if (entry.offset > after.offset) {
            if (batch->count > 0 &&
                batch->bytes.len + entry.len > BATCH_BYTES) {
                break;
            }
            if (!copy_out(archive, batch, index, &entry, place->epoch)) {
                return REPLAY_FAILED;
            }
            place->mark = index;
            place->mark_offset = entry.offset;
        }
        index = entry.next;
    }
    return result;
}

enum replay archive_read(struct archive *archive, const char *route,
                         const char *topic, const struct keep *keep,
                         uint64_t now_ms, struct position after, unsigned max,
                         struct batch *batch)
{
    enum replay result = REPLAY_FAILED;
    struct key key;
    struct place *place;

    batch->count = 0;
    batch->head = (struct position){ 0 };
    buf_clear(&batch->bytes);
    if (!archive_key(archive, route, topic, &key) || !archive_lock(archive)) {
        return REPLAY_FAILED;
    }
    place = archive_place(archive, &key);
    if (keep != NULL) {
        drop_old(archive, place, keep, now_ms);
    }
    result = read_place(archive, place, keep, now_ms, after, max, batch);
    archive_unlock(archive);
    settle(batch);
    return result;
}
