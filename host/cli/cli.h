/* cli.h - a command of the command line: one entry, one file */
#ifndef PATCHBAY_CLI_CLI_H
#define PATCHBAY_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
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

/* One option of a command: --name VALUE, --name=VALUE, or --name for a switch;
 * -l in the place of --name if it has a letter. Of one that is given several
 * times the last value counts, unless the command asks for all of them. */
struct cli_option {
    const char *name;  /* without the dashes; NULL ends a table */
    char letter;       /* 0: none */
    const char *value; /* "FILE": what it takes; NULL: it is a switch */
    bool repeatable;   /* the command asks for all of them */
    const char *help;  /* one line */
};

/* Options that several commands take, for a table of their own; and that of
 * the commands which ask the host that runs: these two. */
#define CLI_OPTION_CONFIG                                  \
    {                                                      \
        "config", 'c', "FILE", false,                      \
            "the configuration; default " CLI_DEFAULT_FILE \
    }
#define CLI_OPTION_JSON                                    \
    {                                                      \
        "json", 0, NULL, false, "print JSON, for programs" \
    }
#define CLI_OPTIONS_END            \
    {                              \
        NULL, 0, NULL, false, NULL \
    }
extern const struct cli_option cli_asking[];

struct cli_call;
struct json_t;

struct cli_command {
    const char *name; /* of a sub-command: both words, "plugin list" */
    /* Every command takes -h and --help beside these. NULL: none. */
    const struct cli_option *options;
    struct {
        const char *names; /* for the usage: "ID", "[NAME]"; NULL: none */
        size_t min;
        size_t max;
    } operands;
    /* Ends with NULL; a command that has these has nothing but them, a name, a
     * summary and a help. NULL: none. */
    const struct cli_command *const *commands;
    const char *summary; /* one line */
    const char *help;    /* the rest, in lines */
    int (*run)(const struct cli_call *call);
};

/* What was typed: filled in by parse_words, read by the calls below. */
struct cli_call {
    const struct cli_command *command;
    struct cli_given *given;
    size_t given_count;
    const char **operands;
    size_t operand_count;
};

struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL: a switch */
};

/* The names are those of the command's table, without dashes. */
bool cli_flag(const struct cli_call *call, const char *name);
/* The last value given, or NULL. */
const char *cli_option(const struct cli_call *call, const char *name);
/* All values, in order: *at is 0 at first. NULL: there is no other. */
const char *cli_next(const struct cli_call *call, const char *name, size_t *at);
/* A number, left as it is if the option is not given. CLI_DONE; or CLI_USAGE,
 * the range having been explained. */
int cli_number(const struct cli_call *call, const char *name, int64_t min,
               int64_t max, int64_t *value);
/* NULL if there are not so many. */
const char *cli_operand(const struct cli_call *call, size_t index);
/* The configuration file: --config, or the default. */
const char *cli_file(const struct cli_call *call);

/* Prints it in one line, with what could move a terminal escaped. CLI_DONE, or
 * CLI_FAILED: out of memory. */
int cli_put_json(const struct json_t *value);

/* By the last word of its name, in a list that ends with NULL; or NULL. */
const struct cli_command *cli_find(const struct cli_command *const *commands,
                                   const char *word);
/* That last word. */
const char *cli_word(const struct cli_command *command);

/* Prints "patchbay: ..." and where to read more. Returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int
cli_misused(const struct cli_command *command, const char *format, ...);

/* Likewise for a word that stands for nothing, with the nearest that does. */
int cli_unknown(const struct cli_command *command, const char *what,
                const char *word, const char *const *known);
/* Likewise for a command's name; of: the one whose sub-command it is, or NULL.
 */
int cli_unknown_command(const struct cli_command *of,
                        const struct cli_command *const *commands,
                        const char *word);

/* Ends with NULL; the order is that of the usage. */
extern const struct cli_command *const cli_commands[];

/* What there is; and how one command is used. */
void cli_print_usage(FILE *out);
void cli_print_help(const struct cli_command *command, FILE *out);

extern const struct cli_command cmd_check, cmd_conns, cmd_crashes, cmd_drain,
    cmd_help, cmd_kick, cmd_log, cmd_plugin, cmd_plugin_check, cmd_plugin_list,
    cmd_plugin_show, cmd_talk, cmd_dev, cmd_new, cmd_reload, cmd_routes,
    cmd_run, cmd_status, cmd_stop, cmd_unquarantine, cmd_version;

#endif
