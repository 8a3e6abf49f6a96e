/* cmd_unquarantine.c - patchbay unquarantine: let a plugin serve again */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli_call *call)
{
    const char *plugin = cli_operand(call, 0);
    json_t *answer;
    int status = client_ask(
        call, json_pack("{s:s, s:s}", "do", "unquarantine", "plugin", plugin),
        &answer);

    if (status == CLI_DONE && !cli_flag(call, "json")) {
        printf("%s serves again\n", plugin);
    }
    json_decref(answer);
    return status;
}

const struct cli_command cmd_unquarantine = {
    .name = "unquarantine",
    .options = cli_asking,
    .operands = { "PLUGIN", 1, 1 },
    .summary = "let a plugin serve again that was stopped for its crashes",
    .help = "A plugin that ends too many workers is quarantined: its routes "
            "answer 503, see\n"
            "crash_limit. This lets it begin anew, and forgets which messages "
            "it crashed at. A\n"
            "reload that brings another file of the plugin does so as well. "
            "`patchbay status`\n"
            "tells which plugins are quarantined, and why.\n",
    .run = run,
};
