/* room.h - rooms, who is in them, and what was said last */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <patchbay.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "text.h"

enum {
    CHAT_ID_SIZE = 17, /* 16 hex digits */
    ROOM_KEY_SIZE = 33,
    ROOM_TOPIC_SIZE = 32,
    ROOM_LINE_ID_SIZE = 40
};

struct sibling;

struct person {
    bay_id id;
    int64_t since_ms; /* wall clock */
    char name[TEXT_NAME_SIZE];
    char key[ROOM_KEY_SIZE]; /* proves that it is the same person; or "" */
};

struct member {
    struct person is;
    struct sibling *home; /* whose connection it is; NULL: ours */
    unsigned round;       /* see struct sibling */
    UT_hash_handle hh;
};

/* One message of the history, as the members got it. */
struct line {
    TAILQ_ENTRY(line) at;
    int64_t time_ms;
    char id[ROOM_LINE_ID_SIZE];
    size_t len;
    char json[];
};

struct room {
    char name[TEXT_NAME_SIZE];
    char topic[ROOM_TOPIC_SIZE]; /* what our members are subscribed to */
    uint32_t serial;
    struct member *members;        /* in the order they came */
    size_t here;                   /* those whose connections are ours */
    TAILQ_HEAD(lines, line) lines; /* oldest first */
    size_t line_count, line_bytes;
    uint64_t empty_since_ms; /* while nobody is in */
    UT_hash_handle hh;
};

struct rooms {
    const char *owner; /* this instance's id; makes the topics unique */
    uint32_t last_serial;
    struct room *list; /* in the order they were made */
};

struct room *room_find(const struct rooms *rooms, const char *name);

/* Finds or makes it; NULL if out of memory. */
struct room *room_get(struct rooms *rooms, const char *name, uint64_t now_ms);

/* Whether one more room is allowed; makes place by freeing the one that has
 * been empty for the longest time. */
bool room_allows(struct rooms *rooms, size_t max);

/* Frees the rooms that have been empty for idle_ms. */
void room_sweep(struct rooms *rooms, uint64_t now_ms, uint64_t idle_ms);
void room_free_all(struct rooms *rooms);

/* Copies the person. NULL if out of memory. */
struct member *room_add(struct room *room, const struct person *person,
                        struct sibling *home);
void room_remove(struct room *room, struct member *member, uint64_t now_ms);

struct member *room_member(const struct room *room, bay_id id);

/* Somebody else of that name; ASCII letters in either case. */
struct member *room_namesake(const struct room *room,
                             const struct person *person);

/* Whether both came with the same key. */
bool room_same_person(const struct person *a, const struct person *b);

/*
 * Adds a message to the history in order of time, once; then drops the oldest
 * until no more than max_lines and max_bytes are left. 0 or BAY_ENOMEM.
 */
int room_remember(struct room *room, int64_t time_ms, const char *id,
                  const char *json, size_t len, size_t max_lines,
                  size_t max_bytes);

#endif
