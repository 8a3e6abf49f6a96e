/* cmd_routes.c - patchbay routes: each route and what went through it */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

static const struct {
    const char *head;
    const char *key;
} numbers[] = {
    { "OPEN", "connections" },      { "OLD CODE", "outdated" },
    { "ACCEPTED", "accepted" },     { "REFUSED", "refused" },
    { "IN", "messages_in" },        { "OUT", "messages_out" },
    { "DROPPED", "dropped" },       { "PROTOCOL", "protocol_errors" },
    { "TIMEOUTS", "timeouts" },     { "HOOK ERRORS", "hook_errors" },
    { "SLOW HOOKS", "slow_hooks" }, { "CRASHES", "crashes" },
};

#define NUMBERS (sizeof numbers / sizeof numbers[0])

static void print(const json_t *answer)
{
    struct table table = { .heads = { "ROUTE", "PATH", "PLUGIN" } };
    char plugin[128];
    const json_t *route;
    size_t i;

    for (size_t k = 0; k < NUMBERS; k++) {
        table.heads[3 + k] = numbers[k].head;
    }
    json_array_foreach(json_object_get(answer, "routes"), i, route)
    {
        table_text(&table, json_string_value(json_object_get(route, "route")));
        table_text(&table, json_string_value(json_object_get(route, "path")));
        snprintf(plugin, sizeof plugin, "%s%s",
                 json_string_value(json_object_get(route, "plugin")),
                 json_is_true(json_object_get(route, "quarantined"))
                     ? " (quarantined)"
                     : "");
        table_text(&table, plugin);
        for (size_t k = 0; k < NUMBERS; k++) {
            table_number(&table, json_integer_value(
                                     json_object_get(route, numbers[k].key)));
        }
    }
    table_print(&table, stdout);
}

static int run(const struct cli_call *call)
{
    json_t *answer;
    int status = client_ask(call, json_pack("{s:s}", "do", "routes"), &answer);

    if (status == CLI_DONE && !cli_flag(call, "json")) {
        print(answer);
    }
    json_decref(answer);
    return status;
}

const struct cli_command cmd_routes = {
    .name = "routes",
    .options = cli_asking,
    .summary = "show each route and its counters",
    .help =
        "OLD CODE counts the open connections that a replaced version of the "
        "plugin still\n"
        "serves; IN and OUT count messages; PROTOCOL counts connections closed "
        "with "
        "1002, 1007\n"
        "or 1009. More numbers come with --json.\n",
    .run = run,
};
