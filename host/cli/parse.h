/* parse.h - from the words of a command line to a call of a command */
#ifndef PATCHBAY_CLI_PARSE_H
#define PATCHBAY_CLI_PARSE_H

#include "cli/cli.h"

enum parse_result {
    PARSE_CALL = 1, /* run it */
    PARSE_HELP = 2, /* call->command is to be explained */
    PARSE_WRONG = 3 /* it was said why */
};

/*
 * Reads the words behind the command's own. Sub-commands are gone into:
 * call->command is the one that is meant. "--" ends the options; the word
 * behind an option that takes a value is its value, whatever it begins with.
 * The call borrows the words; end it with parse_finish, whatever came out.
 */
enum parse_result parse_words(struct cli_call *call,
                              const struct cli_command *command, int count,
                              char **words);
void parse_finish(struct cli_call *call);

#endif
