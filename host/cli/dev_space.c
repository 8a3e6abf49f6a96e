/* dev_space.c - the folder that `patchbay dev` serves from: links, INI, feed */
#include "cli/dev_space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/tree.h"
#include "cli/places.h"
#include "conf/schema.h"
#include "conf/text.h"

#define FEED_PLUGIN "devfeed"
#define FEED_PATH   "/-/dev/feed"

/* Of a text, as JSON: the plugin passes on lines of up to 64 KiB. */
#define TEXT_MAX 49152

const char *dev_name_of(const struct cli_call *call, const char *file,
                        char name[64])
{
    const char *base = strrchr(file, '/');
    size_t len;

    base = base != NULL ? base + 1 : file;
    len = strcspn(base, ".");
    if (len > 63) {
        len = 63;
    }
    memcpy(name, base, len);
    name[len] = '\0';
    if (!text_is_name(name)) {
        cli_misused(call->command,
                    "%s: a plugin's file is named after it, and its name "
                    "is " TEXT_NAME_RULE,
                    file);
        return NULL;
    }
    return name;
}

static int complain(const char *what, const char *path)
{
    fprintf(stderr, "patchbay: cannot %s %s: %s\n", what, path,
            strerror(errno));
    return -1;
}

static int link_feed(const struct dev_space *space)
{
    char *plugins = places_plugins();
    char from[512], to[192];
    int status;

    snprintf(from, sizeof from, "%s/" FEED_PLUGIN ".so",
             plugins != NULL ? plugins : "");
    snprintf(to, sizeof to, "%s/plugins/" FEED_PLUGIN ".so", space->folder);
    free(plugins);
    status = access(from, R_OK) == 0 ? symlink(from, to) : -1;
    return status == 0 ? 0 : complain("find", from);
}

int dev_space_make(struct dev_space *space)
{
    const char *parent = getenv("TMPDIR");
    char plugins[96];
    FILE *feed;

    if (parent == NULL || *parent != '/' || strlen(parent) > 32) {
        parent = "/tmp";
    }
    snprintf(space->folder, sizeof space->folder, "%s/patchbay-dev-XXXXXX",
             parent);
    if (mkdtemp(space->folder) == NULL) {
        space->folder[0] = '\0';
        return complain("make a folder in", parent);
    }
    snprintf(plugins, sizeof plugins, "%s/plugins", space->folder);
    snprintf(space->ini, sizeof space->ini, "%s/dev.ini", space->folder);
    snprintf(space->feed, sizeof space->feed, "%s/feed", space->folder);
    snprintf(space->plugin, sizeof space->plugin, "%s/%s.so", plugins,
             space->name);
    if (mkdir(plugins, 0700) != 0) {
        return complain("make", plugins);
    }
    feed = fopen(space->feed, "we");
    if (feed == NULL) {
        return complain("write", space->feed);
    }
    fclose(feed);
    return link_feed(space);
}

/* Quoted, since a # or ; would end it; the file knows no escapes. */
static int add_value(struct buf *ini, const char *set, const char *value)
{
    const char *quote = strchr(value, '"') != NULL ? "'" : "\"";

    if (strpbrk(value, "\r\n") != NULL ||
        (*quote == '\'' && strchr(value, '\'') != NULL)) {
        fprintf(stderr,
                "patchbay: --set %s: an INI file cannot hold such a value\n",
                set);
        return -1;
    }
    buf_addf(ini, "%s%s%s\n", quote, value, quote);
    return 0;
}

/* "rate=3" sets an option of the plugin, unless it is a key of any route. */
static int add_settings(struct buf *ini, const struct dev_space *space)
{
    const char *set;
    size_t at = 0;

    while ((set = cli_next(space->call, "set", &at)) != NULL) {
        const char *value = strchr(set, '=');
        char key[128];

        if (value == NULL || value == set ||
            (size_t)(value - set) >= sizeof key) {
            fprintf(stderr, "patchbay: --set takes KEY=VALUE, not \"%s\"\n",
                    set);
            return -1;
        }
        snprintf(key, sizeof key, "%.*s", (int)(value - set), set);
        if (strchr(key, '.') == NULL && schema_find("route", key) == NULL) {
            buf_addf(ini, "%s.", space->name);
        }
        buf_addf(ini, "%s = ", key);
        if (add_value(ini, set, value + 1) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_all(struct buf *ini, const struct dev_space *space,
                   bool with_plugin)
{
    char *pages = places_share("dev");
    int status = 0;

    buf_addf(ini,
             "[server]\n"
             "listen     = localhost:%u\n"
             "workers    = 1\n"
             "plugin_dir = %s/plugins\n"
             "run_dir    = %s/run\n"
             "drain      = 500ms\n"
             "[log]\n"
             "trace = %s\n"
             "[http]\n"
             "root = %s\n"
             "[route.dev-feed]\n"
             "path   = " FEED_PATH "\n"
             "plugin = " FEED_PLUGIN "\n" FEED_PLUGIN ".file = %s\n",
             space->port, space->folder, space->folder,
             cli_flag(space->call, "trace") ? "yes" : "no",
             pages != NULL ? pages : "", space->feed);
    if (with_plugin) {
        buf_addf(ini,
                 "[route.%s]\n"
                 "path   = %s\n"
                 "plugin = %s\n",
                 space->name, space->path, space->name);
        status = add_settings(ini, space);
    }
    free(pages);
    return status;
}

int dev_space_write_ini(const struct dev_space *space, bool with_plugin)
{
    struct buf ini = { 0 };
    int status = add_all(&ini, space, with_plugin);
    FILE *file = NULL;

    if (status == 0) {
        errno = ENOMEM;
        file = ini.failed ? NULL : fopen(space->ini, "we");
        if (file == NULL) {
            status = complain("write", space->ini);
        }
    }
    if (file != NULL) {
        fwrite(ini.data, 1, ini.len, file);
        fclose(file);
    }
    buf_free(&ini);
    return status;
}

/* How many bytes of a text there is room for: whole characters. */
static size_t that_fit(const char *text, size_t len)
{
    char out[JSON_CHAR_MAX];
    size_t at = 0, room = TEXT_MAX;

    while (at < len) {
        size_t used;
        size_t taken = json_char(out, text + at, len - at, &used);

        if (taken > room) {
            break;
        }
        room -= taken;
        at += used;
    }
    return at;
}

void dev_space_tell(const struct dev_space *space, const char *event,
                    const char *text)
{
    size_t len = strlen(text), fit = that_fit(text, len);
    struct buf line = { 0 };
    FILE *feed = fopen(space->feed, "ae");

    buf_addf(&line, "{\"event\":\"%s\",\"at\":%llu,\"text\":", event,
             (unsigned long long)clock_wall_ms());
    buf_add_json(&line, text, fit);
    if (fit < len) { /* within the string */
        line.len -= line.failed ? 0 : 1;
        buf_addf(&line, "\\n(%zu bytes more are in the terminal)\"", len - fit);
    }
    buf_adds(&line, ",\"plugin\":");
    buf_add_json(&line, space->name, strlen(space->name));
    buf_adds(&line, ",\"path\":");
    buf_add_json(&line, space->path, strlen(space->path));
    buf_adds(&line, "}\n");
    if (feed != NULL && !line.failed) {
        fwrite(line.data, 1, line.len, feed);
    }
    if (feed != NULL) {
        fclose(feed);
    }
    buf_free(&line);
}

void dev_space_remove(struct dev_space *space)
{
    if (space->folder[0] != '\0') {
        tree_remove(space->folder);
        space->folder[0] = '\0';
    }
}
