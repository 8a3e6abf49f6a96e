/* breaker.h - how often plugins have ended workers, and which have to stop
 *
 * What it decides stands in shared memory, see core/bans.h. A plugin is known
 * by its code: another file of the same name is another plugin.
 */
#ifndef PATCHBAY_PROC_BREAKER_H
#define PATCHBAY_PROC_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "core/bans.h"
#include "proc/postmortem.h"

#define BREAKER_CRASHES_MAX  100u /* of crash_limit */
#define BREAKER_POISON_LIMIT 2u   /* a message may end so many workers */

struct breaker;

/* NULL when out of memory. */
struct breaker *breaker_create(void);
void breaker_destroy(struct breaker *breaker);

const struct bans *breaker_bans(const struct breaker *breaker);

/* How hashes of messages begin, once it is known. */
void breaker_set_seed(struct breaker *breaker, uint64_t seed);

/* In a child: it can read what is decided, and write no more. */
void breaker_forget(struct breaker *breaker);

struct breaker_rule {
    unsigned limit; /* crashes; 0: any number */
    uint64_t window_ms;
};

/* What a crash has led to. */
struct breaker_verdict {
    unsigned crashes; /* of this code, within the window */
    bool banned;      /* now, by this one */
    bool poisoned;    /* the message it died of is not let in any more */
};

struct breaker_verdict breaker_crashed(struct breaker *breaker,
                                       const struct culprit *culprit,
                                       const struct breaker_rule *rule,
                                       uint64_t now_ms);

/* All that is held against the plugin of that name is forgotten. false: there
 * was nothing. */
bool breaker_lift(struct breaker *breaker, const char *plugin);

/* Likewise, of all code that is not used any more. */
void breaker_keep(struct breaker *breaker,
                  bool (*is_used)(void *arg, uint64_t code), void *arg);

#endif
