/* inspect.h - is a plugin what the configuration takes it for? */
#ifndef PATCHBAY_PLUGIN_INSPECT_H
#define PATCHBAY_PLUGIN_INSPECT_H

#include "base/problems.h"
#include "conf/conf.h"

/*
 * Opens the plugin of a route and checks it, the number of workers and the
 * options of every route with that plugin. Runs the plugin's constructors: for
 * a process that may be lost (plugin/probe.h).
 */
void inspect_plugin(const struct conf *conf, const struct conf_route *first,
                    const char *copies_dir, struct problems *problems);

/* Adds a problem with the plugin of a route, at the line that names it. */
__attribute__((format(printf, 4, 5))) void
inspect_complain(const struct conf *conf, const struct conf_route *route,
                 struct problems *problems, const char *format, ...);

#endif
