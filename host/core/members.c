/* members.c - who is in one topic: by order, by id, by label, by owner */
#include "core/members.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/fnv.h"
#include "base/utf8.h"

bool members_label_valid(const void *label, size_t len)
{
    const unsigned char *bytes = label;

    if (len == 0 || len > BAY_LABEL_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool c1 = bytes[i] == 0xc2 && i + 1 < len && bytes[i + 1] < 0xa0;

        if (bytes[i] < 0x20 || bytes[i] == 0x7f || c1) {
            return false;
        }
    }
    return utf8_valid(label, len);
}

bool member_before(const struct member *a, const struct member *b)
{
    return a->is.joined_ms != b->is.joined_ms
               ? a->is.joined_ms < b->is.joined_ms
               : a->is.id < b->is.id;
}

struct member_facts member_facts(const struct member *member)
{
    return (struct member_facts){ .id = member->is.id,
                                  .joined_ms = member->is.joined_ms,
                                  .flags = member->flags,
                                  .label = member->is.label,
                                  .label_len = member->label_len,
                                  .info = member->is.info,
                                  .info_len = member->is.len };
}

/* In one order of bytes on all machines. */
static uint64_t mix_number(uint64_t hash, uint64_t number)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
    return fnv_hash(hash, bytes, sizeof bytes);
}

