/* instance.c - one plugin on one route in this worker */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "core/core-t.h"
#include "core/hooks.h"

void source_release(const struct core_route *from)
{
    options_free(from->options);
    if (from->release != NULL) {
        from->release(from->arg);
    }
}

/* ---- the names that instances share ------------------------------------ */

struct route *core_find_names(const struct core *core, const char *name)
{
    struct route *route = core->names;

    while (route != NULL && strcmp(route->name, name) != 0) {
        route = route->next;
    }
    return route;
}

struct instance *core_find_name(const struct core *core, const char *name)
{
    for (unsigned i = 0; i < core->route_count; i++) {
        if (strcmp(core->routes[i]->conf->name, name) == 0) {
            return core->routes[i];
        }
    }
    return NULL;
}

static struct route *route_join(struct core *core, const char *name)
{
    struct route *route = core_find_names(core, name);

    if (route == NULL) {
        route = calloc(1, sizeof *route);
        if (route == NULL) {
            return NULL;
        }
        route->name = strdup(name);
        if (route->name == NULL) {
            free(route);
            return NULL;
        }
        LL_PREPEND(core->names, route);
    }
    route->instances++;
    return route;
}

static void route_part(struct core *core, struct route *route)
{
    if (route != NULL && --route->instances == 0) {
        LL_DELETE(core->names, route);
        free(route->name);
        free(route);
    }
}

void route_keep(struct instance *instance)
{
    instance->route->keep = (struct keep){
        .count = instance->conf->history,
        .age_ms = instance->conf->history_for_ms,
    };
}

/* ---- begin and end ----------------------------------------------------- */

void instance_drop_stale(struct instance *instance)
{
    while (instance->stale != NULL) {
        struct stale_source *stale = instance->stale;

        instance->stale = stale->next;
        source_release(&stale->from);
        free(stale);
    }
}

static void instance_destroy(struct instance *instance)
{
    instance->core->ran_gone |= instance->ran != HOOK_NONE;
    route_part(instance->core, instance->route);
    instance_drop_stale(instance);
    free(instance->plugin_name);
    free(instance->data);
    instance->magic = 0;
    free(instance);
}

struct instance *instance_create(struct core *core,
                                 const struct core_route *from)
{
    struct instance *instance = calloc(1, sizeof *instance);

    if (instance == NULL) {
        return NULL;
    }
    instance->handle.api = core->setup.api;
    instance->magic = INSTANCE_MAGIC;
    instance->core = core;
    instance->route = route_join(core, from->conf->name);
    instance->plugin_name = strdup(from->plugin->name);
    instance->plugin = *from->plugin;
    instance->code = bans_code(from->code);
    if (instance->plugin.route_size > 0) {
        instance->data = calloc(1, instance->plugin.route_size);
    }
    if (instance->route == NULL || instance->plugin_name == NULL ||
        (instance->data == NULL && instance->plugin.route_size > 0)) {
        instance_destroy(instance);
        return NULL;
    }
    instance->from = *from;
    instance->conf = from->conf;
    instance->options = from->options;
    instance->stats = &core->setup.stats->routes[from->conf->slot];
    if (instance->route->instances == 1) {
        route_keep(instance);
    }
    if (bans_plugin(core->setup.bans, instance->code)) {
        instance_silence(instance);
    }
    return instance;
}

int instance_start(struct instance *instance, char *why, size_t why_size)
{
    int status = hook_start(instance);

    if (status != BAY_OK) {
        snprintf(why, why_size, "its start hook failed: %s (%d)",
                 bay_strerror(status), status);
        return -1;
    }
    instance->started = true;
    return 0;
}

int instance_renew(struct instance *instance, const struct core_route *from)
{
    struct stale_source *stale = NULL;

    if (instance->job_count > 0) {
        stale = calloc(1, sizeof *stale);
        if (stale == NULL) {
            return BAY_ENOMEM;
        }
        stale->from = instance->from;
        LL_PREPEND(instance->stale, stale);
    } else {
        source_release(&instance->from);
    }
    instance->from = *from;
    instance->conf = from->conf;
    instance->options = from->options;
    route_keep(instance);
    return BAY_OK;
}

static void unlisten(void *arg, struct route *route, const char *name)
{
    core_interest(arg, route, name, false);
}

void instance_silence(struct instance *instance)
{
    struct core *core = instance->core;
    bay_plugin *plugin = &instance->plugin;

    instance->silent = true;
    plugin->start = NULL;
    plugin->stop = NULL;
    plugin->reload = NULL;
    plugin->handshake = NULL;
    plugin->open = NULL;
    plugin->message = NULL;
    plugin->close = NULL;
    plugin->drained = NULL;
    plugin->timer = NULL;
    plugin->notice = NULL;
    plugin->presence = NULL;
    plugin->http = NULL;
    plugin->migrate_route = NULL;
    plugin->migrate_conn = NULL;
    topics_unlisten_all(&core->topics, instance, unlisten, core);
    presence_unwatch_all(instance);
    timers_clear_all(&core->timers, instance);
}

void instance_stop(struct instance *instance)
{
    struct core *core = instance->core;

    topics_unlisten_all(&core->topics, instance, unlisten, core);
    presence_unwatch_all(instance);
    instance->stopped = true; /* nothing that would point here begins now */
    if (instance->started) {
        hook_stop(instance);
    }
    timers_clear_all(&core->timers, instance);
}

void instance_free(struct instance *instance)
{
    struct core_route from = instance->from;

    if (instance->retired) {
        DL_DELETE(instance->core->retired, instance);
    }
    instance_destroy(instance);
    source_release(&from);
}

static void end_task(struct core *core, struct task *task)
{
    struct instance *instance =
        (struct instance *)((char *)task - offsetof(struct instance, end_task));

    (void)core;
    if (instance->users == 0) {
        instance_stop(instance);
        instance_free(instance);
    }
}

/* A task, since what points here goes in the middle of hooks. */
static void end_if_unused(struct instance *instance)
{
    if (instance->retired && instance->users == 0) {
        instance->end_task.run = end_task;
        core_post(instance->core, &instance->end_task);
    }
}

void instance_retire(struct instance *instance)
{
    const struct conn *conn;
    size_t count;

    DL_COUNT(instance->conns, conn, count);
    stat_add(&instance->stats->outdated, count);
    instance->retired = true;
    DL_APPEND(instance->core->retired, instance);
    end_if_unused(instance);
}

void instance_give_up(struct instance *instance)
{
    if (instance->users > 0) {
        instance_retire(instance);
    } else {
        instance_stop(instance);
        instance_free(instance);
    }
}

void instance_drop(struct instance *instance)
{
    instance->users--;
    end_if_unused(instance);
}

/* ---- what others ask --------------------------------------------------- */

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

bool instance_serves_http(const struct instance *instance)
{
    return instance->from.plugin->http != NULL;
}

bool instance_banned(const struct instance *instance)
{
    return instance->silent ||
           bans_plugin(instance->core->setup.bans, instance->code);
}

struct core *instance_core(struct instance *instance)
{
    return instance->core;
}
