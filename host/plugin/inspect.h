/* inspect.h - is a plugin what the configuration takes it for? */
#ifndef PATCHBAY_PLUGIN_INSPECT_H
#define PATCHBAY_PLUGIN_INSPECT_H

#include "base/problems.h"
#include "conf/conf.h"
#include "plugin/image.h"

/*
 * Checks the number of workers, and the options of every route with the plugin
 * of this one, which has been opened.
 */
void inspect_plugin(const struct conf *conf, const struct conf_route *first,
                    const struct image *image, struct problems *problems);

/* Adds a problem with the plugin of a route, at the line that names it. */
__attribute__((format(printf, 4, 5))) void
inspect_complain(const struct conf *conf, const struct conf_route *route,
                 struct problems *problems, const char *format, ...);

#endif