static uint64_t hash_of(const struct member *member)
{
    uint64_t hash = mix_number(FNV_START, member->is.id);

    hash = mix_number(hash, member->is.joined_ms);
    hash = mix_number(hash, member->flags);
    hash = fnv_hash(hash, member->is.label, member->label_len + 1);
    hash = fnv_hash(hash, member->is.info, member->is.len);
    /* Sums of FNV alone would cancel out too easily. */
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* ---- the order --------------------------------------------------------- */

/* Most come last; those of another worker come in their order, each a little
 * behind the one before. */
static void insert(struct members *members, struct member *member)
{
    struct member *head = members->first, *at;

    if (head == NULL || !member_before(member, head->prev)) {
        DL_APPEND(members->first, member);
        members->hint = member;
        return;
    }
    at = members->hint != NULL ? members->hint : head->prev;
    while (member_before(at, member)) {
        at = at->next; /* there is one: the last is not before it */
    }
    while (at != head && member_before(member, at->prev)) {
        at = at->prev;
    }
    DL_PREPEND_ELEM(members->first, at, member);
    members->hint = member;
}

/* ---- labels ------------------------------------------------------------ */

/* Only the first of a label is hashed. 0 or BAY_ENOMEM: what the macro does
 * then to hh is meant for hh_label. */
static int hash_label(struct members *members, struct member *member)
{
    UT_hash_table *kept = member->hh.tbl;
    bool failed;

    HASH_ADD_KEYPTR(hh_label, members->by_label, member->is.label,
                    member->label_len, member);
    failed = member->hh.tbl == NULL;
    member->hh.tbl = kept;
    member->labelled = !failed;
    return failed ? BAY_ENOMEM : BAY_OK;
}

static void unhash_label(struct members *members, struct member *member)
{
    if (member->labelled) {
        HASH_DELETE(hh_label, members->by_label, member);
        member->labelled = false;
    }
}

static bool is_unique(const struct member *member)
{
    return (member->flags & BAY_UNIQUE) != 0;
}

/* Where to put it behind: as in insert, many may share a label. */
static struct member *find_place(struct member *head,
                                 const struct member *member)
{
    struct member *at = head->chain.last;

    if (!member_before(member, at)) {
        return at;
    }
    at = head->chain.hint;
    while (!member_before(member, at)) {
        at = at->next_of_label; /* there is one: the last is not before it */
    }
    while (member_before(member, at)) {
        at = at->prev_of_label; /* there is one: the head is before it */
    }
    return at;
}

static int add_first(struct members *members, struct member *member,
                     struct member *head)
{
    member->chain.last = member->chain.hint = member;
    member->chain.unique = is_unique(member);
    if (head != NULL) {
        unhash_label(members, head);
        member->chain.last = head->chain.last;
        member->chain.unique += head->chain.unique;
        member->next_of_label = head;
        head->prev_of_label = member;
    }
    return hash_label(members, member);
}

static int add_label(struct members *members, struct member *member)
{
    struct member *head =
        members_find_label(members, member->is.label, member->label_len);
    struct member *at;

    member->prev_of_label = member->next_of_label = NULL;
    if (head == NULL || member_before(member, head)) {
        return add_first(members, member, head);
    }
    at = find_place(head, member);
    member->prev_of_label = at;
    member->next_of_label = at->next_of_label;
    at->next_of_label = member;
    if (member->next_of_label != NULL) {
        member->next_of_label->prev_of_label = member;
    } else {
        head->chain.last = member;
    }
    head->chain.hint = member;
    head->chain.unique += is_unique(member);
    return BAY_OK;
}

/* The next is the first now. */
static void drop_first(struct members *members, struct member *member,
                       size_t unique)
{
    struct member *next = member->next_of_label;

    unhash_label(members, member);
    if (next != NULL) {
        next->prev_of_label = NULL;
        next->chain.last = member->chain.last;
        next->chain.hint =
            member->chain.hint == member ? next : member->chain.hint;
        next->chain.unique = member->chain.unique - unique;
        (void)hash_label(members, next);
    }
}

/* It has the label and the flags it was added with. */
static void drop_label(struct members *members, struct member *member,
                       const struct member *was)
{
    struct member *prev = member->prev_of_label, *head;

    if (prev == NULL) {
        drop_first(members, member, is_unique(was));
        return;
    }
    head = members_find_label(members, was->is.label, was->label_len);
    prev->next_of_label = member->next_of_label;
    if (member->next_of_label != NULL) {
        member->next_of_label->prev_of_label = prev;
    }
    if (head != NULL) { /* there was memory to hash it */
        head->chain.last = head->chain.last == member ? prev : head->chain.last;
        head->chain.hint = head->chain.hint == member ? prev : head->chain.hint;
        head->chain.unique -= is_unique(was);
    }
}

bool members_label_contested(const struct member *first)
{
    return first->chain.unique > 1;
}

static bool comes_late(const struct members *members,
                       const struct member *member)
{
    const struct member *first =
        members_find_label(members, member->is.label, member->label_len);

    if (!is_unique(member) || first == NULL ||
        !members_label_contested(first)) {
        return false;
    }
    do {
        member = member->prev_of_label;
    } while (member != NULL && !is_unique(member));
    return member != NULL;
}

bool members_hide(struct members *members, struct member *member)
{
    bool hidden = comes_late(members, member);

    members->hidden += (size_t)hidden - (size_t)member->hidden;
    member->hidden = hidden;
    return hidden;
}

/* ---- members ----------------------------------------------------------- */

/* Label and info lie in one piece, each with a 0 byte behind. */
static int set_strings(struct member *member, const struct member_facts *facts)
{
    char *text = malloc(facts->label_len + facts->info_len + 2);

    if (text == NULL) {
        return BAY_ENOMEM;
    }
    memcpy(text, facts->label, facts->label_len);
    text[facts->label_len] = '\0';
    member->is.label = text;
    text += facts->label_len + 1;
    if (facts->info_len > 0) {
        memcpy(text, facts->info, facts->info_len);
    }
    text[facts->info_len] = '\0';
    member->is.info = text;
    member->is.len = facts->info_len;
    member->label_len = facts->label_len;
    member->flags = facts->flags;
    member->hash = hash_of(member);
    return BAY_OK;
}

static void free_label(const char *label)
{
    free((void *)(uintptr_t)label);
}

struct member *members_add(struct members *members,
                           const struct member_facts *facts)
{
    struct owner *owner =
        members_make_owner(members, members_worker(facts->id));
    struct member *member = owner != NULL ? calloc(1, sizeof *member) : NULL;

    if (member == NULL) {
        return NULL;
    }
    member->is.id = facts->id;
    member->is.joined_ms = facts->joined_ms;
    if (set_strings(member, facts) != BAY_OK) {
        free(member);
        return NULL;
    }
    HASH_ADD(hh, members->by_id, is.id, sizeof member->is.id, member);
    if (member->hh.tbl == NULL) {
        free_label(member->is.label);
        free(member);
        return NULL;
    }
    (void)add_label(members, member); /* it is there, if not by its label */
    insert(members, member);
    member->owner = owner;
    member->round = owner->round;
    DL_APPEND2(owner->list, member, prev_of_owner, next_of_owner);
    owner->count++;
    owner->sum += member->hash;
    members->count++;
    return member;
}

bool member_differs(const struct member *member,
                    const struct member_facts *facts)
{
    return member->flags != facts->flags ||
           member->label_len != facts->label_len ||
           member->is.len != facts->info_len ||
           memcmp(member->is.label, facts->label, facts->label_len) != 0 ||
           (facts->info_len > 0 &&
            memcmp(member->is.info, facts->info, facts->info_len) != 0);
}

int members_update(struct members *members, struct member *member,
                   const struct member_facts *facts)
{
    struct member old = *member;

    if (set_strings(member, facts) != BAY_OK) {
        return BAY_ENOMEM;
    }
    member->owner->sum += member->hash - old.hash;
    drop_label(members, member, &old);
    (void)add_label(members, member);
    free_label(old.is.label);
    return BAY_OK;
}

void members_remove(struct members *members, struct member *member)
{
    struct owner *owner = member->owner;

    if (members->hint == member) {
        members->hint = member->next;
    }
    DL_DELETE(members->first, member);
    drop_label(members, member, member);
    HASH_DELETE(hh, members->by_id, member);
    DL_DELETE2(owner->list, member, prev_of_owner, next_of_owner);
    owner->count--;
    owner->sum -= member->hash;
    members->count--;
    members->hidden -= member->hidden;
    free_label(member->is.label);
    free(member);
}

struct member *members_find(const struct members *members, bay_id id)
{
    struct member *member;

    HASH_FIND(hh, members->by_id, &id, sizeof id, member);
    return member;
}

struct member *members_find_label(const struct members *members,
                                  const char *label, size_t len)
{
    struct member *member;

    HASH_FIND(hh_label, members->by_label, label, len, member);
    return member;
}

/* ---- owners ------------------------------------------------------------ */

struct owner *members_owner(const struct members *members, bay_id worker)
{
    struct owner *owner;

    HASH_FIND(hh, members->owners, &worker, sizeof worker, owner);
    return owner;
}

struct owner *members_make_owner(struct members *members, bay_id worker)
{
    struct owner *owner = members_owner(members, worker);

    if (owner != NULL) {
        return owner;
    }
    owner = calloc(1, sizeof *owner);
    if (owner == NULL) {
        return NULL;
    }
    owner->worker = worker;
    HASH_ADD(hh, members->owners, worker, sizeof owner->worker, owner);
    if (owner->hh.tbl == NULL) {
        free(owner);
        return NULL;
    }
    return owner;
}

void members_forget_owner(struct members *members, struct owner *owner)
{
    HASH_DEL(members->owners, owner);
    free(owner);
}

void members_finish(struct members *members)
{
    struct owner *owner, *next;

    while (members->first != NULL) {
        members_remove(members, members->first);
    }
    HASH_ITER(hh, members->owners, owner, next)
    {
        members_forget_owner(members, owner);
    }
}
