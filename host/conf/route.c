/* route.c - the [plugin.NAME] and [route.NAME] sections */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/load.h"
#include "conf/origins.h"
#include "conf/text.h"

#define ROUTE  "route."
#define PLUGIN "plugin."

static void out_of_memory(struct load *load)
{
    load_problem(load, 0, NULL, NULL, "out of memory");
}

static int add_option(struct conf_options *options, const char *name,
                      const char *value, int line)
{
    struct conf_option *list =
        realloc(options->list, (options->count + 1) * sizeof *list);
    struct conf_option option = { .line = line };

    if (list == NULL) {
        return -1;
    }
    options->list = list;
    option.name = strdup(name);
    option.value = strdup(value);
    list[options->count++] = option;
    return option.name == NULL || option.value == NULL ? -1 : 0;
}

static void free_options(struct conf_options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        free(options->list[i].name);
        free(options->list[i].value);
    }
    free(options->list);
}

/* The name behind the first dot of a section; says if it is not one. */
static const char *name_of(struct load *load, const struct ini_section *section)
{
    const char *name = strchr(section->name, '.') + 1;

    if (text_is_name(name)) {
        return name;
    }
    load_problem(load, section->line, section->name, NULL,
                 "\"%s\" is not a name, which has " TEXT_NAME_RULE, name);
    return NULL;
}

/* ---- plugins ----------------------------------------------------------- */

/* [plugin.chat] has history, not chat.history. */
static bool has_prefix(const char *key, const char *plugin)
{
    size_t len = strlen(plugin);

    return strncmp(key, plugin, len) == 0 && key[len] == '.';
}

static void load_plugin(struct load *load, const struct ini_section *section)
{
    struct conf *conf = load->conf;
    const char *name = name_of(load, section);
    struct conf_plugin *list;
    struct conf_plugin *plugin;
    char *copy;

    if (name == NULL) {
        return;
    }
    list = realloc(conf->plugins, (conf->plugin_count + 1) * sizeof *list);
    copy = strdup(name);
    if (list != NULL) {
        conf->plugins = list;
    }
    if (list == NULL || copy == NULL) {
        free(copy);
        out_of_memory(load);
        return;
    }
    plugin = &list[conf->plugin_count++];
    *plugin = (struct conf_plugin){ .name = copy, .line = section->line };
    for (size_t i = 0; i < section->count; i++) {
        const struct ini_key *key = &section->keys[i];

        if (has_prefix(key->name, name)) {
            load_problem(load, key->line, section->name, key->name,
                         "in this section without the \"%s.\", did you mean "
                         "\"%s\"?",
                         name, key->name + strlen(name) + 1);
        } else if (!key->bad && add_option(&plugin->options, key->name,
                                           key->value, key->line) != 0) {
            out_of_memory(load);
        }
    }
}

/* Says which [plugin.NAME] no route uses. */
static void check_used(struct load *load)
{
    const struct conf *conf = load->conf;
    const char *names[CONF_MAX_ROUTES + 1];
    size_t count = 0;

    for (; count < conf->route_count; count++) {
        names[count] = conf->routes[count].plugin;
        if (names[count] == NULL) {
            return; /* it may be the one that uses it */
        }
    }
    names[count] = NULL;
    for (size_t i = 0; i < conf->plugin_count; i++) {
        const struct conf_plugin *plugin = &conf->plugins[i];
        struct buf meant = { 0 };
        size_t at = 0;

        while (at < count && strcmp(names[at], plugin->name) != 0) {
            at++;
        }
        if (at == count) {
            text_suggest(&meant, units_nearest(plugin->name, names));
            load_problem(load, plugin->line, NULL, NULL,
                         "[plugin.%s]: no route has plugin = %s%s",
                         plugin->name, plugin->name,
                         meant.data == NULL ? "" : meant.data);
        }
        buf_free(&meant);
    }
}

/* ---- routes ------------------------------------------------------------ */

/* A key with a dot: an option of the route's plugin. */
static void load_option(struct load *load, struct conf_route *route,
                        const struct ini_section *section,
                        const struct ini_key *key)
{
    const char *name = strchr(key->name, '.') + 1;

    if (route->plugin == NULL) {
        return; /* has been reported */
    }
    if (!has_prefix(key->name, route->plugin)) {
        load_problem(load, key->line, section->name, key->name,
                     "an option of another plugin, this route has plugin = "
                     "%s, did you mean \"%s.%s\"?",
                     route->plugin, route->plugin, name);
    } else if (*name == 0) {
        load_problem(load, key->line, section->name, key->name,
                     "the name of the option is missing");
    } else if (!key->bad &&
               add_option(&route->options, name, key->value, key->line) != 0) {
        out_of_memory(load);
    }
}

static void load_keys(struct load *load, struct conf_route *route,
                      const struct ini_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct ini_key *key = &section->keys[i];
        const struct schema_key *known = schema_find("route", key->name);

        if (strchr(key->name, '.') != NULL) {
            load_option(load, route, section, key);
        } else if (known == NULL) {
            load_unknown(load, "route", section->name, key);
        } else if (known->in_route) {
            if (known->type == SCHEMA_ORIGINS) {
                origins_free(&route->limits);
            }
            load_value(load, known, section, &route->limits);
        }
    }
}

