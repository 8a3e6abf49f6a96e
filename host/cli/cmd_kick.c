/* cmd_kick.c - patchbay kick: close one connection */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli_call *call)
{
    const char *id = cli_operand(call, 0);
    json_t *answer;
    int status;

    if (strspn(id, "0123456789") != strlen(id) || strlen(id) > 20) {
        return cli_misused(call->command,
                           "kick takes the ID of a connection, a number, not "
                           "\"%s\"",
                           id);
    }
    status = client_ask(call, json_pack("{s:s, s:s}", "do", "kick", "conn", id),
                        &answer);
    if (status == CLI_DONE && !cli_flag(call, "json")) {
        printf("closed %s\n", id);
    }
    json_decref(answer);
    return status;
}

const struct cli_command cmd_kick = {
    .name = "kick",
    .options = cli_asking,
    .operands = { "ID", 1, 1 },
    .summary = "close a connection",
    .help = "Closes it with 1008. `patchbay conns` tells the IDs.\n",
    .run = run,
};
