/* core-t.h - the structs of core, for its own files only */
#ifndef PATCHBAY_CORE_CORE_T_H
#define PATCHBAY_CORE_CORE_T_H

#include "base/clock.h"
#include "base/seldom.h"
#include "core/archive.h"
#include "core/conn.h"
#include "core/core.h"
#include "core/hash.h"
#include "core/jobs.h"
#include "core/presence.h"
#include "core/request.h"
#include "core/sendq.h"
#include "core/timers.h"
#include "core/topics.h"
#include "core/wheel.h"

/* Each handle a plugin holds begins with the table of host calls; a magic word
 * behind it tells a live handle of the right kind from anything else. */
#define CONN_MAGIC     0x434e4e31u
#define INSTANCE_MAGIC 0x494e5354u
#define REQUEST_MAGIC  0x52455131u

/*
 * Something to be done once the hook that runs has returned. A task is
 * embedded in what it is about and is queued at most once at a time.
 */
struct task {
    struct task *next;
    void (*run)(struct core *core, struct task *task);
    bool queued;
};

/* What one message may weigh at most, so that sums of sizes cannot overflow. */
#define SEND_MAX (1u << 30)

enum conn_state {
    CONN_HANDSHAKE = 1, /* accepted; the 101 is not out yet */
    CONN_OPEN,
    CONN_CLOSING, /* our Close is queued or sent, the peer's has not come */
    CONN_ENDED,   /* the transport has been asked to shut */
    CONN_LOST     /* the transport has gone; the close hook is due */
};

struct conn {
    bay_conn handle; /* must be first */
    uint32_t magic;
    enum conn_state state;
    struct instance *instance;
    void *link; /* the transport's; NULL once it is lost */
    void *data; /* the plugin's block */
    bay_id id;
    struct address_cell *address; /* where it is counted, or NULL */

    /* What the peer asked for. One allocation, freed with remote. */
    char *remote;
    const char *path;
    const char *tail;
    const char *protocol;    /* as the 101 says it */
    const char *subprotocol; /* the plugin's part of it */
    const char *query;       /* packed, as in struct request */

    struct sendq sendq;
    struct conn *next_dirty; /* in core->dirty */
    struct conn *prev_dirty;
    bool dirty;
    bool blocked;      /* the socket takes nothing: conn_writable will come */
    bool reading;      /* what the transport was last told */
    bool paused;       /* by the plugin */
    bool opened;       /* the open hook was called */
    bool want_drained; /* a send returned BAY_EFULL */
    struct conn *next_slowed; /* in core->slowed */
    struct conn *prev_slowed;
    uint64_t slowed_ms;   /* too fast: not read from until then; 0: it may */
    bool peer_closed;     /* its Close has come: the end, once all is sent */
    bool failed;          /* it cannot be read any more: the same */
    bool finished;        /* the transport was told that all is sent */
    uint8_t deflate_bits; /* the window it inflates with; 0: not compressed */
    uint8_t large_count;  /* large messages sent in the turn large_turn */
    bool large_burst;     /* there was more than one in the turn before */
    uint32_t large_turn;

    /* The message that is being assembled. */
    bay_kind rx_kind;
    uint32_t rx_utf8;
    unsigned rx_fragments;
    uint64_t rx_rest;           /* of the frame that is arriving */
    size_t rx_total;            /* also of pieces already handed over */
    struct buf rx;              /* see incoming.h */
    struct conn *next_incoming; /* in core->incoming, while rx has any */
    struct conn *prev_incoming;
    uint64_t rate_ns; /* buckets: when they are full again */
    uint64_t rate_bytes_ns;

    /* Times by core_now. */
    uint64_t active_ms;    /* the last message, either way */
    uint64_t heard_ms;     /* anything at all */
    uint64_t progress_ms;  /* when the socket last took something */
    uint64_t ping_sent_ms; /* 0: no pong is due */
    uint64_t drain_due_ms; /* 0: not being drained */
    uint64_t closing_ms;   /* when our Close was queued */
    struct wheel_entry wheel;

    int close_code;
    char close_reason[124];

    bay_facts facts; /* backlog is filled in on request */
    struct topic_sub *subs;
    unsigned sub_count;
    unsigned replays;      /* of subs, those that get older messages first */
    struct resume *resume; /* it can resume: lines go before its messages */
    struct member *memberships; /* by next_of_conn */
    unsigned membership_count;
    struct task ended_task; /* calls close and frees */
    struct task drained_task;
    struct conn *next; /* of the instance */
    struct conn *prev;
    UT_hash_handle hh; /* by id */
};

/*
 * What the instances of a route share: the name, which topics belong to. There
 * is one instance that serves the route, and after a reload there may be older
 * ones that keep their connections.
 */