static char *plugin_file(const struct load *load, const char *plugin)
{
    struct buf file = { 0 };

    buf_addf(&file, "%s/%s.so", load->conf->plugin_dir, plugin);
    if (file.failed) {
        buf_free(&file);
    }
    return file.data;
}

/* A line that cannot be read may be the option that would be missed. */
static bool is_whole(const struct ini_section *section)
{
    for (size_t i = 0; section != NULL && i < section->count; i++) {
        if (section->keys[i].bad) {
            return false;
        }
    }
    return section == NULL || !section->torn;
}

static bool can_be_looked_at(const struct load *load,
                             const struct conf_route *route,
                             const struct ini_section *section)
{
    struct buf defaults = { 0 };
    bool can;

    buf_addf(&defaults, PLUGIN "%s", route->plugin);
    can = load->finds_plugins && is_whole(section) && !defaults.failed &&
          is_whole(ini_find_section(load->ini, defaults.data));
    buf_free(&defaults);
    return can;
}

/* The keys that only a route has, then what follows from them. */
static void load_own(struct load *load, struct conf_route *route,
                     const struct ini_section *section)
{
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        if (strcmp(key->section, "route") != 0) {
            continue;
        }
        load_value(load, key, section, route);
        if (key->fallback == NULL && !section->torn &&
            ini_find_key(section, key->name) == NULL) {
            load_problem(load, section->line, section->name, key->name,
                         "is missing, as in %s = %s", key->name,
                         key->type == SCHEMA_ROUTE ? "/echo" : "echo");
        }
    }
    if (route->path != NULL) {
        const struct ini_key *key = ini_find_key(section, "path");

        route->path_line = key->line;
        route->path_len = strlen(route->path);
        route->prefix = route->path[route->path_len - 1] == '*';
        route->path_len -= route->prefix;
    }
    if (route->plugin != NULL) {
        route->plugin_line = ini_find_key(section, "plugin")->line;
        if (can_be_looked_at(load, route, section)) {
            route->plugin_file = plugin_file(load, route->plugin);
            if (route->plugin_file == NULL) {
                out_of_memory(load);
            }
        }
    }
}

static void load_route(struct load *load, const struct ini_section *section)
{
    struct conf *conf = load->conf;
    const char *name = name_of(load, section);
    struct conf_route *route = &conf->routes[conf->route_count];

    route->slot = (unsigned)conf->route_count++;
    route->line = section->line;
    route->limits = conf->limits;
    route->limits.origins = NULL;
    route->limits.origin_count = 0;
    route->name = strdup(name == NULL ? "" : name);
    if (route->name == NULL ||
        origins_copy(&route->limits, &conf->limits) != 0) {
        out_of_memory(load);
    }
    load_own(load, route, section);
    load_keys(load, route, section);
}

static void check_paths(struct load *load)
{
    const struct conf *conf = load->conf;

    for (size_t i = 0; i < conf->route_count; i++) {
        const struct conf_route *route = &conf->routes[i];
        struct buf section = { 0 };
        size_t k = 0;

        while (k < i && (route->path == NULL || conf->routes[k].path == NULL ||
                         strcmp(route->path, conf->routes[k].path) != 0)) {
            k++;
        }
        if (k < i) {
            buf_addf(&section, ROUTE "%s", route->name);
            load_problem(load, route->path_line, section.data, "path",
                         "\"%s\" is the path of [route.%s], too (line %d)",
                         route->path, conf->routes[k].name,
                         conf->routes[k].path_line);
        }
        buf_free(&section);
    }
}

static size_t count_routes(struct load *load)
{
    size_t count = 0;

    for (size_t i = 0; i < load->ini->count; i++) {
        const struct ini_section *section = &load->ini->sections[i];

        if (strncmp(section->name, ROUTE, strlen(ROUTE)) != 0) {
            continue;
        }
        if (count == CONF_MAX_ROUTES) {
            load_problem(load, section->line, section->name, NULL,
                         "more than %d routes", CONF_MAX_ROUTES);
            break;
        }
        count++;
    }
    return count;
}

void load_routes(struct load *load)
{
    size_t count = count_routes(load);

    load->conf->routes = calloc(count + 1, sizeof *load->conf->routes);
    if (load->conf->routes == NULL) {
        out_of_memory(load);
        return;
    }
    for (size_t i = 0; i < load->ini->count; i++) {
        const struct ini_section *section = &load->ini->sections[i];

        if (strncmp(section->name, PLUGIN, strlen(PLUGIN)) == 0) {
            load_plugin(load, section);
        } else if (strncmp(section->name, ROUTE, strlen(ROUTE)) == 0 &&
                   load->conf->route_count < count) {
            load_route(load, section);
        }
    }
    check_paths(load);
    check_used(load);
}

void load_free_routes(struct conf *conf)
{
    for (size_t i = 0; i < conf->plugin_count; i++) {
        free(conf->plugins[i].name);
        free_options(&conf->plugins[i].options);
    }
    for (size_t i = 0; i < conf->route_count; i++) {
        struct conf_route *route = &conf->routes[i];

        free(route->name);
        free(route->path);
        free(route->plugin);
        free(route->plugin_file);
        origins_free(&route->limits);
        free_options(&route->options);
    }
    free(conf->plugins);
    free(conf->routes);
}
