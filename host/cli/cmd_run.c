/* cmd_run.c - patchbay run: serve, in the foreground */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "proc/check.h"
#include "proc/master.h"
#include "proc/reason.h"

static int run(const struct cli_call *call)
{
    struct problems problems = { 0 };
    struct conf *conf = check_load(cli_file(call), &problems);
    char why[REASON_SIZE];
    int status = CLI_DONE;

    if (conf == NULL) {
        problems_print(&problems, stderr);
        problems_free(&problems);
        return CLI_CONFIGURATION;
    }
    if (master_run(conf, why, sizeof why) < 0) {
        /* Who started it looks at the terminal, not at the log. */
        if (strcmp(conf->log_file, "-") != 0) {
            fprintf(stderr, "patchbay: %s\n", why);
        }
        status = CLI_FAILED;
    }
    conf_free(conf);
    return status;
}

static const struct cli_option options[] = {
    CLI_OPTION_CONFIG,
    CLI_OPTIONS_END,
};

const struct cli_command cmd_run = {
    .name = "run",
    .options = options,
    .summary = "serve, in the foreground",
    .help =
        "Checks the configuration as `patchbay check` does and serves until "
        "it is told to\n"
        "end. The line `listening on ...` tells that it is ready.\n"
        "\n"
        "  TERM   clients are told to go, and waited for; a second one: "
        "as INT\n"
        "  INT    end now\n"
        "  HUP    reload\n"
        "  USR1   open the log file again\n"
        "\n"
        "Exit status: 0 ended as told, 1 failed, 3 the configuration is "
        "wrong.\n",
    .run = run,
};
