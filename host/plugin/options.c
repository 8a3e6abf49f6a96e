/* options.c - the values of a plugin's options for one route */
#include "plugin/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "plugin/descriptor.h"
#include "plugin/optvalue.h"

#define MOST_LISTED 12 /* names, in a message */

struct value {
    char *name;
    char *text;
    int64_t number;
};

struct options {
    struct value *list;
    size_t count;
};

/* A section of the file that sets options: [route.lobby], whose keys begin
 * with "chat.", or [plugin.chat]. */
struct place {
    const char *file;
    const char *kind; /* "route" */
    const char *name;
    const char *prefix; /* "chat", or NULL */
    const struct conf_options *options;
};

static const struct conf_option *find(const struct conf_options *options,
                                      const char *name)
{
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->list[i].name, name) == 0) {
            return &options->list[i];
        }
    }
    return NULL;
}

static const bay_option *find_declared(const bay_plugin *plugin,
                                       const char *name)
{
    size_t count = descriptor_option_count(plugin);

    for (size_t i = 0; i < count; i++) {
        const bay_option *option = descriptor_option(plugin, i);

        if (strcmp(option->name, name) == 0) {
            return option;
        }
    }
    return NULL;
}

__attribute__((format(printf, 5, 6))) static void
complain(const struct place *place, int line, const char *name,
         struct problems *problems, const char *format, ...)
{
    struct buf section = { 0 };
    struct buf key = { 0 };
    struct buf text = { 0 };
    va_list args;

    buf_addf(&section, "%s.%s", place->kind, place->name);
    if (place->prefix != NULL) {
        buf_addf(&key, "%s.", place->prefix);
    }
    buf_adds(&key, name);
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    if (section.failed || key.failed || text.failed) {
        problems->lost++;
    } else {
        problems_add(problems, place->file, line, section.data, key.data, "%s",
                     text.data);
    }
    buf_free(&section);
    buf_free(&key);
    buf_free(&text);
}

/* "history, rate and 3 more", or what stands for none. */
static void list_names(const bay_plugin *plugin, struct buf *out)
{
    size_t count = descriptor_option_count(plugin);

    if (count == 0) {
        buf_adds(out, "no options");
    }
    for (size_t i = 0; i < count && i < MOST_LISTED; i++) {
        buf_addf(out, "%s%s", i == 0 ? "" : ", ",
                 descriptor_option(plugin, i)->name);
    }
    if (count > MOST_LISTED) {
        buf_addf(out, " and %zu more", count - MOST_LISTED);
    }
}

static void complain_unknown(const struct place *place,
                             const struct conf_option *option,
                             const bay_plugin *plugin,
                             struct problems *problems)
{
    size_t count = descriptor_option_count(plugin);
    const char **names = calloc(count + 1, sizeof *names);
    const char *nearest = NULL;
    struct buf all = { 0 };

    if (names != NULL) {
        for (size_t i = 0; i < count; i++) {
            names[i] = descriptor_option(plugin, i)->name;
        }
        nearest = units_nearest(option->name, names);
        free(names);
    }
    if (nearest != NULL) {
        complain(place, option->line, option->name, problems,
                 "no such option of plugin %s, did you mean \"%s\"?",
                 plugin->name, nearest);
        return;
    }
    list_names(plugin, &all);
    if (all.failed) {
        problems->lost++;
    } else {
        complain(place, option->line, option->name, problems,
                 "no such option of plugin %s: it has %s", plugin->name,
                 all.data);
    }
    buf_free(&all);
}

/* Every key of the section, those that a route overrides too. */
static void check_section(const struct place *place, const bay_plugin *plugin,
                          struct problems *problems)
{
    for (size_t i = 0; i < place->options->count; i++) {
        const struct conf_option *given = &place->options->list[i];
        const bay_option *option = find_declared(plugin, given->name);
        char why[256];
        int64_t number;

        if (option == NULL) {
            complain_unknown(place, given, plugin, problems);
        } else if (optvalue_parse(option, given->value, &number, why,
                                  sizeof why) != 0) {
            complain(place, given->line, given->name, problems, "%s", why);
        }
    }
}

