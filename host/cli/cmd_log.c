/* cmd_log.c - patchbay log: change the level of the log */
#include <stdio.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"

static int run(const struct cli_call *call)
{
    static const char *const levels[] = { "error", "warn", "info", "debug",
                                          NULL };
    const char *level = cli_operand(call, 0);
    json_t *answer;
    int status;

    if (log_level_parse(level) == 0) {
        return cli_unknown(call->command, "level", level, levels);
    }
    status = client_ask(
        call, json_pack("{s:s, s:s}", "do", "log", "level", level), &answer);
    if (status == CLI_DONE && !cli_flag(call, "json")) {
        printf("log level %s\n", level);
        client_warn_missing(answer);
    }
    json_decref(answer);
    return status;
}

const struct cli_command cmd_log = {
    .name = "log",
    .options = cli_asking,
    .operands = { "LEVEL", 1, 1 },
    .summary = "change what is logged: error, warn, info or debug",
    .help = "Holds until the host ends.\n",
    .run = run,
};
