/* stats.h - a worker's counters and the hook that runs now, in shared memory
 *
 * One writer, the worker's loop thread; any process that maps the memory may
 * read at any time. Stores are relaxed: each number is right by itself.
 */
#ifndef PATCHBAY_CORE_STATS_H
#define PATCHBAY_CORE_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Not `stat`: that name is a system call's. */
typedef _Atomic uint64_t stat_value;

/* The order is that of hook_names in hooks.c. */
enum hook {
    HOOK_NONE,
    HOOK_START,
    HOOK_STOP,
    HOOK_RELOAD,
    HOOK_MIGRATE_ROUTE,
    HOOK_MIGRATE_CONN,
    HOOK_HANDSHAKE,
    HOOK_OPEN,
    HOOK_MESSAGE,
    HOOK_CLOSE,
    HOOK_DRAINED,
    HOOK_TIMER,
    HOOK_NOTICE,
    HOOK_PRESENCE,
    HOOK_HTTP,
    HOOK_DONE,
    HOOK_WORK, /* no hook: deferred work, on a thread; see core_blame_thread */
    HOOK_COUNT
};

/* "message" for HOOK_MESSAGE; NULL for HOOK_NONE. */
const char *hook_name(enum hook hook);

/* What the worker is doing: names the culprit after a crash or a hang. */
struct hook_now {
    _Atomic uint32_t hook;  /* HOOK_NONE: no plugin code runs */
    _Atomic uint32_t route; /* index in the configuration */
    stat_value conn;        /* bay_id, or 0 */
    stat_value code;        /* of the plugin, as in bans.h */
    stat_value since_ms;    /* clock_coarse_ms at its start */
    /* What the last message hook was given: where it lies in the worker, and
     * its length. It is there as long as hook is HOOK_MESSAGE. */
    stat_value message;
    stat_value message_len;
};

/*
 * What the worker's signal handler wrote before the process died of a signal.
 * What the hook was, which route's and which connection's, stands in hook_now.
 * If the fault was in deferred work, or a thread that is the plugin's own, the
 * loop may have gone on meanwhile: then culprit is right, and board_settle
 * puts it in the place of hook_now. A worker that was killed from outside, or
 * whose stack was broken beyond that, leaves none.
 */
struct last_words {
    _Atomic uint32_t signal; /* 0: none; set last */
    _Atomic int32_t thread;  /* that it came in */
    _Atomic uint32_t aside;  /* 1: it is not the loop's: see culprit */
    struct hook_now culprit;
    stat_value address; /* of the fault, as the kernel gives it */
    /* The whole message that the message hook looked at: its fnv_hash, begun
     * with the board's seed, and its length; both 0 in any other hook. */
    stat_value message_hash;
    stat_value message_len;
};

/*
 * Descriptors of the host were found closed: the worker leaves for that, and
 * board_settle puts the culprit in the place of hook_now. HOOK_NONE: more than
 * one plugin may have done it.
 */
struct misdeed {
    _Atomic uint32_t found; /* 1: yes; set last */
    struct hook_now culprit;
};

/* Limits of a route that clients reach. The order is that of limit_names in
 * limits.c. */
enum limit {
    LIMIT_MESSAGE,
    LIMIT_FRAGMENTS,
    LIMIT_RATIO,
    LIMIT_RATE,
    LIMIT_RATE_BYTES,
    LIMIT_CONNECTIONS,
    LIMIT_ADDRESS,
    LIMIT_ADDRESSES, /* that can be counted; what comes beyond is let in */
    LIMIT_PING,
    LIMIT_IDLE,
    LIMIT_CLOSE,
    LIMIT_SEND_QUEUE,
    LIMIT_QUEUE_TOTAL,
    LIMIT_RECEIVE_TOTAL,
    LIMIT_MEMORY,
    LIMIT_COUNT
};

/* Where its number is in route_stats. */
#define LIMIT_OFFSET(limit) \
    (offsetof(struct route_stats, limits) + (limit) * sizeof(stat_value))

/* "max_message" for LIMIT_MESSAGE: the key of [limits], if it has one. */
const char *limit_name(enum limit limit);

