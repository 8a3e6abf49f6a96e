/* bans.h - plugins and messages that are not let in any more, in shared memory
 *
 * The master writes it, workers only read; so a worker that begins knows what
 * the others have learned. Code is told apart by a number, 0 being nobody's.
 */
#ifndef PATCHBAY_CORE_BANS_H
#define PATCHBAY_CORE_BANS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/stats.h"

#define BANS_PLUGINS 64u
#define BANS_POISONS 64u

/* A plugin that ended too many workers; code goes first and comes last. */
struct ban {
    stat_value code;     /* 0: the place is free */
    stat_value since_ms; /* clock_now_ms */
    stat_value crashes;  /* that led to it */
    char plugin[64];
    char why[352]; /* "it ended 5 workers within 1m, the last in ..." */
};

/* A message that ended workers: by what it is for, how long it is and what
 * fnv_hash makes of it. */
struct poison {
    stat_value code; /* 0: the place is free */
    stat_value len;
    stat_value hash;
};

struct bans {
    stat_value seed; /* of the hashes of messages, as last_words have them */
    _Atomic uint32_t plugin_count; /* places in use */
    _Atomic uint32_t poison_count;
    struct ban plugins[BANS_PLUGINS];
    struct poison poisons[BANS_POISONS];
};

/* Whether code is not to run any more. bans may be NULL: none. */
bool bans_plugin(const struct bans *bans, uint64_t code);

/* What there is against the plugin of that name, or NULL; and how many are
 * banned. */
const struct ban *bans_find(const struct bans *bans, const char *plugin);
unsigned bans_count(const struct bans *bans);
unsigned bans_poisons(const struct bans *bans); /* messages that are refused */

/* Whether that code is not to see a message with these bytes. Most of the time
 * there is nothing to be compared: ask bans_any_poison first. */
bool bans_message(const struct bans *bans, uint64_t code, const void *data,
                  size_t len);

static inline bool bans_any_poison(const struct bans *bans)
{
    return bans != NULL &&
           atomic_load_explicit(
               (_Atomic uint32_t *)(uintptr_t)&bans->poison_count,
               memory_order_relaxed) != 0;
}

/* The number of a plugin's code: of the hash of its file, as hexadecimal
 * digits. 0: it has none. */
uint64_t bans_code(const char *hash);

#endif
