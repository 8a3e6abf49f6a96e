/*
 * patchbay/presence.h - who is in a topic, and what was published to it: a part
 * of patchbay.h, which includes it; since 1.1
 */
#ifndef PATCHBAY_PRESENCE_H
#define PATCHBAY_PRESENCE_H

#if BAY_ABI_MINOR >= 1

/* ---- presence: who is in a topic (since 1.1) ---------------------------- */

/*
 * One who is in a topic: a connection that has joined it, in any worker of any
 * machine. Valid until the hook returns, or a member of the topic changes by
 * a call of this plugin.
 */
typedef struct bay_member {
    bay_id id;
    const char *label;
    const char *info; /* what it joined with; one 0 byte follows, not counted */
    size_t len;
    uint64_t joined_ms; /* Unix time, by the clock of its own machine */
} bay_member;

/* What has become of a member, or of the list of them. */
typedef int bay_change_kind;
enum {
    BAY_JOINED = 1,    /* member is new */
    BAY_LEFT = 2,      /* member is gone; it is as it was */
    BAY_UPDATED = 3,   /* member has another label or info */
    BAY_DISPLACED = 4, /* two took one label at once, and this one, a connection
                        * of this instance, has lost it: it has left */
    BAY_LISTED = 5     /* several at once, as when another worker was found:
                        * look at the list again; member is NULL */
};

typedef struct bay_change {
    const char *topic;
    const bay_member *member;
    bay_change_kind kind;
} bay_change;

/* How to join, added up. */
enum bay_join_flag {
    BAY_UNIQUE = 1 /* nobody else in the topic may have the label */
};

#define BAY_LABEL_MAX 64u   /* bytes of a label */
#define BAY_INFO_MAX  1024u /* bytes of what a member joins with */

/*
 * Makes a connection a member of a topic, under a label that others see, with
 * some bytes of its own beside it; joining is not subscribing. Joining again
 * changes label and info. It ends with bay_leave, with the connection, and
 * with the worker or the machine: for others within a second, or [cluster]
 * ttl if a machine has gone without a word.
 *
 * BAY_EINVAL: a topic or label that is empty, too long, no UTF-8 or has control
 * characters; BAY_ETOOBIG: more than BAY_INFO_MAX bytes of info; BAY_EFULL: 64
 * topics joined by the connection, or 2^20 members known to the worker;
 * BAY_ESTATE before open, BAY_ECLOSED, BAY_ENOMEM.
 *
 * With BAY_UNIQUE also BAY_EEXISTS: another member has the label. Who has joined
 * with it without BAY_UNIQUE joins again with BAY_UNIQUE when the other has left.
 * Two that take one in different workers, neither of which knows of the other's
 * yet, both succeed at first; then the later one, by joined_ms and id, is
 * displaced: see BAY_DISPLACED. Who knows of the first is not told of a second
 * that is new, and does not find it among the members, until the first has
 * left, or is known to be gone: after [cluster] ttl, if its machine has
 * vanished.
 */
static inline int bay_join(bay_conn *conn, const char *topic, const char *label,
                           const void *info, size_t len, unsigned flags);

/* BAY_ENOTFOUND: it has not joined. */
static inline int bay_leave(bay_conn *conn, const char *topic);

/*
 * To be told who is in a topic without being in it. The presence hook hears
 * of changes until bay_unwatch. Those of other workers are not known at once:
 * BAY_LISTED tells when they are. Errors as those of bay_listen.
 */
static inline int bay_watch(bay_route *route, const char *topic);
static inline int bay_unwatch(bay_route *route, const char *topic);

/*
 * Those who are in a topic that this instance has joined or watches, as far as
 * is known now; none of another topic. next begins with NULL and goes on in
 * the order of joined_ms; find gives the first who has the label, or NULL.
 */
static inline const bay_member *bay_member_next(const bay_route *route,
                                                const char *topic,
                                                const bay_member *after);
static inline const bay_member *
bay_member_find(const bay_route *route, const char *topic, const char *label);
static inline size_t bay_member_count(const bay_route *route,
                                      const char *topic);

/* ---- history: what was published before (since 1.1) --------------------- */

/*
 * Sends a connection the last messages that were published to a topic, at most
 * max of them, oldest first, and before any that is published from now on:
 * call it right after bay_subscribe. How many are kept, and how long, is said by
 * history and history_for of the route. While they cannot be read, as when Redis
 * is away, they are awaited. Does nothing, successfully, if none are kept; and
 * for a client that has resumed (patchbay.resume.v1, see sdk/doc/resume.md) and
 * gets what it missed anyway.
 *
 * What is published to a topic with history is delivered in one order to all,
 * in every worker and machine. BAY_EINVAL for a topic's name, BAY_ESTATE before
 * open, BAY_ECLOSED, BAY_ENOTFOUND: not subscribed; BAY_EFULL: too much waits for
 * Redis; BAY_ENOMEM.
 */
static inline int bay_history(bay_conn *conn, const char *topic, unsigned max);

#endif /* BAY_ABI_MINOR */

#endif /* PATCHBAY_PRESENCE_H */