struct route_stats {
    stat_value connections; /* open now */
    stat_value outdated;    /* of them, those that stay with old code */
    stat_value accepted;    /* ever */
    stat_value refused;     /* handshakes answered with an error */
    stat_value messages_in; /* and their payload: */
    stat_value bytes_in;
    stat_value messages_out;
    stat_value bytes_out;
    stat_value published;       /* bay_publish calls */
    stat_value dropped;         /* messages not sent because a queue was full */
    stat_value slow_closed;     /* connections closed with 1013 for that */
    stat_value protocol_errors; /* connections closed for 1002, 1007 or 1009 */
    stat_value timeouts;        /* no pong, idle, or an unanswered close */
    stat_value hook_errors;     /* hooks that returned an error */
    stat_value slow_hooks;      /* hooks over slow_hook */
    stat_value limits[LIMIT_COUNT]; /* times that each was reached */
    stat_value poisoned;            /* messages refused, having ended workers */
    stat_value crashes;             /* workers ended; the master counts */
    stat_value unkept; /* messages of topics with history, not kept */
};

/* How a worker stands with the other machines. Above CLUSTER_UP: it serves
 * without them. The order is that of texts in proc/membership.c. */
enum cluster_state {
    CLUSTER_OFF, /* not configured */
    CLUSTER_UP,
    CLUSTER_CONNECTING, /* for the first time */
    CLUSTER_AWAY,       /* Redis cannot be reached, or does not answer */
    CLUSTER_REFUSED,    /* it does not take the password, or wants one */
    CLUSTER_UNFIT,      /* it is a Cluster, a Sentinel or a replica */
    CLUSTER_TAKEN,      /* another host has this one's number */
    CLUSTER_FULL,       /* it has no memory for history */
    CLUSTER_STATES
};

struct worker_stats {
    struct hook_now now;
    struct last_words last_words;
    struct misdeed misdeed;
    stat_value misdeeds;     /* times that what is the host's was changed */
    stat_value heartbeat_ms; /* clock_coarse_ms, stored every second */
    stat_value sockets;  /* TCP and Unix connections of any kind, open now */
    stat_value accepted; /* ever */
    stat_value accept_paused;      /* times accept ran out of descriptors */
    stat_value bodies_dropped;     /* that had come in part */
    stat_value kept_ended;         /* idle HTTP, to have descriptors */
    stat_value connects_refused;   /* their address connects too often */
    stat_value handshake_timeouts; /* no whole request came in time */
    stat_value heads_too_long;     /* requests with too long a head */
    stat_value handshake_errors;   /* refused before a route was known */
    stat_value http_requests;      /* plain HTTP */
    stat_value bus_in;             /* messages from and to other workers */
    stat_value bus_out;
    stat_value bus_dropped; /* not sent: a sibling's queue was full or gone */
    stat_value presence_refused;   /* members beyond a limit */
    stat_value bus_paused;         /* no descriptor for a stream of the bus */
    stat_value cluster_state;      /* enum cluster_state, now */
    stat_value cluster_not_sent;   /* messages that Redis did not get */
    stat_value cluster_late;       /* of history: kept when it was back */
    stat_value cluster_reconnects; /* connections to Redis that were lost */
    stat_value cluster_broken;     /* envelopes that could not be read */
    stat_value cluster_peers;      /* workers of other machines, now */
    stat_value jobs_queued;        /* deferred work not done yet */
    stat_value jobs_long;          /* of it, what runs for over a minute */
    stat_value timers;             /* set now */
    stat_value queued_bytes;       /* that wait to be sent, now */
    stat_value incoming_bytes;     /* of messages that came in part, now */
    stat_value log_lost;           /* lines of the log that were not written */
    stat_value history_missed;     /* times messages were gone undelivered */
    stat_value topics;             /* with a subscriber or listener here, now */
    stat_value resident;           /* bytes of its memory, each second */
    struct route_stats routes[];   /* as many as the configuration has */
};

static inline void stat_add(stat_value *s, uint64_t n)
{
    atomic_store_explicit(s, atomic_load_explicit(s, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void stat_sub(stat_value *s, uint64_t n)
{
    stat_add(s, (uint64_t)0 - n);
}

static inline void stat_set(stat_value *s, uint64_t n)
{
    atomic_store_explicit(s, n, memory_order_relaxed);
}

static inline uint64_t stat_get(const stat_value *s)
{
    return atomic_load_explicit((stat_value *)(uintptr_t)s,
                                memory_order_relaxed);
}

#endif