struct route {
    char *name;
    unsigned instances;
    struct keep keep;                /* count 0: nothing is kept */
    struct seldom over[LIMIT_COUNT]; /* when the log told of each */
    struct route *next;              /* of the core */
};

/* What was replaced while deferred work might still look at it. */
struct stale_source {
    struct core_route from;
    struct stale_source *next;
};

struct instance {
    bay_route handle; /* must be first */
    uint32_t magic;
    struct core *core;
    struct route *route;
    char *plugin_name; /* never changes: read by other threads */
    struct core_route from;
    const struct conf_route *conf; /* from.conf */
    struct options *options;       /* from.options */
    bay_plugin plugin;             /* a copy: a reload replaces it as a whole */
    void *data;
    struct route_stats *stats;
    uint64_t code; /* see bans.h */
    struct conn *conns;
    size_t conn_count; /* those in state CONN_OPEN */
    size_t job_count;  /* deferred work that is not done */
    size_t changes;    /* of members, that wait for its presence hook */
    size_t users;      /* connections, work and notices that point here */
    struct stale_source *stale;
    bool started;  /* the start hook went well: stop is due */
    bool stopped;  /* its stop hook was called, or is */
    bool retired;  /* serves no one new, and ends with its last user */
    bool leaving;  /* its connections have to go */
    bool silent;   /* banned: no hook is called any more */
    bool frozen;   /* not read from: a migration waits for its work */
    bool unsure;   /* in migrate_route, which may fail: no work begins */
    enum hook ran; /* the last, since core_forget_ran */
    struct task end_task;
    struct instance *next; /* of core->retired */
    struct instance *prev;
};

struct core {
    struct core_setup setup;
    struct instance *routes[CONF_MAX_ROUTES]; /* longest path first */
    unsigned route_count;
    struct instance *retired; /* of old code, with connections left */
    struct route *names;
    struct conn *by_id;
    struct conn *graveyard; /* see core_setup.strict; by next */
    size_t conn_count;      /* every conn there is */
    uint32_t serial;
    unsigned incarnation;

    struct conn *dirty;     /* have something to flush or to resume */
    struct conn *slowed;    /* those that send too fast */
    uint64_t slowed_due_ms; /* of them, the first */
    size_t queue_total;     /* what may wait for all of them */
    struct conn *incoming;  /* in the midst of a message; begun first: first */
    size_t incoming_bytes;  /* of these */
    size_t receive_total;   /* may be of these */
    struct conn *speaker;   /* whose message came last */
    struct task *tasks;
    struct task **tasks_end;
    size_t notice_bytes;       /* of notices that wait */
    uint32_t turn;             /* counts core_turn */
    unsigned published;        /* messages, in this turn */
    struct packet *shared;     /* all but the first of these; NULL: none yet */
    struct buf envelope;       /* a message with its line */
    struct batch batch;        /* of one subscriber that gets older messages */
    struct batch news;         /* of one topic, from the archive */
    struct replaying *replays; /* that wait for the bus, by ticket */
    struct replaying *replays_queued; /* that will ask it */
    struct fill *fills;               /* likewise */
    bool fills_wanted;                /* a topic could not ask yet */
    uint64_t tickets;
    uint64_t alarms; /* of the archive, that were heard */
    bool in_turn;
    bool ran_gone; /* one of those that ran has been freed */
    bool in_hook;
    const struct instance *hook_of; /* whose it is, for witness.c */
    const struct conn *hook_conn;   /* NULL: of none */
    uint64_t hook_ns;               /* when it began; for log_trace only */
    bool draining;
    int drain_code;
    char drain_reason[124];

    struct sendq_pool pool;
    struct deflate *deflate; /* NULL until a connection needs it */
    struct buf scratch;      /* a message that came whole, with its 0 byte */
    struct topics topics;
    struct presence presence;
    struct task listed_task; /* of presence_changes.c */
    bool new_interest;       /* the bus has not sent it yet */
    struct timers timers;
    struct wheel wheel;
    uint64_t look_ms; /* the wheel is let stand until then: see core_tick */
    bool late;        /* for that reason, once */
    size_t job_count;
    uint64_t job_serial; /* of the next */
    struct job *jobs;
    bool jobs_over;           /* no more are taken: the worker ends */
    bool stopping;            /* stop hooks run, and no notices any more */
    struct conn *header_conn; /* whose request headers can be read now */
    uint64_t alarm_ms;        /* what the transport was last told */
};

extern const bay_api core_api;

static inline struct conn *conn_of(const bay_conn *handle)
{
    return (struct conn *)(uintptr_t)handle;
}

static inline struct instance *instance_of(const bay_route *handle)
{
    return (struct instance *)(uintptr_t)handle;
}

