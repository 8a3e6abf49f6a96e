/* options.h - the values of a plugin's options for one route */
#ifndef PATCHBAY_PLUGIN_OPTIONS_H
#define PATCHBAY_PLUGIN_OPTIONS_H

#include <stdbool.h>

#include <patchbay.h>

#include "base/problems.h"
#include "conf/conf.h"

struct options; /* owns copies of everything: outlives the image */

/*
 * Takes each option of plugin's table from the route, else from [plugin.NAME],
 * else its fallback, and checks type and range. Returns NULL, with problems
 * added (file, line, section and key of each), if a value is wrong, a required
 * option is missing or the file names an option that is not in the table (with
 * the nearest one that is).
 */
struct options *options_resolve(const bay_plugin *plugin,
                                const struct conf *conf,
                                const struct conf_route *route,
                                struct problems *problems);
void options_free(struct options *options);

/* Whether both have the same values. NULL equals NULL and what is empty. */
bool options_equal(const struct options *a, const struct options *b);

/* NULL, or 0, for a name that is not in the table. int: the number of the
 * numeric types, 0 or 1 of a bool, 0 of a string. */
const char *options_str(const struct options *options, const char *name);
int64_t options_int(const struct options *options, const char *name);

#endif
