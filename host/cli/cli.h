/* cli.h - a command of the command line: one entry, one file */
#ifndef PATCHBAY_CLI_CLI_H
#define PATCHBAY_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_DEFAULT_FILE "/etc/patchbay/patchbay.ini"

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_CONFIGURATION = 3,
    CLI_NOT_RUNNING = 4
};

/* Which options a command takes, beside --help. */
enum cli_takes {
    CLI_TAKES_FILE = 1,
    CLI_TAKES_JSON = 2,
    CLI_TAKES_LIMIT = 4,
    CLI_TAKES_KEYS = 8
};

struct cli_call;

struct cli_command {
    const char *name;
    const char *operand; /* "ID"; NULL: none */
    bool operand_optional;
    unsigned takes;
    const char *summary; /* one line */
    const char *help;    /* the rest, in lines */
    int (*run)(const struct cli_call *call);
};

/* What was typed. */
struct cli_call {
    const struct cli_command *command;
    const char *operand; /* NULL: none */
    const char *file;
    bool json;
    bool keys;
    int64_t limit; /* 0: not given */
};

/* Ends with NULL; the order is that of the usage. */
extern const struct cli_command *const cli_commands[];

const struct cli_command *cli_find(const char *name);

/* What there is. */
void cli_print_usage(FILE *out);

/* Prints "patchbay: ..." and where to read more. Returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int
cli_misused(const struct cli_command *command, const char *format, ...);

/* Likewise for a word that stands for nothing, with the nearest that does. */
int cli_unknown(const struct cli_command *command, const char *what,
                const char *word, const char *const *known);

extern const struct cli_command cmd_check, cmd_conns, cmd_drain, cmd_help,
    cmd_kick, cmd_log, cmd_reload, cmd_routes, cmd_run, cmd_status, cmd_stop,
    cmd_version;

#endif
