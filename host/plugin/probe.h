/* probe.h - looks at plugins in a forked child, which may crash or hang */
#ifndef PATCHBAY_PLUGIN_PROBE_H
#define PATCHBAY_PLUGIN_PROBE_H

#include "base/problems.h"
#include "conf/conf.h"

/*
 * For each plugin a route names: is the file there and a plugin, does its ABI
 * fit, are the options in the file right, does it allow this many workers.
 * Problems are added with the line of the file that names the plugin. Each
 * plugin gets a child of its own: one whose constructor crashes or does not
 * return within 5 s is a problem like any other. copies_dir may be NULL: a
 * temporary one is made and removed. Returns the number of problems added.
 */
size_t probe_check(const struct conf *conf, const char *copies_dir,
                   struct problems *problems);

#endif
