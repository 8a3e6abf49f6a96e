/* tally.h - how often workers have crashed or hung, and of whose doing
 *
 * In shared memory, for as long as the host runs: the master counts, this and
 * what else happens to itself; workers read it for the metrics. Each call takes
 * NULL, for a host without one.
 */
#ifndef PATCHBAY_PROC_TALLY_H
#define PATCHBAY_PROC_TALLY_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "core/stats.h"

#define TALLY_PLUGINS 64u
/* Why workers are recycled. */
enum recycle_why { RECYCLE_MEMORY, RECYCLE_REQUESTS, RECYCLE_COUNT };

#define TALLY_OTHERS "(others)" /* all that found no place of their own */

/* Once it has a name it keeps it. */
struct tally_plugin {
    _Atomic uint32_t taken; /* 0: nobody's yet; set last */
    char name[CONF_MAX_NAME + 1];
    stat_value crashes; /* workers it has ended */
    stat_value hangs;   /* of them, those that were ended for a hang */
};

struct tally {
    stat_value hangs;                   /* workers that were ended for one */
    stat_value reports_written;         /* crash reports */
    stat_value reports_suppressed;      /* and crashes that have none */
    stat_value recycled[RECYCLE_COUNT]; /* workers */
    stat_value control_paused; /* no descriptor for a command's connection */
    struct tally_plugin plugins[TALLY_PLUGINS];
};

/* NULL when out of memory. */
struct tally *tally_create(void);
void tally_destroy(struct tally *tally);

/* In a child: it can read it, and write no more. */
void tally_forget(struct tally *tally);

/* A plugin has ended a worker; hung: since it hung in it. */
void tally_crash(struct tally *tally, const char *plugin, bool hung);
/* A worker was ended for a hang, a plugin's or not. */
void tally_hang(struct tally *tally);
/* A crash has got a report, or none. */
void tally_report(struct tally *tally, bool written);

/* A worker has given way to a new one. */
void tally_recycle(struct tally *tally, enum recycle_why why);

/* A command could not be taken for want of descriptors. */
void tally_control_paused(struct tally *tally);

/* "max_memory" for RECYCLE_MEMORY: the key of [server]. */
const char *tally_recycle_key(enum recycle_why why);

/* The next that has a name, from *at on, which is 0 at first; or NULL. */
const struct tally_plugin *tally_next(const struct tally *tally, size_t *at);
const struct tally_plugin *tally_find(const struct tally *tally,
                                      const char *plugin);

#endif
