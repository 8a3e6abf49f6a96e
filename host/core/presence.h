/* presence.h - who is in which topic, here and in the other workers
 *
 * Each worker owns the members that its connections are, and tells the others
 * that want to know of the topic; nothing is kept anywhere else, so a worker's
 * members end with it. What may have been lost on the way is found by digests.
 */
#ifndef PATCHBAY_CORE_PRESENCE_H
#define PATCHBAY_CORE_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seldom.h"
#include "core/members.h"

struct conn;
struct core;
struct instance;
struct owed;
struct presence_peer;
struct room;
struct route;
struct watcher;

#define PRESENCE_MARK     '\x01'     /* before a topic: what is told of it */
#define PRESENCE_JOIN_MAX 64u        /* topics joined by a connection */
#define PRESENCE_MAX      (1u << 20) /* members known to a worker */

#define PRESENCE_RETRY_MS  100u
#define PRESENCE_DIGEST_MS 5000u
/* An owner that has not told of its members for so long is asked. */
#define PRESENCE_SILENT_MS 16000u

struct presence {
    struct room *rooms;
    struct presence_peer *there;
    struct presence_peer *gone; /* workers of which nothing is believed */
    struct watcher *listed;     /* that have to be told BAY_LISTED */
    size_t count;               /* of members, in all rooms */
    size_t waiting;             /* bytes of changes that wait for their hook */
    uint64_t due_ms;            /* when presence_tick has work */
    uint64_t digest_ms;
    uint64_t refused; /* frames that made no sense */
    size_t max;       /* PRESENCE_MAX; less in tests */
    struct seldom said_refused, said_full;
};

void presence_init(struct presence *presence);
void presence_finish(struct core *core);

/* As bay_join and so on; arguments are checked. */
int presence_join(struct conn *conn, const char *topic,
                  struct member_facts *facts);
int presence_leave(struct conn *conn, const char *topic);
int presence_watch(struct instance *instance, const char *topic);
int presence_unwatch(struct instance *instance, const char *topic);
const struct members *presence_members(const struct instance *instance,
                                       const char *topic);

/* The connection goes; the instance hears nothing any more. */
void presence_leave_all(struct conn *conn);
void presence_unwatch_all(struct instance *instance);

/* This worker's name on the bus. */
bay_id presence_self(const struct core *core);

/* What the bus tells. */
void presence_take(struct core *core, const char *route, const void *data,
                   size_t len);
void presence_peer(struct core *core, bay_id worker, bool there);
void presence_settled(struct core *core, const char *route, const char *topic);
void presence_each_interest(struct core *core,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg);
void presence_tick(struct core *core, uint64_t now_ms);

#endif
