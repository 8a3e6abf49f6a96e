/* cmd_stop.c - patchbay stop: end now */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli_call *call)
{
    int status =
        client_ask_to_end(call, json_pack("{s:s}", "do", "stop"), NULL);

    if (status == CLI_DONE && !cli_flag(call, "json")) {
        printf("ended\n");
    }
    return status;
}

const struct cli_command cmd_stop = {
    .name = "stop",
    .options = cli_asking,
    .summary = "end it now",
    .help = "Connections are cut off. The same as the signal INT. Returns when "
            "the host has\n"
            "ended.\n",
    .run = run,
};
