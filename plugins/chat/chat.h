/* chat.h - the state of one instance of the chat: one route in one worker */
#ifndef CHAT_H
#define CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

#include "room.h"

/* Why a connection was closed; the client's side of it is in README.md. */
enum {
    CHAT_CLOSE_REPLACED = 4001, /* the same person came by another connection */
    CHAT_CLOSE_NAME_TAKEN = 4409
};

/* The options of the same names. */
struct limits {
    size_t history;
    size_t history_bytes;
    int64_t rate;
    int64_t burst;
    int64_t max_text;
    size_t rooms;
    size_t members;
    uint64_t room_idle_ms;
};

/* The instance of the same route in another worker. */
struct sibling {
    char id[CHAT_ID_SIZE];
    uint64_t heard_ms;
    uint64_t asked_ms; /* 0: never */
    uint64_t seq;      /* of its last event we got */
    bool known;        /* we have all it told */
    bool missed;       /* something, since we asked */
    /* Members it tells of while it answers get this number; those that still
     * have an older one when it is done are gone. */
    unsigned round;
    UT_hash_handle hh;
};

struct sync {
    uint64_t seq;     /* of the last event we told */
    uint64_t beat_ms; /* from one beat to the next */
    uint64_t due_ms;  /* when the timer should fire */
    struct sibling *siblings;
};

/* The route's block. A reload keeps it: raise state_version if it changes. */
struct chat {
    char id[CHAT_ID_SIZE]; /* random: an instance has no name of its own */
    int64_t stamp_ms;      /* given out last, see news_stamp */
    struct limits limits;
    struct rooms rooms;
    struct sync sync;
};

#endif
