/* edition.h - what a worker serves by at a time: conf, plugins and options
 *
 * A reload brings the next one. What is left of the one before goes when core
 * needs it no more: connections may stay with old code for days.
 */
#ifndef PATCHBAY_PROC_EDITION_H
#define PATCHBAY_PROC_EDITION_H

#include <stddef.h>

#include "conf/conf.h"
#include "core/core.h"
#include "proc/shelf.h"

struct edition {
    const struct conf *conf;
    struct conf *owned; /* conf, if it is to be freed with the edition */
    struct shelf *shelf;
    unsigned users;
};

/* Has one user, the caller. owned may be NULL; it is taken in any case. NULL
 * when out of memory. */
struct edition *edition_create(const struct conf *conf, struct conf *owned,
                               struct shelf *shelf);
void edition_drop(struct edition *edition);

/*
 * Opens the plugins, files having one for each route, and fills in what core is
 * to be given; each route uses the edition until it is released. 0, or -1 and
 * one sentence in why, and nothing to be released.
 */
int edition_routes(struct edition *edition, char *const *files,
                   struct core_route *routes, char *why, size_t why_size);

/* Of a route that core was not given. */
void edition_release(const struct core_route *route);

#endif
