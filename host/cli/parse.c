/* parse.c - from the words of a command line to a call of a command */
#include "cli/parse.h"

#include <stdlib.h>
#include <string.h>

#define MOST_OPTIONS 32
#define LONGEST_LIST 256
#define LONGEST_WORD 64 /* of an option, with its dashes */

/* The words that are left. */
struct words {
    char **at;
    int left;
};

static char *take(struct words *words)
{
    words->left--;
    return *words->at++;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The option that a word names, and what stands behind its "=", or NULL. */
static const struct cli_option *find_option(const struct cli_command *command,
                                            const char *word,
                                            const char **value)
{
    const struct cli_option *option = command->options;
    size_t len = strcspn(word, "=");

    *value = word[len] == '=' ? word + len + 1 : NULL;
    for (; option != NULL && option->name != NULL; option++) {
        if ((len == 2 && option->letter != 0 && word[1] == option->letter) ||
            (len > 2 && word[1] == '-' && strlen(option->name) == len - 2 &&
             memcmp(word + 2, option->name, len - 2) == 0)) {
            return option;
        }
    }
    return NULL;
}

static enum parse_result unknown_option(const struct cli_command *command,
                                        const char *word)
{
    char names[MOST_OPTIONS][LONGEST_WORD];
    const char *known[MOST_OPTIONS + 2] = { "--help" };
    const struct cli_option *option = command->options;
    char name[LONGEST_WORD];

    for (size_t i = 0;
         option != NULL && option->name != NULL && i < MOST_OPTIONS;
         i++, option++) {
        snprintf(names[i], sizeof names[i], "--%s", option->name);
        known[i + 1] = names[i];
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    cli_unknown(command, "option", name, known);
    return PARSE_WRONG;
}

static enum parse_result read_option(struct cli_call *call, const char *word,
                                     struct words *words)
{
    const struct cli_command *command = call->command;
    const char *value;
    const struct cli_option *option = find_option(command, word, &value);
    int len = (int)strcspn(word, "=");

    if (option == NULL) {
        return unknown_option(command, word);
    }
    if (option->value == NULL && value != NULL) {
        cli_misused(command, "%.*s takes no value", len, word);
        return PARSE_WRONG;
    }
    if (option->value != NULL && value == NULL) {
        if (words->left == 0) {
            cli_misused(command, "%s takes a value: %s %s", word, word,
                        option->value);
            return PARSE_WRONG;
        }
        value = take(words);
    }
    call->given[call->given_count++] =
        (struct cli_given){ .option = option, .value = value };
    return PARSE_CALL;
}

static enum parse_result read_operand(struct cli_call *call, const char *word)
{
    if (call->operand_count == call->command->operands.max) {
        cli_misused(call->command, "%s: one word too many: \"%s\"",
                    call->command->name, word);
        return PARSE_WRONG;
    }
    call->operands[call->operand_count++] = word;
    return PARSE_CALL;
}

static enum parse_result read_words(struct cli_call *call, struct words *words)
{
    const struct cli_command *command = call->command;
    enum parse_result result = PARSE_CALL;
    bool options = true;

    while (result == PARSE_CALL && words->left > 0) {
        const char *word = take(words);

        if (options && asks_for_help(word)) {
            result = PARSE_HELP;
        } else if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && word[0] == '-' && word[1] != 0) {
            result = read_option(call, word, words);
        } else {
            result = read_operand(call, word);
        }
    }
    if (result == PARSE_CALL && call->operand_count < command->operands.min) {
        cli_misused(command, "%s takes %s", command->name,
                    command->operands.names);
        return PARSE_WRONG;
    }
    return result;
}

static void list_names(const struct cli_command *const *commands, char *out,
                       size_t size)
{
    size_t len = 0;

    for (size_t i = 0; commands[i] != NULL && len < size; i++) {
        len += (size_t)snprintf(out + len, size - len, "%s%s",
                                i > 0 ? ", " : "", cli_word(commands[i]));
    }
}

/* The first word is the name of a sub-command: options come behind it. */
static enum parse_result find_command(struct cli_call *call,
                                      struct words *words)
{
    while (call->command->commands != NULL) {
        const struct cli_command *command = call->command;
        const struct cli_command *found;

        if (words->left == 0) {
            char names[LONGEST_LIST] = "";

            list_names(command->commands, names, sizeof names);
            cli_misused(command, "%s takes a command: %s", command->name,
                        names);
            return PARSE_WRONG;
        }
        if (asks_for_help(*words->at)) {
            return PARSE_HELP;
        }
        found = cli_find(command->commands, *words->at);
        if (found == NULL) {
            cli_unknown_command(command, command->commands, *words->at);
            return PARSE_WRONG;
        }
        call->command = found;
        take(words);
    }
    return PARSE_CALL;
}

enum parse_result parse_words(struct cli_call *call,
                              const struct cli_command *command, int count,
                              char **words)
{
    struct words left = { words, count };
    size_t most = (size_t)count + 1;
    enum parse_result result;

    *call = (struct cli_call){
        .command = command,
        .given = calloc(most, sizeof *call->given),
        .operands = calloc(most, sizeof *call->operands),
    };
    if (call->given == NULL || call->operands == NULL) {
        fputs("patchbay: out of memory\n", stderr);
        return PARSE_WRONG;
    }
    result = find_command(call, &left);
    return result == PARSE_CALL ? read_words(call, &left) : result;
}

void parse_finish(struct cli_call *call)
{
    free(call->given);
    free(call->operands);
}
