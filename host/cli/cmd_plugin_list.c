/* cmd_plugin_list.c - patchbay plugin list: what is in the folder */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/look.h"
#include "cli/table.h"

static int is_plugin(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 3 && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + len - 3, ".so") == 0;
}

static const char *text(const json_t *about, const char *key)
{
    const char *value = json_string_value(json_object_get(about, key));

    return value != NULL ? value : "";
}

static const char *or_dash(const char *text)
{
    return *text != 0 ? text : "-";
}

static void print(const json_t *plugins)
{
    struct table table = { .heads = { "NAME", "VERSION", "ABI", "SUMMARY" } };
    const json_t *about;
    size_t i;

    json_array_foreach(plugins, i, about)
    {
        struct buf last = { 0 };

        if (json_is_true(json_object_get(about, "ok"))) {
            buf_adds(&last, text(about, "summary"));
        } else {
            buf_addf(&last, "refused: %s", text(about, "why"));
        }
        table_text(&table, text(about, "name"));
        table_text(&table, or_dash(text(about, "version")));
        table_text(&table, or_dash(text(about, "abi")));
        table_text(&table, last.data != NULL ? last.data : "");
        buf_free(&last);
    }
    table_print(&table, stdout);
}

/* The names are joined to their folder. */
static char **join(const char *dir, struct dirent **entries, int count)
{
    char **files = calloc((size_t)count + 1, sizeof *files);

    for (int i = 0; files != NULL && i < count; i++) {
        if (asprintf(&files[i], "%s/%s", dir, entries[i]->d_name) < 0) {
            files[i] = NULL;
        }
    }
    return files;
}

static int list(const struct cli_call *call, const struct folder *folder,
                struct dirent **entries, int count)
{
    char **files = join(folder->path, entries, count);
    json_t *plugins = files != NULL
                          ? look_at((const char *const *)files, (size_t)count,
                                    false, folder->user)
                          : NULL;
    json_t *whole;

    for (int i = 0; files != NULL && i < count; i++) {
        free(files[i]);
    }
    free(files);
    if (plugins == NULL) {
        return CLI_FAILED;
    }
    if (cli_flag(call, "json")) {
        whole =
            json_pack("{s:s, s:O}", "dir", folder->path, "plugins", plugins);
        (void)cli_put_json(whole);
        json_decref(whole);
    } else if (count == 0) {
        printf("no plugins in %s\n", folder->path);
    } else {
        print(plugins);
    }
    json_decref(plugins);
    return CLI_DONE;
}

static int run(const struct cli_call *call)
{
    struct folder folder;
    struct dirent **entries;
    int status = folder_find(&folder, call);
    int count;

    if (status == CLI_DONE) {
        count = scandir(folder.path, &entries, is_plugin, alphasort);
        if (count < 0) {
            fprintf(stderr, "patchbay: cannot read the folder %s: %s\n",
                    folder.path, strerror(errno));
            status = CLI_FAILED;
        } else {
            status = list(call, &folder, entries, count);
            for (int i = 0; i < count; i++) {
                free(entries[i]);
            }
            free(entries);
        }
    }
    folder_finish(&folder);
    return status;
}

static const struct cli_option options[] = {
    CLI_OPTION_CONFIG,
    FOLDER_OPTION_DIR,
    CLI_OPTION_JSON,
    CLI_OPTIONS_END,
};

const struct cli_command cmd_plugin_list = {
    .name = "plugin list",
    .options = options,
    .summary = "list the plugins of a folder",
    .help = "Shows name, version, ABI and summary of each .so file there, or "
            "why a host\n"
            "refuses it.\n"
            "\n"
            "Exit status: 0 listed, refused ones or not; 1 the folder cannot "
            "be read; 3 the\n"
            "configuration cannot.\n",
    .run = run,
};
