/* cmd_help.c - patchbay help: what there is, and how one command is used */
#include <stdio.h>

#include "cli/cli.h"

void cli_print_usage(FILE *out)
{
    fprintf(out, "patchbay - WebSocket plugins served from an INI file\n"
                 "\n"
                 "usage: patchbay COMMAND [-c FILE] [--json]\n"
                 "\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const struct cli_command *command = cli_commands[i];
        char name[32];

        snprintf(name, sizeof name, "%s %s", command->name,
                 command->operand != NULL ? command->operand : "");
        fprintf(out, "  %-14s %s\n", name, command->summary);
    }
    fprintf(out,
            "\n"
            "  -c FILE        the configuration; default " CLI_DEFAULT_FILE "\n"
            "  --json         print JSON, for programs\n"
            "\n"
            "Exit status: 0 done, 1 failed, 2 usage, 3 configuration, 4 not "
            "running.\n"
            "More on one command: patchbay help COMMAND\n");
}

static void print_command(const struct cli_command *command)
{
    printf("usage: patchbay %s", command->name);
    if (command->operand != NULL) {
        printf(command->operand_optional ? " [%s]" : " %s", command->operand);
    }
    printf("%s%s%s%s\n\n",
           (command->takes & CLI_TAKES_FILE) != 0 ? " [-c FILE]" : "",
           (command->takes & CLI_TAKES_LIMIT) != 0 ? " [--limit N]" : "",
           (command->takes & CLI_TAKES_JSON) != 0 ? " [--json]" : "",
           (command->takes & CLI_TAKES_KEYS) != 0 ? " [--keys]" : "");
    printf("%s: %s\n", command->name, command->summary);
    if (command->help[0] != 0) {
        printf("\n%s", command->help);
    }
    if ((command->takes & CLI_TAKES_FILE) != 0) {
        printf("\nWithout -c the configuration is " CLI_DEFAULT_FILE ".\n");
    }
}

static int run(const struct cli_call *call)
{
    const char *names[64] = { NULL };
    const struct cli_command *command;

    if (call->operand == NULL) {
        cli_print_usage(stdout);
        return CLI_DONE;
    }
    command = cli_find(call->operand);
    if (command == NULL) {
        for (size_t i = 0; cli_commands[i] != NULL; i++) {
            names[i] = cli_commands[i]->name;
        }
        return cli_unknown(NULL, "command", call->operand, names);
    }
    print_command(command);
    return CLI_DONE;
}

const struct cli_command cmd_help = {
    .name = "help",
    .operand = "COMMAND",
    .operand_optional = true,
    .takes = 0,
    .summary = "explain a command",
    .help = "",
    .run = run,
};
