/* audit.h - what is wrong with a plugin, or will be one day, and what to do */
#ifndef PATCHBAY_PLUGIN_AUDIT_H
#define PATCHBAY_PLUGIN_AUDIT_H

#include <stdbool.h>

#include <patchbay.h>

#include "plugin/dynamic.h"
#include "plugin/resolve.h"

enum audit_level {
    AUDIT_ERROR = 1, /* a host refuses it */
    AUDIT_WARNING,   /* it works here and now */
    AUDIT_NOTE,      /* what its author may want to know */
    AUDIT_OK
};

/* "error" */
const char *audit_level_name(enum audit_level level);

/* Who hears of what is found. advice: what to do; "" if there is nothing. */
struct audit {
    void (*found)(void *arg, enum audit_level level, const char *what,
                  const char *advice);
    void *arg;
};

/* What the file exports, and asks of the process. true: it needs a runtime that
 * this process lacks, which may end it if it is loaded now. */
bool audit_file(const struct audit *audit, const struct dynamic *dynamic);

/* The libraries it needs, and who gives it the names it wants. */
void audit_links(const struct audit *audit, const struct dynamic *dynamic,
                 const struct resolve *resolve);

/* What an accepted descriptor declares that cannot be meant. */
void audit_descriptor(const struct audit *audit, const bay_plugin *plugin);

#endif
