/* resolve.h - who gives a plugin the names and libraries it wants */
#ifndef PATCHBAY_PLUGIN_RESOLVE_H
#define PATCHBAY_PLUGIN_RESOLVE_H

#include <stdbool.h>

#include "plugin/dynamic.h"

enum resolve_giver {
    RESOLVE_NEEDED = 1, /* a library that the plugin is linked with */
    RESOLVE_LIBC,       /* libc and what it brings: always there */
    RESOLVE_HOST, /* a library of this program, which another host may lack */
    RESOLVE_NOBODY
};

struct resolve;

/*
 * Opens the libraries that the plugin needs, as they would be when it is
 * loaded, but not the plugin. Their constructors run: for a process that may
 * be lost (plugin/child.h). NULL: out of memory. dynamic is borrowed.
 */
struct resolve *resolve_create(const struct dynamic *dynamic);

/* Why the library by this index in dynamic->needed cannot be opened; NULL: it
 * is open. */
const char *resolve_missing(const struct resolve *resolve, size_t index);

enum resolve_giver resolve_find(const struct resolve *resolve,
                                const char *name);

/* Whether a library of this program has the name, too: then the plugin's own
 * calls of what it exports by that name would go there. */
bool resolve_is_taken(const char *name);

/* Closes nothing: what a constructor has started may still run. */
void resolve_free(struct resolve *resolve);

#endif
