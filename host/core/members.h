/* members.h - who is in one topic: by order, by id, by label, by owner
 *
 * Pure: it knows neither connections nor a bus. The members of a topic belong
 * to owners, the workers that their connections are of.
 */
#ifndef PATCHBAY_CORE_MEMBERS_H
#define PATCHBAY_CORE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

#include "core/hash.h"

struct conn;
struct owner;
struct room;

/* What is told of a member; strings are borrowed. */
struct member_facts {
    bay_id id;
    uint64_t joined_ms;
    unsigned flags; /* enum bay_join_flag */
    const char *label;
    size_t label_len;
    const void *info;
    size_t info_len;
};

struct member {
    bay_member is; /* must be first: what a plugin sees */
    unsigned flags;
    uint32_t round; /* of the list of its owner that named it last */
    uint64_t hash;
    size_t label_len;
    struct owner *owner;
    struct member *prev, *next; /* by joined_ms, then id */
    struct member *prev_of_owner, *next_of_owner;
    struct member *prev_of_label, *next_of_label; /* the first is hashed */
    bool labelled;                                /* by label */
    bool hidden;                                  /* see members_hide */
    struct {                                      /* of the first of a label */
        struct member *last;
        struct member *hint; /* where the last was put */
        size_t unique;       /* those that want it for themselves alone */
    } chain;
    UT_hash_handle hh; /* by id */
    UT_hash_handle hh_label;

    /* Of this worker's own members, for presence.c. */
    struct conn *conn;
    struct room *room;
    struct member *prev_of_conn, *next_of_conn;
};

/* One worker's part of the members. */
struct owner {
    bay_id worker;
    struct member *list;
    size_t count;
    uint64_t sum;      /* of the hashes */
    uint32_t round;    /* that runs, or the last */
    uint32_t part;     /* of a list, the next to come; 0: none is under way */
    uint64_t heard_ms; /* when it last told of all of its members */
    UT_hash_handle hh;
};

/* A zeroed struct has no members. */
struct members {
    struct member *first;
    struct member *hint; /* where the last was inserted */
    struct member *by_id;
    struct member *by_label;
    struct owner *owners;
    size_t count;
    size_t hidden; /* of them */
};

/* The worker an id belongs to. */
static inline bay_id members_worker(bay_id id)
{
    return id & ~(bay_id)UINT32_MAX;
}

/* 1 to BAY_LABEL_MAX bytes of UTF-8 without control characters. */
bool members_label_valid(const void *label, size_t len);

/* Whether a comes before b: by joined_ms, then id. */
bool member_before(const struct member *a, const struct member *b);
struct member_facts member_facts(const struct member *member);

/* Adds a member that is not there yet; NULL: out of memory. */
struct member *members_add(struct members *members,
                           const struct member_facts *facts);

/* Whether it is any different by these facts; joined_ms does not count. */
bool member_differs(const struct member *member,
                    const struct member_facts *facts);

/* Gives it the label, info and flags of facts: 0 or BAY_ENOMEM. Its joined_ms
 * stays. */
int members_update(struct members *members, struct member *member,
                   const struct member_facts *facts);
void members_remove(struct members *members, struct member *member);

struct member *members_find(const struct members *members, bay_id id);
/* The first who has the label. */
struct member *members_find_label(const struct members *members,
                                  const char *label, size_t len);

/* Whether several want the label of this first one for themselves alone. */
bool members_label_contested(const struct member *first);

/* One that wants its label for itself alone, as one before it does, has to go as
 * soon as its worker hears of that one: nobody is told of it until then. Hides
 * it, or not any more, as is due now; returns whether it is hidden. */
bool members_hide(struct members *members, struct member *member);

/* NULL: it has no members; and: not known, so made, NULL without memory. */
struct owner *members_owner(const struct members *members, bay_id worker);
struct owner *members_make_owner(struct members *members, bay_id worker);
/* One whose members have all been removed. */
void members_forget_owner(struct members *members, struct owner *owner);

void members_finish(struct members *members);

#endif
