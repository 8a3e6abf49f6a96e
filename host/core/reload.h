/* reload.h - new code, options and routes for a core that serves
 *
 * In two phases, since all workers have to agree: reload_create changes nothing
 * that a client could see, and reload_abort undoes it; reload_commit swaps.
 */
#ifndef PATCHBAY_CORE_RELOAD_H
#define PATCHBAY_CORE_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"

/* What a reload does with a route. */
enum reload_way {
    RELOAD_UNCHANGED = 1, /* code and options are the same; limits may differ */
    RELOAD_OPTIONS,       /* the same code reads its options again */
    RELOAD_SWAPPED,       /* new code over the blocks as they are */
    RELOAD_MIGRATED,      /* new code, new blocks filled from the old */
    RELOAD_REPLACED,      /* a new instance; the old one keeps or closes its
                           * connections, as on_reload says */
    RELOAD_ADDED,
    RELOAD_REMOVED, /* its connections are closed with 1012 */
    RELOAD_FAILED   /* in reload_commit: it stays as it was */
};

/* "swapped" */
const char *reload_way_name(enum reload_way way);

/* What became of a route, in this worker. Strings are valid until
 * reload_free. */
struct reload_result {
    char *route;
    char *plugin; /* that serves it now; of RELOAD_REMOVED: that did */
    enum reload_way way;
    size_t kept;     /* open connections that go on with what is new; of
                      * RELOAD_UNCHANGED and RELOAD_FAILED: that just go on */
    size_t outdated; /* that stay with the old code until they close */
    size_t closed;   /* that are told to come again */
    char why[160];   /* of RELOAD_FAILED, or of connections that were closed
                      * since their migration failed; "" if there is nothing
                      * to say */
};

struct reload;

/*
 * Gets ready to serve these routes, and no others: makes the instances that
 * are new, and calls their start hooks. Takes what routes[] holds (options,
 * and the duty to call release), whatever comes of it. NULL, with one sentence
 * in why, if a start hook fails or memory runs out: then nothing has changed.
 */
struct reload *reload_create(struct core *core, const struct core_route *routes,
                             size_t count, char *why, size_t why_size);

/*
 * Whether the deferred work that was under way when the reload was created is
 * done, for all whose code changes in place; ask again from the loop. If not,
 * why gets one sentence that says whose.
 */
bool reload_settled(const struct reload *reload, char *why, size_t why_size);

/*
 * Swaps. false: deferred work of a plugin that migrates is still under way, so
 * nothing was done but to hold up its messages; call again soon, or with force:
 * then that route stays as it is (RELOAD_FAILED). close_over_ms: the
 * connections that have to go are closed within that time.
 */
bool reload_commit(struct reload *reload, bool force, uint64_t close_over_ms);

/* After reload_commit returned true. */
size_t reload_count(const struct reload *reload);
const struct reload_result *reload_result(const struct reload *reload,
                                          size_t index);
void reload_free(struct reload *reload);

/* Instead of reload_commit: stops what was made. */
void reload_abort(struct reload *reload);

#endif
