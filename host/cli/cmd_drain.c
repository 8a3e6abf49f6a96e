/* cmd_drain.c - patchbay drain: end when the clients have gone */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"

static void told(const json_t *answer)
{
    printf("waiting for %d connections\n",
           (int)json_integer_value(json_object_get(answer, "connections")));
    fflush(stdout);
}

static int run(const struct cli_call *call)
{
    int status =
        client_ask_to_end(call, json_pack("{s:s}", "do", "drain"), told);

    if (status == CLI_DONE && !cli_flag(call, "json")) {
        printf("ended\n");
    }
    return status;
}

const struct cli_command cmd_drain = {
    .name = "drain",
    .options = cli_asking,
    .summary = "end it, but let the clients go first",
    .help = "No one is let in any more, the clients are told to go (1001), and "
            "waited for at\n"
            "most [server] drain. The same as the signal TERM. Returns when "
            "the host has\n"
            "ended.\n",
    .run = run,
};
