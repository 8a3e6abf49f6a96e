/* cmd_help.c - patchbay help: what there is, and how one command is used */
#include <stdio.h>

#include "cli/cli.h"

#define WIDTH  80
#define LABELS 40 /* the longest "-c, --config FILE" */

static void list_commands(const struct cli_command *const *commands, FILE *out)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct cli_command *command = commands[i];
        const char *operands =
            command->commands != NULL ? "COMMAND" : command->operands.names;
        char name[48];

        snprintf(name, sizeof name, "%s %s", command->name,
                 operands != NULL ? operands : "");
        fprintf(out, "  %-19s %s\n", name, command->summary);
    }
}

void cli_print_usage(FILE *out)
{
    fprintf(out, "patchbay - WebSocket plugins served from an INI file\n"
                 "\n"
                 "usage: patchbay COMMAND [-c FILE] [--json]\n"
                 "\n");
    list_commands(cli_commands, out);
    fprintf(out,
            "\n"
            "  -c FILE             the configuration; "
            "default " CLI_DEFAULT_FILE "\n"
            "  --json              print JSON, for programs\n"
            "\n"
            "Exit status: 0 done, 1 failed, 2 usage, 3 configuration, 4 not "
            "running.\n"
            "More on one command: patchbay help COMMAND\n");
}

/* " [-c FILE]", on a new line if this one is full. */
static void print_short(const struct cli_option *option, size_t indent,
                        size_t *column, FILE *out)
{
    char text[LABELS + 8];
    const char letter[] = { option->letter, 0 };
    int len = snprintf(text, sizeof text, " [%s%s%s%s]%s",
                       option->letter != 0 ? "-" : "--",
                       option->letter != 0 ? letter : option->name,
                       option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "",
                       option->repeatable ? "..." : "");

    if (*column + (size_t)len > WIDTH) {
        fprintf(out, "\n%*s", (int)indent, "");
        *column = indent;
    }
    fputs(text, out);
    *column += (size_t)len;
}

static void print_usage_line(const struct cli_command *command, FILE *out)
{
    const struct cli_option *option = command->options;
    size_t indent = (size_t)fprintf(out, "usage: patchbay %s", command->name);
    size_t column = indent;

    if (command->commands != NULL) {
        fputs(" COMMAND", out);
    }
    if (command->operands.names != NULL) {
        column += (size_t)fprintf(out, " %s", command->operands.names);
    }
    for (; option != NULL && option->name != NULL; option++) {
        print_short(option, indent, &column, out);
    }
    fputs("\n\n", out);
}

/* "-c, --config FILE" */
static int format_label(const struct cli_option *option, char *out)
{
    const char letter[] = { '-', option->letter, ',', ' ', 0 };

    return snprintf(out, LABELS, "%s--%s%s%s",
                    option->letter != 0 ? letter : "", option->name,
                    option->value != NULL ? " " : "",
                    option->value != NULL ? option->value : "");
}

static void print_options(const struct cli_option *options, FILE *out)
{
    char label[LABELS];
    int longest = 0;

    if (options == NULL || options->name == NULL) {
        return;
    }
    for (const struct cli_option *at = options; at->name != NULL; at++) {
        int len = format_label(at, label);

        longest = len > longest ? len : longest;
    }
    fputs("\n", out);
    for (const struct cli_option *at = options; at->name != NULL; at++) {
        format_label(at, label);
        fprintf(out, "  %-*s  %s\n", longest, label, at->help);
    }
}

void cli_print_help(const struct cli_command *command, FILE *out)
{
    print_usage_line(command, out);
    fprintf(out, "%s: %s\n", command->name, command->summary);
    if (command->commands != NULL) {
        fputs("\n", out);
        list_commands(command->commands, out);
    }
    print_options(command->options, out);
    if (command->help[0] != 0) {
        fprintf(out, "\n%s", command->help);
    }
    if (command->commands != NULL) {
        fprintf(out, "\nMore on one of them: patchbay help %s COMMAND\n",
                command->name);
    }
}

static int run(const struct cli_call *call)
{
    const struct cli_command *const *commands = cli_commands;
    const struct cli_command *command = NULL;

    if (call->operand_count == 0) {
        cli_print_usage(stdout);
        return CLI_DONE;
    }
    for (size_t i = 0; i < call->operand_count; i++) {
        const struct cli_command *of = command;

        if (commands == NULL) {
            return cli_misused(of, "%s has no commands of its own", of->name);
        }
        command = cli_find(commands, call->operands[i]);
        if (command == NULL) {
            return cli_unknown_command(of, commands, call->operands[i]);
        }
        commands = command->commands;
    }
    cli_print_help(command, stdout);
    return CLI_DONE;
}

const struct cli_command cmd_help = {
    .name = "help",
    .operands = { "[COMMAND]", 0, 2 },
    .summary = "explain a command",
    .help = "",
    .run = run,
};
