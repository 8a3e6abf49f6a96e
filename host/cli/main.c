/* main.c - the program: finds the command and runs it */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/parse.h"

const struct cli_command *const cli_commands[] = {
    &cmd_run,     &cmd_check,        &cmd_status, &cmd_routes, &cmd_conns,
    &cmd_kick,    &cmd_log,          &cmd_reload, &cmd_drain,  &cmd_stop,
    &cmd_crashes, &cmd_unquarantine, &cmd_plugin, &cmd_new,    &cmd_dev,
    &cmd_talk,    &cmd_version,      &cmd_help,   NULL
};

static int run(const struct cli_command *command, int count, char **words)
{
    struct cli_call call;
    int status = CLI_USAGE;

    switch (parse_words(&call, command, count, words)) {
    case PARSE_CALL: status = call.command->run(&call); break;
    case PARSE_HELP:
        cli_print_help(call.command, stdout);
        status = CLI_DONE;
        break;
    case PARSE_WRONG: break;
    }
    parse_finish(&call);
    return status;
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
    const struct cli_command *command;

    open_standard_streams();
    if (argc < 2) {
        cli_print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        command = &cmd_help;
    } else if (strcmp(argv[1], "--version") == 0) {
        command = &cmd_version;
    } else {
        command = cli_find(cli_commands, argv[1]);
    }
    if (command == NULL) {
        return cli_unknown_command(NULL, cli_commands, argv[1]);
    }
    return run(command, argc - 2, argv + 2);
}
