/* cli.c - what a command asks of the words it was called with */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/json.h"
#include "base/units.h"

#define MOST_NAMES 64

const struct cli_option cli_asking[] = {
    CLI_OPTION_CONFIG,
    CLI_OPTION_JSON,
    CLI_OPTIONS_END,
};

const char *cli_next(const struct cli_call *call, const char *name, size_t *at)
{
    while (*at < call->given_count) {
        const struct cli_given *given = &call->given[(*at)++];

        if (strcmp(given->option->name, name) == 0) {
            return given->value;
        }
    }
    return NULL;
}

const char *cli_option(const struct cli_call *call, const char *name)
{
    const char *last = NULL;
    const char *value;
    size_t at = 0;

    while ((value = cli_next(call, name, &at)) != NULL) {
        last = value;
    }
    return last;
}

bool cli_flag(const struct cli_call *call, const char *name)
{
    for (size_t i = 0; i < call->given_count; i++) {
        if (strcmp(call->given[i].option->name, name) == 0) {
            return true;
        }
    }
    return false;
}

int cli_number(const struct cli_call *call, const char *name, int64_t min,
               int64_t max, int64_t *value)
{
    const char *text = cli_option(call, name);
    int64_t number;

    if (text == NULL) {
        return CLI_DONE;
    }
    if (units_parse_int(text, &number) != 0 || number < min || number > max) {
        return cli_misused(call->command,
                           "--%s takes a number from %" PRId64 " to %" PRId64
                           ", not \"%s\"",
                           name, min, max, text);
    }
    *value = number;
    return CLI_DONE;
}

const char *cli_operand(const struct cli_call *call, size_t index)
{
    return index < call->operand_count ? call->operands[index] : NULL;
}

const char *cli_file(const struct cli_call *call)
{
    const char *file = cli_option(call, "config");

    return file != NULL ? file : CLI_DEFAULT_FILE;
}

int cli_put_json(const json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;

    if (text == NULL) {
        return CLI_FAILED;
    }
    json_put(stdout, text, strlen(text));
    putchar('\n');
    free(text);
    return CLI_DONE;
}

const char *cli_word(const struct cli_command *command)
{
    const char *space = strrchr(command->name, ' ');

    return space != NULL ? space + 1 : command->name;
}

const struct cli_command *cli_find(const struct cli_command *const *commands,
                                   const char *word)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(cli_word(commands[i]), word) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

int cli_misused(const struct cli_command *command, const char *format, ...)
{
    va_list args;

    fputs("patchbay: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nSee: patchbay help%s%s\n", command != NULL ? " " : "",
            command != NULL ? command->name : "");
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

int cli_unknown_command(const struct cli_command *of,
                        const struct cli_command *const *commands,
                        const char *word)
{
    const char *names[MOST_NAMES + 1] = { NULL };

    for (size_t i = 0; commands[i] != NULL && i < MOST_NAMES; i++) {
        names[i] = cli_word(commands[i]);
    }
    return cli_unknown(of, word[0] == '-' ? "option" : "command", word, names);
}