static void complain_missing(const struct place *place,
                             const struct conf_route *route,
                             const bay_option *option,
                             struct problems *problems)
{
    complain(place, route->line, option->name, problems,
             "missing, and plugin %s cannot do without it%s%s", route->plugin,
             option->help == NULL ? "" : ": ",
             option->help == NULL ? "" : option->help);
}

/* The value is known to be good by now. */
static int keep(struct options *options, const bay_option *option,
                const char *text)
{
    struct value *value = &options->list[options->count];
    char why[256];

    value->name = strdup(option->name);
    value->text = strdup(text);
    if (value->name == NULL || value->text == NULL ||
        optvalue_parse(option, text, &value->number, why, sizeof why) != 0) {
        free(value->name);
        free(value->text);
        return -1;
    }
    options->count++;
    return 0;
}

/* NULL: no section that could set it does. */
static const char *choose(const struct place *places, size_t count,
                          const bay_option *option)
{
    for (size_t i = 0; i < count; i++) {
        const struct conf_option *given = find(places[i].options, option->name);

        if (given != NULL) {
            return given->value;
        }
    }
    return option->fallback;
}

struct options *options_resolve(const bay_plugin *plugin,
                                const struct conf *conf,
                                const struct conf_route *route,
                                struct problems *problems)
{
    const struct conf_plugin *section = conf_find_plugin(conf, plugin->name);
    /* In order of precedence. */
    const struct place places[] = {
        { conf->file, "route", route->name, plugin->name, &route->options },
        { conf->file, "plugin", plugin->name, NULL,
          section == NULL ? NULL : &section->options },
    };
    size_t place_count = section == NULL ? 1 : 2;
    size_t count = descriptor_option_count(plugin);
    size_t before = problems->count + problems->lost;
    struct options *options = calloc(1, sizeof *options);

    if (options != NULL) {
        options->list = calloc(count + 1, sizeof *options->list);
    }
    if (options == NULL || options->list == NULL) {
        problems->lost++;
    }
    for (size_t i = 0; i < place_count; i++) {
        check_section(&places[i], plugin, problems);
    }
    for (size_t i = 0; i < count; i++) {
        const bay_option *option = descriptor_option(plugin, i);
        const char *text = choose(places, place_count, option);

        if (text == NULL) {
            complain_missing(&places[0], route, option, problems);
        } else if (problems->count + problems->lost == before &&
                   keep(options, option, text) != 0) {
            problems->lost++;
        }
    }
    if (problems->count + problems->lost != before) {
        options_free(options);
        return NULL;
    }
    return options;
}

void options_free(struct options *options)
{
    if (options == NULL) {
        return;
    }
    for (size_t i = 0; i < options->count; i++) {
        free(options->list[i].name);
        free(options->list[i].text);
    }
    free(options->list);
    free(options);
}

static size_t count_of(const struct options *options)
{
    return options == NULL ? 0 : options->count;
}

bool options_equal(const struct options *a, const struct options *b)
{
    if (count_of(a) != count_of(b)) {
        return false;
    }
    for (size_t i = 0; i < count_of(a); i++) {
        const char *text = options_str(b, a->list[i].name);

        if (text == NULL || strcmp(text, a->list[i].text) != 0) {
            return false;
        }
    }
    return true;
}

static const struct value *look_up(const struct options *options,
                                   const char *name)
{
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->list[i].name, name) == 0) {
            return &options->list[i];
        }
    }
    return NULL;
}

const char *options_str(const struct options *options, const char *name)
{
    const struct value *value = look_up(options, name);

    return value == NULL ? NULL : value->text;
}

int64_t options_int(const struct options *options, const char *name)
{
    const struct value *value = look_up(options, name);

    return value == NULL ? 0 : value->number;
}
