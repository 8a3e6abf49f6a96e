/* setting.c - from lines of options to the configuration of one route */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
};

/* A line as it is, but for an option of the plugin that was written without
 * the plugin's name. */
static void add_line(struct buf *text, const bay_plugin *plugin,
                     const char *line, size_t len, struct found *found)
{
    size_t blanks = strspn(line, " \t");
    char key[128] = "";
    size_t key_len;

    if (blanks < len) {
        key_len = strcspn(line + blanks, " \t=\n");
        if (key_len < sizeof key) {
            memcpy(key, line + blanks, key_len);
            key[key_len] = '\0';
        }
    }
    found->path = found->path || strcmp(key, "path") == 0;
    found->slow_hook = found->slow_hook || strcmp(key, "slow_hook") == 0;
    if (key[0] != '\0' && strchr("#;[", key[0]) == NULL &&
        strchr(key, '.') == NULL && schema_find("route", key) == NULL &&
        is_for_plugin(plugin, key)) {
        buf_addf(text, "%s.", plugin->name);
    }
    buf_add(text, line, len);
    buf_adds(text, "\n");
}

/* One line of ours, then the given ones, so that the lines of a problem can be
 * told. */
static void write_text(struct buf *text, const bay_plugin *plugin,
                       const char *options, const char *path)
{
    struct found found = { 0 };

    buf_adds(text, "[route.test]\n");
    while (options != NULL && *options != '\0') {
        size_t len = strcspn(options, "\n");

        add_line(text, plugin, options, len, &found);
        options += len + (options[len] == '\n');
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
    /* Numbers, so that no name is looked up. */
    buf_adds(text, "[server]\nlisten = 127.0.0.1:9501\nworkers = 1\n");
}

static struct conf *load(struct buf *text, struct problems *problems)
{
    char path[] = "/tmp/patchbay-test-XXXXXX";
    int fd = mkstemp(path);
    struct conf *conf = NULL;

    if (fd >= 0) {
        if (write(fd, text->data, text->len) == (ssize_t)text->len) {
            conf = conf_load(path, problems);
        }
        close(fd);
        unlink(path);
    }
    return conf;
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
        buf_adds(&text, problem->text);
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

    write_text(&text, &code->plugin, options, path);
    conf = load(&text, &problems);
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
