/* cmd_reload.c - patchbay reload: take up changes of the configuration */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "proc/outcome.h"

static void print(const json_t *outcome, FILE *out)
{
    struct buf text = { 0 };

    outcome_text(outcome, &text);
    fputs(text.failed ? "reloaded\n" : text.data, out);
    buf_free(&text);
}

static int run(const struct cli_call *call)
{
    json_t *answer;
    int status = client_ask(call, json_pack("{s:s}", "do", "reload"), &answer);
    const char *problems =
        json_string_value(json_object_get(answer, "problems"));

    if (problems != NULL && *problems != 0) {
        status = CLI_CONFIGURATION;
    } else if (json_object_get(answer, "routes") != NULL &&
               !cli_flag(call, "json")) {
        print(answer, status == CLI_DONE ? stdout : stderr);
    }
    json_decref(answer);
    return status;
}

const struct cli_command cmd_reload = {
    .name = "reload",
    .options = cli_asking,
    .summary = "take up changes of the configuration and of plugins",
    .help =
        "The host reads its file and the plugins again, and swaps them below "
        "the open\n"
        "connections. All is checked first, in a process of its own and by "
        "every worker:\n"
        "if anything is wrong, it is printed, and everything goes on as it "
        "was.\n"
        "\n"
        "Exit status: 0 it is done; 3 something is wrong with the file, a "
        "plugin, an\n"
        "option, a certificate, or a plugin is busy; 1 it cannot be done "
        "now.\n",
    .run = run,
};
