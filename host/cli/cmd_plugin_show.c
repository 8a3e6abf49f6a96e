/* cmd_plugin_show.c - patchbay plugin show: one plugin, and how to use it */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/look.h"
#include "cli/table.h"

#define INDENT     13 /* of what stands behind a label */
#define WIDTH      80
#define MOST_NAMES 256

static const char *text(const json_t *about, const char *key)
{
    const char *value = json_string_value(json_object_get(about, key));

    return value != NULL ? value : "";
}

/* ---- print ------------------------------------------------------------- */

static void print_label(const char *label)
{
    printf("%-*s", INDENT, label);
}

/* Words, in as many lines as they take. */
static void print_wrapped(const char *label, const char *words)
{
    size_t column = INDENT;

    print_label(label);
    while (*words != 0) {
        size_t len = strcspn(words, " ");

        if (column > INDENT && column + 1 + len > WIDTH) {
            printf("\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)len, words);
        column += len;
        words += len;
        words += strspn(words, " ");
    }
    putchar('\n');
}

static void print_list(const char *label, const json_t *list)
{
    struct buf words = { 0 };
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        buf_addf(&words, "%s%s", i > 0 ? ", " : "", json_string_value(item));
    }
    print_wrapped(label, words.data != NULL ? words.data : "none");
    buf_free(&words);
}

static void print_head(const json_t *about)
{
    const char *summary = text(about, "summary");
    char size[32];

    printf("%s %s%s%s\n\n", text(about, "name"), text(about, "version"),
           *summary != 0 ? ": " : "", summary);
    print_label("file");
    table_put_safe(text(about, "file"), stdout);
    putchar('\n');
    print_label("");
    printf(
        "%s bytes, hash %s\n",
        units_format_bytes(json_integer_value(json_object_get(about, "size")),
                           size, sizeof size),
        text(about, "hash"));
    print_label("ABI");
    printf("%s\n", text(about, "abi"));
    print_label("workers");
    puts(strcmp(text(about, "workers"), "one") == 0
             ? "one only: set workers = 1 in [server]"
             : "as many as [server] workers says");
    print_label("messages");
    puts(strcmp(text(about, "messages"), "whole") == 0
             ? "whole"
             : "in pieces, as they arrive");
    print_list("hooks", json_object_get(about, "hooks"));
    print_list("subprotocols", json_object_get(about, "subprotocols"));
    print_wrapped("reload", text(json_object_get(about, "reload"), "text"));
}

static void print_options(const json_t *about)
{
    struct table table = { .heads = { "OPTION", "TYPE", "RANGE", "DEFAULT",
                                      "HELP" } };
    const json_t *options = json_object_get(about, "options");
    const json_t *option;
    size_t i;

    if (json_array_size(options) == 0) {
        puts("\nIt has no options.");
        return;
    }
    printf("\nOptions, as %s.NAME in a [route.*] section, or as NAME in "
           "[plugin.%s]:\n\n",
           text(about, "name"), text(about, "name"));
    json_array_foreach(options, i, option)
    {
        table_text(&table, text(option, "name"));
        table_text(&table, text(option, "type"));
        table_text(&table, text(option, "range"));
        table_text(&table, json_is_true(json_object_get(option, "required"))
                               ? "(required)"
                               : text(option, "default"));
        table_text(&table, text(option, "help"));
    }
    table_print(&table, stdout);
}

static void print_routes(const json_t *about, const char *file)
{
    struct table table = { .heads = { "ROUTE", "PATH" } };
    const json_t *routes = json_object_get(about, "routes");
    const json_t *route;
    size_t i;

    if (routes == NULL) {
        return;
    }
    if (json_array_size(routes) == 0) {
        printf("\nNo route of %s uses it.\n", file);
        return;
    }
    printf("\nRoutes of %s that use it:\n\n", file);
    json_array_foreach(routes, i, route)
    {
        table_text(&table, text(route, "route"));
        table_text(&table, text(route, "path"));
    }
    table_print(&table, stdout);
}

/* ---- find -------------------------------------------------------------- */

static bool is_file_name(const char *operand)
{
    size_t len = strlen(operand);

    return strchr(operand, '/') != NULL ||
           (len > 3 && strcmp(operand + len - 3, ".so") == 0);
}

static void add_routes(json_t *about, const struct conf *conf)
{
    json_t *list = json_array();

    for (size_t i = 0; i < conf->route_count; i++) {
        const struct conf_route *route = &conf->routes[i];

        if (route->plugin != NULL && route->path != NULL &&
            strcmp(route->plugin, text(about, "name")) == 0) {
            json_array_append_new(list,
                                  json_pack("{s:s, s:s}", "route", route->name,
                                            "path", route->path));
        }
    }
    json_object_set_new(about, "routes", list);
}

/* The nearest name of a plugin in the folder; freed by the caller. */
static char *find_nearest(const char *dir, const char *name)
{
    char *names[MOST_NAMES + 1] = { NULL };
    DIR *folder = opendir(dir);
    const struct dirent *entry;
    const char *nearest;
    char *found = NULL;
    size_t count = 0;

    while (folder != NULL && count < MOST_NAMES &&
           (entry = readdir(folder)) != NULL) {
        if (is_file_name(entry->d_name)) {
            names[count] = look_name(entry->d_name);
            count += names[count] != NULL;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    nearest = units_nearest(name, (const char *const *)names);
    if (nearest != NULL) {
        found = strdup(nearest);
    }
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    return found;
}

static void say_refused(const json_t *about, const struct folder *folder)
{
    const char *why = text(about, "why");

    fprintf(stderr, "patchbay: %s %s\n", text(about, "file"), why);
    if (strstr(why, "No such file") != NULL && folder->path != NULL) {
        char *nearest = find_nearest(folder->path, text(about, "name"));

        if (nearest != NULL) {
            fprintf(stderr, "patchbay: did you mean \"%s\"?\n", nearest);
        }
        free(nearest);
    }
}

static int show(const struct cli_call *call, const struct folder *folder,
                const char *file)
{
    json_t *list = look_at(&file, 1, false, folder->user);
    json_t *about = json_array_get(list, 0);
    bool ok = json_is_true(json_object_get(about, "ok"));

    if (list == NULL) {
        return CLI_FAILED;
    }
    if (folder->conf != NULL) {
        add_routes(about, folder->conf);
    }
    if (cli_flag(call, "json")) {
        (void)cli_put_json(about);
    } else if (!ok) {
        say_refused(about, folder);
    } else {
        print_head(about);
        print_options(about);
        print_routes(about, folder->conf != NULL ? folder->conf->file : "");
    }
    json_decref(list);
    return ok ? CLI_DONE : CLI_FAILED;
}

static int run(const struct cli_call *call)
{
    const char *operand = cli_operand(call, 0);
    struct buf file = { 0 };
    struct folder folder;
    int status = folder_find(&folder, call);

    if (status == CLI_DONE) {
        if (is_file_name(operand)) {
            buf_adds(&file, operand);
        } else {
            buf_addf(&file, "%s/%s.so", folder.path, operand);
        }
        status = file.failed ? CLI_FAILED : show(call, &folder, file.data);
    }
    buf_free(&file);
    folder_finish(&folder);
    return status;
}

static const struct cli_option options[] = {
    CLI_OPTION_CONFIG,
    FOLDER_OPTION_DIR,
    CLI_OPTION_JSON,
    CLI_OPTIONS_END,
};

const struct cli_command cmd_plugin_show = {
    .name = "plugin show",
    .options = options,
    .operands = { "NAME", 1, 1 },
    .summary = "show a plugin's options and what it does",
    .help = "NAME is a plugin of the folder, or the path of a .so file. Shows "
            "its hooks, its\n"
            "subprotocols, what becomes of open connections when it is "
            "reloaded, its options\n"
            "with their ranges and defaults, and the routes of the "
            "configuration that use it.\n"
            "\n"
            "Exit status: 0 shown; 1 it is refused, or not there; 3 the "
            "configuration cannot\n"
            "be read.\n",
    .run = run,
};
