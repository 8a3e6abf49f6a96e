/* topics.h - who is subscribed to which topic, in this worker */
#ifndef PATCHBAY_CORE_TOPICS_H
#define PATCHBAY_CORE_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bus.h"

struct conn;
struct instance;
struct route;
struct topic;

#define TOPICS_NAME_MAX 64u
#define TOPICS_MAX      (1u << 20) /* in one worker: BAY_EFULL above */
#define TOPICS_SUBS_MAX 4096u      /* of one connection: BAY_EFULL above */

struct replaying;

/* One connection in one topic. */
struct topic_sub {
    struct topic *topic;
    struct replaying
        *replay;       /* it gets older messages first; NULL: it does not */
    bool resumed;      /* it was given what it had missed */
    uint32_t since_ms; /* by the wall clock, its lower half; of a topic that a
                        * bus keeps */
    struct conn *conn;
    size_t place; /* in topic->subs */
    struct topic_sub *next_of_conn;
    struct topic_sub *prev_of_conn;
};

/* A zeroed struct has no topics. */
struct topics {
    struct topic *by_name;
    size_t count;
};

/* A name of 1 to 64 bytes without control characters. */
bool topics_name_valid(const char *name);

/* Each returns 0 or a bay_error; doing what is done already is success, and
 * undoing what is not BAY_ENOTFOUND. *changed tells that this worker begins or
 * ends to want the topic: for the bus. */
int topics_subscribe(struct topics *topics, struct conn *conn, const char *name,
                     bool *changed);
int topics_unsubscribe(struct topics *topics, struct conn *conn,
                       const char *name, bool *changed);
int topics_listen(struct topics *topics, struct instance *listener,
                  const char *name, bool *changed);
int topics_unlisten(struct topics *topics, const struct instance *listener,
                    const char *name, bool *changed);

/* Ends one subscription of a connection that goes: call it while conn->subs is
 * not NULL. Copies the topic's name if this worker no longer wants it and
 * returns true then. */
bool topics_drop_one(struct topics *topics, struct conn *conn,
                     char name[TOPICS_NAME_MAX + 1]);

/* Ends all that an instance listens to, and calls gone for each topic that
 * this worker does not want any more. */
void topics_unlisten_all(struct topics *topics, const struct instance *listener,
                         void (*gone)(void *arg, struct route *route,
                                      const char *name),
                         void *arg);

/* NULL if nobody here wants the topic. */
struct topic *topics_find(const struct topics *topics,
                          const struct route *route, const char *name);
size_t topic_count(const struct topic *topic);

/* How many instances of the route listen, and each: more than one while old
 * code keeps connections. */
size_t topic_listeners(const struct topic *topic);
struct instance *topic_listener(const struct topic *topic, size_t place);

/* The subscriber at a place, from 0 to topic_count - 1. */
struct topic_sub *topic_at(const struct topic *topic, size_t place);

/* The subscription of a connection, or NULL. */
struct topic_sub *topic_sub_of(const struct topic *topic,
                               const struct conn *conn);

struct route *topic_route(const struct topic *topic);
const char *topic_name(const struct topic *topic);

/* What is kept of a topic, as far as this worker has delivered it. */
struct topic_record {
    struct position seen; /* epoch 0: nothing yet */
    /* By a bus: what was there when the worker began to want it, if that is
     * known; nothing behind it may be missed. */
    struct position floor;
    bool floor_known, floor_asked;
    bool filling; /* what was missed has been asked for... */
    bool again;   /* ...and more has been missed since */
};
struct topic_record *topic_record(struct topic *topic);

/* Every topic this worker wants. */
void topics_each(const struct topics *topics,
                 void (*each)(void *arg, struct route *route, const char *name),
                 void *arg);

/* Forgets the topics of a route; no connection may be subscribed any more. */
void topics_finish(struct topics *topics);

#endif
