/* archive.h - what was published to topics with history, in memory that workers
 * share
 *
 * One archive serves the workers of a machine. A message that is in it outlives
 * the worker that put it there: each worker finds all messages of a topic, in
 * one order. A process that dies in the middle of it, or is stopped there, harms
 * nobody: see archive_lock in archive.c.
 *
 * When the memory is full, topics lose their oldest messages in turn, whatever
 * their routes allow; who asks for these is told that it is too late.
 */
#ifndef PATCHBAY_CORE_ARCHIVE_H
#define PATCHBAY_CORE_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/bus.h"

/* The least that archive_create takes. */
#define ARCHIVE_MIN ((size_t)256 << 10)

struct archive;

/* Memory that children will share. NULL: there is none; errno tells. */
struct archive *archive_create(size_t bytes);
void archive_destroy(struct archive *archive);

/*
 * Puts a message behind those of its topic: of message, all but at and late is
 * read. Sets *at. BAY_ETOOBIG: longer than an eighth of the archive: its place is
 * kept, but not the message, and who resumes before it is too late;
 * BAY_EFULL: the archive is locked by a process that does not move.
 */
int archive_append(struct archive *archive, const char *route,
                   const char *topic, const struct keep *keep,
                   const struct kept *message, struct position *at);

/* The position of the last message of a topic; offset 0: there was none yet.
 * BAY_EFULL as above. */
int archive_head(struct archive *archive, const char *route, const char *topic,
                 struct position *head);

/* Messages copied out of an archive; their data lie in bytes. A zeroed struct
 * is an empty one, and can be used again and again. */
struct batch {
    struct kept *messages;
    size_t count;
    size_t cap;
    struct buf bytes;
    struct position head; /* of the last that the archive has */
};

void batch_finish(struct batch *batch);

/*
 * Copies what stands behind a position, the oldest first: at least one message
 * if there is any, and not many more than a megabyte at once, so go on from
 * the last of them until that is head. An epoch of 0 asks for the last max
 * messages. keep says how much of the past may be read. NULL: all that is
 * there, for a worker that delivers it; some is held a while longer than keep
 * says, and a message whose place alone is kept has the kind 0 then.
 *
 * REPLAY_TOO_LATE: some of it is not kept any more, or the position is none
 * of this topic; the last max messages are given then. REPLAY_FAILED: out
 * of memory, or locked as above.
 */
enum replay archive_read(struct archive *archive, const char *route,
                         const char *topic, const struct keep *keep,
                         uint64_t now_ms, struct position after, unsigned max,
                         struct batch *batch);

/* A process could not tell the others of news: all look for them once they see
 * this count rise. */
void archive_alarm(struct archive *archive);
uint64_t archive_alarms(const struct archive *archive);

struct archive_facts {
    uint64_t bytes;   /* in use, of... */
    uint64_t size;    /* ...so many */
    uint64_t topics;  /* that have a place */
    uint64_t evicted; /* messages that had to go before their time */
};
void archive_facts(const struct archive *archive, struct archive_facts *facts);

#endif
