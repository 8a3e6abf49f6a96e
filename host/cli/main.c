/* main.c - the program: finds the command and reads its options */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/cli.h"

const struct cli_command *const cli_commands[] = {
    &cmd_run,     &cmd_check, &cmd_status, &cmd_routes, &cmd_conns,
    &cmd_kick,    &cmd_log,   &cmd_reload, &cmd_drain,  &cmd_stop,
    &cmd_version, &cmd_help,  NULL
};

#define COMMAND_COUNT (sizeof cli_commands / sizeof cli_commands[0] - 1)

const struct cli_command *cli_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

static void see_help(const struct cli_command *command)
{
    fprintf(stderr, "See: patchbay help%s%s\n", command != NULL ? " " : "",
            command != NULL ? command->name : "");
}

int cli_misused(const struct cli_command *command, const char *format, ...)
{
    va_list args;

    fputs("patchbay: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\n", stderr);
    see_help(command);
    return CLI_USAGE;
}

int cli_unknown(const struct cli_command *command, const char *what,
                const char *word, const char *const *known)
{
    const char *nearest = units_nearest(word, known);

    if (nearest == NULL) {
        return cli_misused(command, "unknown %s \"%s\"", what, word);
    }
    return cli_misused(command, "unknown %s \"%s\", did you mean \"%s\"?", what,
                       word, nearest);
}

/* "--name=value" or "--name value"; *at is the index of the word. NULL if the
 * word is another option, or its value is missing, and then *missing is set. */
static const char *value_of(const char *name, int argc, char **argv, int *at,
                            bool *missing)
{
    const char *word = argv[*at];
    size_t len = strlen(name);

    if (strncmp(word, name, len) != 0) {
        return NULL;
    }
    if (word[len] == '=') {
        return word + len + 1;
    }
    if (word[len] != 0) {
        return NULL;
    }
    if (*at + 1 >= argc) {
        *missing = true;
        return NULL;
    }
    return argv[++*at];
}

static int read_limit(struct cli_call *call, const char *text)
{
    if (units_parse_int(text, &call->limit) != 0 || call->limit < 1 ||
        call->limit > 100000) {
        return cli_misused(call->command,
                           "--limit takes a number from 1 to 100000, not "
                           "\"%s\"",
                           text);
    }
    return CLI_DONE;
}

/* -1: it is none of this command's options. */
static int read_option(struct cli_call *call, int argc, char **argv, int *at)
{
    unsigned takes = call->command->takes;
    const char *word = argv[*at];
    bool missing = false;
    const char *value;

    if (strcmp(word, "--json") == 0 && (takes & CLI_TAKES_JSON) != 0) {
        call->json = true;
        return CLI_DONE;
    }
    if (strcmp(word, "--keys") == 0 && (takes & CLI_TAKES_KEYS) != 0) {
        call->keys = true;
        return CLI_DONE;
    }
    if ((takes & CLI_TAKES_FILE) != 0 &&
        ((value = value_of("-c", argc, argv, at, &missing)) != NULL ||
         (value = value_of("--config", argc, argv, at, &missing)) != NULL)) {
        call->file = value;
        return CLI_DONE;
    }
    if (!missing && (takes & CLI_TAKES_LIMIT) != 0 &&
        (value = value_of("--limit", argc, argv, at, &missing)) != NULL) {
        return read_limit(call, value);
    }
    if (missing) {
        return cli_misused(call->command, "%s takes a value", word);
    }
    return -1;
}

static int unknown_option(const struct cli_command *command, const char *word)
{
    const char *words[8] = { "--help" };
    size_t count = 1;

    if ((command->takes & CLI_TAKES_FILE) != 0) {
        words[count++] = "-c";
        words[count++] = "--config";
    }
    if ((command->takes & CLI_TAKES_JSON) != 0) {
        words[count++] = "--json";
    }
    if ((command->takes & CLI_TAKES_LIMIT) != 0) {
        words[count++] = "--limit";
    }
    return cli_unknown(command, "option", word, words);
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_call call = { .command = command, .file = CLI_DEFAULT_FILE };
    bool options = true;

    for (int i = 0; i < argc; i++) {
        if (options && asks_for_help(argv[i])) {
            call.command = &cmd_help;
            call.operand = command->name;
            return cmd_help.run(&call);
        }
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != 0) {
            int status = read_option(&call, argc, argv, &i);

            if (status == -1) {
                return unknown_option(command, argv[i]);
            }
            if (status != CLI_DONE) {
                return status;
            }
        } else if (command->operand == NULL || call.operand != NULL) {
            return cli_misused(command, "%s: one word too many: \"%s\"",
                               command->name, argv[i]);
        } else {
            call.operand = argv[i];
        }
    }
    if (command->operand != NULL && !command->operand_optional &&
        call.operand == NULL) {
        return cli_misused(command, "%s takes %s", command->name,
                           command->operand);
    }
    return command->run(&call);
}

/* A socket that got the number of a closed standard stream would be written
 * to by whoever prints. */
static void open_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    const char *names[COMMAND_COUNT + 1] = { NULL };
    const struct cli_command *command;

    open_standard_streams();
    if (argc < 2) {
        cli_print_usage(stderr);
        return CLI_USAGE;
    }
    if (asks_for_help(argv[1])) {
        command = &cmd_help;
    } else if (strcmp(argv[1], "--version") == 0) {
        command = &cmd_version;
    } else {
        command = cli_find(argv[1]);
    }
    if (command == NULL) {
        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            names[i] = cli_commands[i]->name;
        }
        return cli_unknown(NULL, argv[1][0] == '-' ? "option" : "command",
                           argv[1], names);
    }
    return run(command, argc - 2, argv + 2);
}
