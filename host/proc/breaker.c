/* breaker.c - how often plugins have ended workers, and which have to stop */
#include "proc/breaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/units.h"

#define RECORDS  BANS_PLUGINS
#define SUSPECTS 64u /* messages of one plugin that ended a worker once */

struct suspect {
    uint64_t hash; /* 0: the place is free */
    uint64_t len;
    unsigned crashes;
};

/* Of one code that has ended a worker. */
struct record {
    uint64_t code; /* 0: the place is free */
    char plugin[CONF_MAX_NAME + 1];
    uint64_t times_ms[BREAKER_CRASHES_MAX]; /* the latest crashes, in a ring */
    uint64_t count;                         /* ever */
    struct suspect suspects[SUSPECTS];      /* likewise */
    unsigned next_suspect;
};

struct breaker {
    struct bans *bans;
    struct record records[RECORDS];
    unsigned next_poison;
};

struct breaker *breaker_create(void)
{
    struct breaker *breaker = calloc(1, sizeof *breaker);

    if (breaker == NULL) {
        return NULL;
    }
    breaker->bans = mmap(NULL, sizeof *breaker->bans, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (breaker->bans == MAP_FAILED) {
        free(breaker);
        return NULL;
    }
    return breaker;
}

void breaker_destroy(struct breaker *breaker)
{
    if (breaker != NULL) {
        munmap(breaker->bans, sizeof *breaker->bans);
        free(breaker);
    }
}

const struct bans *breaker_bans(const struct breaker *breaker)
{
    return breaker->bans;
}

void breaker_set_seed(struct breaker *breaker, uint64_t seed)
{
    stat_set(&breaker->bans->seed, seed);
}

void breaker_forget(struct breaker *breaker)
{
    (void)mprotect(breaker->bans, sizeof *breaker->bans, PROT_READ);
}

/* ---- records ----------------------------------------------------------- */

static uint64_t last_ms(const struct record *record)
{
    return record->count == 0
               ? 0
               : record->times_ms[(record->count - 1) % BREAKER_CRASHES_MAX];
}

static struct record *find(struct breaker *breaker, uint64_t code)
{
    for (size_t i = 0; i < RECORDS; i++) {
        if (breaker->records[i].code == code) {
            return &breaker->records[i];
        }
    }
    return NULL;
}

static void set_counts(struct bans *bans)
{
    uint32_t plugins = 0, poisons = 0;

    for (size_t i = 0; i < BANS_PLUGINS; i++) {
        plugins += stat_get(&bans->plugins[i].code) != 0;
    }
    for (size_t i = 0; i < BANS_POISONS; i++) {
        poisons += stat_get(&bans->poisons[i].code) != 0;
    }
    atomic_store(&bans->plugin_count, plugins);
    atomic_store(&bans->poison_count, poisons);
}

/* Whether it held anything that a worker could have noticed. */
static bool forget(struct breaker *breaker, struct record *record)
{
    struct bans *bans = breaker->bans;
    struct ban *place = &bans->plugins[record - breaker->records];
    bool held = stat_get(&place->code) != 0;

    stat_set(&place->code, 0);
    for (size_t i = 0; i < BANS_POISONS && record->code != 0; i++) {
        if (stat_get(&bans->poisons[i].code) == record->code) {
            stat_set(&bans->poisons[i].code, 0);
            held = true;
        }
    }
    *record = (struct record){ 0 };
    set_counts(bans);
    return held;
}

/* Of many, the one that crashed longest ago gives way. */
static struct record *find_or_make(struct breaker *breaker,
                                   const struct culprit *culprit)
{
    struct record *record = find(breaker, culprit->code);

    if (record != NULL) {
        return record;
    }
    record = &breaker->records[0];
    for (size_t i = 1; i < RECORDS && record->code != 0; i++) {
        struct record *other = &breaker->records[i];

        if (other->code == 0 || last_ms(other) < last_ms(record)) {
            record = other;
        }
    }
    (void)forget(breaker, record);
    record->code = culprit->code;
    snprintf(record->plugin, sizeof record->plugin, "%s", culprit->plugin);
    return record;
}

static unsigned crashes_since(const struct record *record, uint64_t since_ms)
{
    uint64_t kept = record->count < BREAKER_CRASHES_MAX ? record->count
                                                        : BREAKER_CRASHES_MAX;
    unsigned crashes = 0;

    for (uint64_t i = 0; i < kept; i++) {
        crashes += record->times_ms[i] >= since_ms;
    }
    return crashes;
}

/* ---- bans -------------------------------------------------------------- */

/* A place for each record, so that there is always one. */
static void ban(struct breaker *breaker, const struct record *record,
                const struct culprit *culprit, unsigned crashes,
                uint64_t window_ms, uint64_t now_ms)
{
    struct ban *place = &breaker->bans->plugins[record - breaker->records];
    char window[32];

    units_format_ms((int64_t)window_ms, window, sizeof window);
    snprintf(place->plugin, sizeof place->plugin, "%s", record->plugin);
    snprintf(place->why, sizeof place->why,
             "it ended %u workers within %s, the last in %s", crashes, window,
             culprit->where);
    stat_set(&place->since_ms, now_ms);
    stat_set(&place->crashes, crashes);
    atomic_store_explicit(&place->code, record->code, memory_order_release);
    set_counts(breaker->bans);
}

static void add_poison(struct breaker *breaker, uint64_t code,
                       const struct suspect *suspect)
{
    unsigned at = breaker->next_poison;
    struct poison *place;

    for (unsigned i = 0; i < BANS_POISONS; i++) {
        if (stat_get(&breaker->bans->poisons[i].code) == 0) {
            at = i;
            break;
        }
    }
    breaker->next_poison = (at + 1) % BANS_POISONS;
    place = &breaker->bans->poisons[at];
    stat_set(&place->code, 0);
    stat_set(&place->len, suspect->len);
    stat_set(&place->hash, suspect->hash);
    atomic_store_explicit(&place->code, code, memory_order_release);
    set_counts(breaker->bans);
}

/* Whether the message has to be refused from now on. */
static bool suspect(struct breaker *breaker, struct record *record,
                    uint64_t hash, uint64_t len)
{
    struct suspect *found = NULL;

    if (hash == 0) {
        return false;
    }
    for (size_t i = 0; i < SUSPECTS && found == NULL; i++) {
        if (record->suspects[i].hash == hash &&
            record->suspects[i].len == len) {
            found = &record->suspects[i];
        }
    }
    if (found == NULL) {
        found = &record->suspects[record->next_suspect++ % SUSPECTS];
        *found = (struct suspect){ .hash = hash, .len = len };
    }
    if (++found->crashes != BREAKER_POISON_LIMIT) {
        return false;
    }
    add_poison(breaker, record->code, found);
    return true;
}

struct breaker_verdict breaker_crashed(struct breaker *breaker,
                                       const struct culprit *culprit,
                                       const struct breaker_rule *rule,
                                       uint64_t now_ms)
{
    struct breaker_verdict verdict = { 0 };
    struct record *record;

    if (culprit->code == 0) {
        return verdict;
    }
    record = find_or_make(breaker, culprit);
    record->times_ms[record->count++ % BREAKER_CRASHES_MAX] = now_ms;
    verdict.crashes = crashes_since(
        record, now_ms > rule->window_ms ? now_ms - rule->window_ms : 0);
    verdict.poisoned = suspect(breaker, record, culprit->hash, culprit->len);
    if (rule->limit > 0 && verdict.crashes >= rule->limit &&
        !bans_plugin(breaker->bans, record->code)) {
        verdict.banned = true;
        ban(breaker, record, culprit, verdict.crashes, rule->window_ms, now_ms);
    }
    return verdict;
}

/* ---- forgetting -------------------------------------------------------- */

bool breaker_lift(struct breaker *breaker, const char *plugin)
{
    bool held = false;

    for (size_t i = 0; i < RECORDS; i++) {
        struct record *record = &breaker->records[i];

        if (record->code != 0 && strcmp(record->plugin, plugin) == 0) {
            held = forget(breaker, record) || held;
        }
    }
    return held;
}

void breaker_keep(struct breaker *breaker,
                  bool (*is_used)(void *arg, uint64_t code), void *arg)
{
    for (size_t i = 0; i < RECORDS; i++) {
        struct record *record = &breaker->records[i];

        if (record->code != 0 && !is_used(arg, record->code)) {
            (void)forget(breaker, record);
        }
    }
}
