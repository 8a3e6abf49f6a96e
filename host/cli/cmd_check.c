/* cmd_check.c - patchbay check: all errors of the configuration at once */
#include <jansson.h>
#include <stdio.h>

#include "cli/cli.h"
#include "conf/schema.h"
#include "proc/check.h"

static void print_json(const struct problems *problems)
{
    json_t *list = json_array();
    json_t *whole;

    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];

        json_array_append_new(
            list, json_pack("{s:s, s:i, s:s}", "file", problem->file, "line",
                            problem->line, "text", problem->text));
    }
    whole =
        json_pack("{s:b, s:o}", "ok", problems->count == 0, "problems", list);
    (void)cli_put_json(whole);
    json_decref(whole);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static int run(const struct cli_call *call)
{
    struct problems problems = { 0 };
    struct conf *conf;
    int status;

    if (cli_flag(call, "keys")) {
        schema_print(stdout);
        return CLI_DONE;
    }
    conf = check_load(cli_file(call), &problems);
    status = conf != NULL ? CLI_DONE : CLI_CONFIGURATION;
    problems_sort(&problems);
    if (cli_flag(call, "json")) {
        print_json(&problems);
    } else if (conf == NULL) {
        problems_print(&problems, stderr);
    } else {
        size_t plugins = check_count_plugins(conf);

        printf("ok: %zu route%s, %zu plugin%s\n", conf->route_count,
               plural(conf->route_count), plugins, plural(plugins));
    }
    problems_free(&problems);
    conf_free(conf);
    return status;
}

static const struct cli_option options[] = {
    CLI_OPTION_CONFIG,
    CLI_OPTION_JSON,
    { "keys", 0, NULL, false,
      "read no file, and print one with every key and its default" },
    CLI_OPTIONS_END,
};

const struct cli_command cmd_check = {
    .name = "check",
    .options = options,
    .summary = "print all errors of the configuration",
    .help = "Reads the file, looks at each plugin it names, and prints what is "
            "wrong, one\n"
            "line each. Starts nothing. --keys reads no file, and prints one "
            "with every\n"
            "key, its default and what it is for.\n"
            "\n"
            "Exit status: 0 all is well, 3 something is wrong.\n",
    .run = run,
};
