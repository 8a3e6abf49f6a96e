/* inspect.c - is a plugin what the configuration takes it for? */
#include "plugin/inspect.h"

#include <string.h>

#include "base/buf.h"
#include "plugin/options.h"

void inspect_complain(const struct conf *conf, const struct conf_route *route,
                      struct problems *problems, const char *format, ...)
{
    struct buf section = { 0 };
    struct buf text = { 0 };
    va_list args;

    buf_addf(&section, "route.%s", route->name);
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    if (section.failed || text.failed) {
        problems->lost++;
    } else {
        problems_add(problems, conf->file, route->plugin_line, section.data,
                     "plugin", "%s", text.data);
    }
    buf_free(&section);
    buf_free(&text);
}

void inspect_plugin(const struct conf *conf, const struct conf_route *first,
                    const struct image *image, struct problems *problems)
{
    if ((image->plugin.flags & BAY_SINGLE_WORKER) != 0 && conf->workers > 1) {
        inspect_complain(
            conf, first, problems,
            "%s keeps what its connections share in one process "
            "(BAY_SINGLE_WORKER): set workers = 1 in [server], not %u",
            first->plugin, conf->workers);
    }
    for (size_t i = 0; i < conf->route_count; i++) {
        const char *file = conf->routes[i].plugin_file;

        if (file != NULL && strcmp(file, first->plugin_file) == 0) {
            options_free(options_resolve(&image->plugin, conf, &conf->routes[i],
                                         problems));
        }
    }
}