/* core.c */
static inline uint64_t core_now(const struct core *core)
{
    return core->setup.transport->now_ms(core->setup.transport_self);
}
static inline uint64_t core_wall(const struct core *core)
{
    const struct core_setup *setup = &core->setup;

    return setup->transport->wall_ms != NULL
               ? setup->transport->wall_ms(setup->transport_self)
               : clock_wall_ms();
}
/* Before anything goes to a client: a sibling has to know of a subscription
 * before the client can tell anyone of it. */
static inline void core_tell_interests(struct core *core)
{
    if (core->new_interest) {
        core->new_interest = false;
        core->setup.bus->flush(core->setup.bus_self);
    }
}
void core_post(struct core *core, struct task *task);
void core_mark_dirty(struct core *core, struct conn *conn);
void core_set_alarm(struct core *core);

/* publish.c */
int core_publish(struct instance *instance, const char *topic, bay_kind kind,
                 const void *data, size_t len, bay_id except);
int core_publish_unkept(struct instance *instance, const char *topic,
                        const struct kept *message);
/* To all in this worker; from: the instance that publishes, if it is here. */
int core_deliver(struct core *core, const struct instance *from,
                 struct topic *topic, const struct kept *message);
void core_interest(struct core *core, const struct route *route,
                   const char *topic, bool on);

/* receive.c */
void conn_fail(struct conn *conn, int code, const char *reason);

/* send.c */
int conn_send(struct conn *conn, bay_kind kind, const void *data, size_t len);
void conn_share(struct conn *conn, struct packet *packet, size_t off,
                size_t payload);
/* As conn_send, behind a line of the host's. */
int conn_send_line(struct conn *conn, const char *line, size_t line_len,
                   bay_kind kind, const void *data, size_t len);
int conn_send_kept(struct conn *conn, const char *topic,
                   const struct kept *message);
/* A line alone, for a client that can resume: whatever waits, since there is at
 * most one for each of its topics. */
void conn_tell(struct conn *conn, const char *line, size_t len);
/* Its queue is not over half full. */
bool conn_has_room(const struct conn *conn);
/* So little waits that it may have more. */
bool conn_is_drained(const struct conn *conn);
/* To the socket what it takes, and nothing else: also where a hook runs, or
 * something is sent to others. */
void conn_write(struct conn *conn);
/* And what becomes possible by that: older messages, reading, the end. */
void conn_flush(struct conn *conn);
void conn_update_reading(struct conn *conn);

/* conn.c */
int conn_close(struct conn *conn, int code, const char *reason);
void conn_end(struct conn *conn, int code, const char *reason);
void conn_leave(struct conn *conn); /* it is to go: with its code */
void conn_result(struct conn *conn, enum hook hook, int result);
void conn_shut(struct conn *conn);
void conn_end_when_sent(struct conn *conn);
void conn_lose(struct conn *conn, const char *why);
struct conn *conn_find(const struct core *core, bay_id id);

/* access.c: a line about it; and one for its begin or end, if [log] access is
 * on. */
void conn_log(const struct conn *conn, enum log_level level, const char *what);
void conn_log_access(const struct conn *conn, bool begins);

/* alive.c */
void conn_check(struct conn *conn);
void conn_schedule(struct conn *conn);

/* jobs.c: whose deferred work the calling thread runs, or NULL. */
const struct instance *jobs_working(void);

/* core.c: puts an instance among those that serve, the longest path first. */
void core_serve(struct core *core, struct instance *instance);

/* instance.c: what its configuration says is kept of the route's topics. */
void route_keep(struct instance *instance);

/* Takes what from holds when it succeeds. */
struct instance *instance_create(struct core *core,
                                 const struct core_route *from);

/* Calls the start hook. 0, or -1 and why. */
int instance_start(struct instance *instance, char *why, size_t why_size);

/* Takes what from holds in the place of what the instance has; that is
 * released, if need be when its deferred work is done. */
int instance_renew(struct instance *instance, const struct core_route *from);

/* No hook of it is called from now on; nobody points to it through topics and
 * timers. */
void instance_silence(struct instance *instance);

/* The deferred work that looked at what was replaced is done. */
void instance_drop_stale(struct instance *instance);

/* Serves no one new: calls stop and frees it once its last connection, work
 * and notice have gone. It must not be in core->routes any more. */
void instance_retire(struct instance *instance);

/* Likewise for one that never served: at once, if nothing points to it. */
void instance_give_up(struct instance *instance);

/* The two parts of its end, for core_destroy: between them all that still
 * points to it goes. */
void instance_stop(struct instance *instance);
void instance_free(struct instance *instance);

/* Something that points to the instance begins and ends to exist. */
static inline void instance_hold(struct instance *instance)
{
    instance->users++;
}
void instance_drop(struct instance *instance);

/* The instance that serves the route of that name, or NULL. */
struct instance *core_find_name(const struct core *core, const char *name);
struct route *core_find_names(const struct core *core, const char *name);

void source_release(const struct core_route *from);

#endif
