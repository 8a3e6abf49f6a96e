/* bus.h - how core reaches the other workers, and they it
 *
 * A filling of this table carries messages between workers: bus/local.c on one
 * machine, bus/redis.c between machines. With one worker there is none, and
 * core_setup.bus is NULL. Routes are named, since workers may number them
 * differently after a reload. Delivery is at most once, in order per sender.
 *
 * A worker is named by the bay_id with its node, number and incarnation, and
 * the serial number 0, which no connection has. Topics that begin with a
 * control character are core's own: no plugin can name them.
 */
#ifndef PATCHBAY_CORE_BUS_H
#define PATCHBAY_CORE_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

struct core;

/* Not a bay_kind: nothing is published, but there is news in the archive of
 * this machine (history.c). Of any topic, if route and topic are "". */
#define BUS_NEWS 3

/* Where a message stands among those kept of its topic: from 1, without a gap
 * within an epoch. An epoch of 0: it is not kept. */
struct position {
    uint64_t epoch;
    uint64_t offset;
};

/* How much is kept of a topic. */
struct keep {
    unsigned count;
    uint64_t age_ms;
};

/* A message that is kept. */
struct kept {
    struct position at;
    bay_kind kind;
    const void *data; /* a 0 byte follows */
    size_t len;
    bay_id except;
    bay_id publisher; /* the worker */
    uint64_t time_ms; /* Unix time, when it was kept */
    bool late;        /* the publisher's machine has delivered it already, while
                       * it could not reach the bus */
};

/* What came of asking for what was kept. */
enum replay {
    REPLAY_WHOLE = 1, /* nothing is missing between the position and these */
    REPLAY_TOO_LATE,  /* some of that is not kept any more, or the epoch is
                       * another: these are what there is, or the last ones */
    REPLAY_FAILED     /* the bus is away, or full: nothing is known */
};

/* What is asked of what is kept of a topic. */
struct query {
    struct position after; /* an epoch of 0: none, but the last max; or with
                            * whole, from the first one that ever was */
    unsigned max;
    /* How much of the past may be read; a count of 0: all that is there, for a
     * worker that delivers it. */
    struct keep keep;
    bool whole;   /* without what is not kept the rest is of no use */
    size_t bytes; /* that an answer has at most, if it has several messages */
    uint64_t ticket;
};

struct bus {
    /* This worker begins or ends to want what is published to a topic. */
    int (*interest)(void *self, const char *route, const char *topic, bool on);

    /* To every other worker that is interested. 0, or BAY_EFULL if it could
     * not be queued for one of them (which is counted). */
    int (*publish)(void *self, const char *route, const char *topic,
                   bay_kind kind, const void *data, size_t len, bay_id except);

    /* To the worker a bay_id belongs to. BAY_ENOTFOUND if there is none such,
     * BAY_EFULL as above. */
    int (*send_to)(void *self, const char *route, bay_id id, bay_kind kind,
                   const void *data, size_t len);
    int (*close_id)(void *self, const char *route, bay_id id, int code,
                    const char *reason);

    /* Writes what was queued since the last call. core_turn calls it before it
     * flushes the clients' queues: a sibling knows of a subscription before
     * the client can tell anyone of it. */
    void (*flush)(void *self);

    /*
     * All NULL: history is kept by this machine alone, in its archive.
     *
     * append keeps a message and gives it to all that are interested, this
     * worker included, by core_bus_kept. BAY_ESTATE: the bus is away; the
     * message was published to the siblings on this machine at once, will
     * be kept late, and is for the caller to deliver here. BAY_EFULL: likewise,
     * but it will not be kept (which is counted).
     *
     * replay asks for a page of what is kept, the oldest first: at least one
     * message if there is any, so go on behind the last of them until that is
     * the head. core_bus_replayed is called with the same ticket, never
     * before replay returns. BAY_EFULL, BAY_ESTATE: it will not be called.
     */
    int (*append)(void *self, const char *route, const char *topic,
                  const struct keep *keep, bay_kind kind, const void *data,
                  size_t len, bay_id except);
    int (*replay)(void *self, const char *route, const char *topic,
                  const struct query *query);

    /* core_bus_settled will be called after each interest; false: interest is
     * known to all when the frames behind it come. */
    bool settles;
};

/* What the bus calls in core when something came in. Unknown routes, topics
 * and connections are ignored. Data is borrowed for the call; a 0 byte
 * follows it, as in bay_message. */
void core_bus_publish(struct core *core, const char *route, const char *topic,
                      bay_kind kind, const void *data, size_t len,
                      bay_id except);
void core_bus_send(struct core *core, const char *route, bay_id id,
                   bay_kind kind, const void *data, size_t len);
void core_bus_close(struct core *core, const char *route, bay_id id, int code,
                    const char *reason);

/* A worker of this or another machine is there, or is gone for good: what it
 * had has ended with it. Being told twice does no harm. */
void core_bus_peer(struct core *core, bay_id worker, bool there);

/* replay can be asked again, after it returned BAY_ESTATE or failed. */
void core_bus_back(struct core *core);

/* From now on what others publish to the topic arrives; something may have been
 * missed before. */
void core_bus_settled(struct core *core, const char *route, const char *topic);

/* A sibling wants what is published to the topic, which may not have been known
 * before: whether it is to be told to look for news in the archive. */
bool core_bus_wanted(struct core *core, const char *route, const char *topic);

/* A sibling could not be told of news: all look for them. */
void core_bus_untold(struct core *core);

/* A message of a topic with history, in the order of the offsets. */
void core_bus_kept(struct core *core, const char *route, const char *topic,
                   const struct kept *message);

/* The answer to replay: count messages in the order of the offsets, and the
 * position of the last that is kept at all. */
void core_bus_replayed(struct core *core, uint64_t ticket, enum replay result,
                       const struct kept *messages, size_t count,
                       struct position head);

/* Calls back for each interest this worker has: for a sibling that is new. */
void core_bus_each_interest(struct core *core,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg);

#endif
