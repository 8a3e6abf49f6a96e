/* cmd_reload.c - patchbay reload: take up changes of the configuration */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli_call *call)
{
    json_t *answer;
    int status = client_ask(call, json_pack("{s:s}", "do", "reload"), &answer);
    const char *problems =
        json_string_value(json_object_get(answer, "problems"));

    if (problems != NULL && *problems != 0) {
        status = CLI_CONFIGURATION;
    }
    json_decref(answer);
    return status;
}

const struct cli_command cmd_reload = {
    .name = "reload",
    .options = cli_asking,
    .summary = "check the configuration; taking it up is not there yet",
    .help = "The host checks its file and prints what is wrong. To reload with "
            "live\n"
            "connections comes with a later version: restart to take up "
            "changes.\n"
            "\n"
            "Exit status: 1 nothing is wrong, but nothing was taken up either; "
            "3 something\n"
            "is wrong.\n",
    .run = run,
};
