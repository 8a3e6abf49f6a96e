/* setting.c - from lines of options to the configuration of one route */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/schema.h"
#include "kit.h"
#include "plugin/descriptor.h"
#include "plugin/options.h"

/* Generous, for machines that are busy: the real clock runs while a test's
 * process waits for a processor. */
#define SLOW_HOOK "slow_hook = 500ms\n"

/* What the file of a problem is called. */
#define FILE_NAME "options"

/* Whether a key that no route has is, or may be meant to be, the plugin's. */
static bool is_for_plugin(const bay_plugin *plugin, const char *key)
{
    size_t count = descriptor_option_count(plugin);
    const char **names = kit_alloc((count + 1) * sizeof *names);
    bool is = schema_nearest("route", key) == NULL;

    for (size_t i = 0; i < count; i++) {
        names[i] = descriptor_option(plugin, i)->name;
        is = is || strcmp(names[i], key) == 0;
    }
    is = is || units_nearest(key, names) != NULL;
    free(names);
    return is;
}

struct found {
    bool path;
    bool slow_hook;
    bool section;
    bool plugin;
};

/* "history" of "  history = 2"; "" if the line is none of a key. */
static void read_key(const char *line, size_t len, char *key, size_t size)
{
    size_t blanks = strspn(line, " \t");
    size_t key_len = strcspn(line + blanks, " \t=\n");

    key[0] = '\0';
    if (blanks < len && key_len < size && memchr(line, '=', len) != NULL &&
        strchr("#;", line[blanks]) == NULL) {
        memcpy(key, line + blanks, key_len);
        key[key_len] = '\0';
    }
}

/* A line as it is, but for an option of the plugin that was written without
 * the plugin's name. */
static void add_line(struct buf *text, const bay_plugin *plugin,
                     const char *line, size_t len, struct found *found)
{
    char key[128];

    read_key(line, len, key, sizeof key);
    found->path = found->path || strcmp(key, "path") == 0;
    found->slow_hook = found->slow_hook || strcmp(key, "slow_hook") == 0;
    found->plugin = found->plugin || strcmp(key, "plugin") == 0;
    found->section = found->section || line[strspn(line, " \t")] == '[';
    if (key[0] != '\0' && strchr(key, '.') == NULL &&
        schema_find("route", key) == NULL && is_for_plugin(plugin, key)) {
        buf_addf(text, "%s.", plugin->name);
    }
    buf_add(text, line, len);
    buf_adds(text, "\n");
}

/* One line of ours, then the given ones, so that the lines of a problem can be
 * told. False: kit_why was called. */
static bool write_text(struct buf *text, const bay_plugin *plugin,
                       const char *options, const char *path)
{
    struct found found = { 0 };

    buf_adds(text, "[route.test]\n");
    while (options != NULL && *options != '\0') {
        size_t len = strcspn(options, "\n");

        add_line(text, plugin, options, len, &found);
        options += len + (options[len] == '\n');
    }
    if (found.section) {
        kit_why(FILE_NAME
                ": no [section] can be among them: they are the lines "
                "of one, [route.test]");
        return false;
    }
    if (found.plugin) {
        kit_why(FILE_NAME ": plugin cannot be among them: it is the one that "
                          "was given");
        return false;
    }
    buf_addf(text, "plugin = %s\n", plugin->name);
    if (!found.path && path != NULL) {
        buf_addf(text, "path = %s\n", path);
    } else if (!found.path) {
        buf_addf(text, "path = /%s\n", plugin->name);
    }
    if (!found.slow_hook) {
        buf_adds(text, SLOW_HOOK);
    }
    return true;
}

/* As it is, but for the number of a line in it: "..., first on line 3". */
static void add_problem(struct buf *text, const char *problem)
{
    static const char label[] = "first on line ";
    const char *at = strstr(problem, label);

    if (at == NULL) {
        buf_adds(text, problem);
    } else {
        at += sizeof label - 1;
        buf_add(text, problem, (size_t)(at - problem));
        buf_addf(text, "%d", atoi(at) - 1);
        buf_adds(text, at + strspn(at, "0123456789"));
    }
}

static void tell(struct problems *problems)
{
    struct buf text = { 0 };

    problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];

        buf_addf(&text, "%s", i > 0 ? "\n" : "");
        if (problem->line > 1) {
            buf_addf(&text, "%s:%d: ", FILE_NAME, problem->line - 1);
        }
        add_problem(&text, problem->text);
    }
    kit_why("%s", text.data != NULL ? text.data : "out of memory");
    buf_free(&text);
}

struct kit_setting *kit_setting_create(struct kit_code *code,
                                       const char *options, const char *path)
{
    struct problems problems = { 0 };
    struct buf text = { 0 };
    struct kit_setting *setting;
    struct options *values = NULL;
    struct conf *conf;

    if (!write_text(&text, &code->plugin, options, path)) {
        buf_free(&text);
        return NULL;
    }
    conf = conf_load_text(FILE_NAME, text.data, text.len, &problems);
    buf_free(&text);
    if (conf != NULL) {
        /* Looked at here, so that a reload is refused before it begins. */
        values =
            options_resolve(&code->plugin, conf, &conf->routes[0], &problems);
    }
    if (values == NULL) {
        tell(&problems);
        problems_free(&problems);
        conf_free(conf);
        return NULL;
    }
    options_free(values);
    problems_free(&problems);
    setting = kit_alloc(sizeof *setting);
    setting->refs = 1;
    setting->code = code;
    setting->conf = conf;
    code->refs++;
    return setting;
}

void kit_setting_unref(void *arg)
{
    struct kit_setting *setting = arg;

    if (setting != NULL && --setting->refs == 0) {
        kit_code_unref(setting->code);
        conf_free(setting->conf);
        free(setting);
    }
}

struct core_route kit_core_route(struct kit_setting *setting)
{
    const struct conf_route *conf = &setting->conf->routes[0];
    const bay_plugin *plugin = &setting->code->plugin;
    struct problems problems = { 0 };
    struct core_route route = {
        .conf = conf,
        .plugin = plugin,
        .code = setting->code->id,
        .options = options_resolve(plugin, setting->conf, conf, &problems),
        .release = kit_setting_unref,
        .arg = setting,
    };

    problems_free(&problems); /* there are none: it was tried before */
    setting->refs++;
    return route;
}
