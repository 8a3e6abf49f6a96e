/* instance.c - one plugin on one route in this worker */
#include <stdlib.h>
#include <string.h>

#include "core/core-t.h"

struct instance *instance_create(struct core *core,
                                 const struct conf_route *conf, unsigned index,
                                 const bay_plugin *plugin,
                                 struct options *options)
{
    struct instance *instance = calloc(1, sizeof *instance);

    if (instance == NULL) {
        return NULL;
    }
    if (plugin->route_size > 0) {
        instance->data = calloc(1, plugin->route_size);
        if (instance->data == NULL) {
            free(instance);
            return NULL;
        }
    }
    instance->handle.api = core->setup.api;
    instance->magic = INSTANCE_MAGIC;
    instance->core = core;
    instance->conf = conf;
    instance->index = index;
    instance->plugin = *plugin;
    instance->options = options;
    instance->stats = &core->setup.stats->routes[index];
    return instance;
}

void instance_destroy(struct instance *instance)
{
    if (instance == NULL) {
        return;
    }
    options_free(instance->options);
    free(instance->data);
    instance->magic = 0;
    free(instance);
}

static bool matches(const struct conf_route *route, const char *path)
{
    return route->prefix ? strncmp(path, route->path, route->path_len) == 0
                         : strcmp(path, route->path) == 0;
}

struct instance *core_find_route(struct core *core, const char *path)
{
    /* The longest come first, and an exact path before a prefix. */
    for (unsigned i = 0; i < core->route_count; i++) {
        if (matches(core->routes[i]->conf, path)) {
            return core->routes[i];
        }
    }
    return NULL;
}

const struct conf_route *instance_conf(const struct instance *instance)
{
    return instance->conf;
}

const bay_plugin *instance_plugin(const struct instance *instance)
{
    return &instance->plugin;
}

struct route_stats *instance_stats(struct instance *instance)
{
    return instance->stats;
}

struct core *instance_core(struct instance *instance)
{
    return instance->core;
}
