/* cmd_plugin_check.c - patchbay plugin check: all that is wrong with a file */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/look.h"
#include "cli/table.h"

struct counts {
    int errors;
    int warnings;
};

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static void print_finding(const char *level, const char *what,
                          const char *advice)
{
    printf("  %-8s ", level);
    table_put_safe(what, stdout);
    putchar('\n');
    if (*advice != 0) {
        printf("  %-8s ", "");
        table_put_safe(advice, stdout);
        putchar('\n');
    }
}

/* "3 options" */
static void add_count(struct buf *line, size_t count, const char *what)
{
    buf_addf(line, "%s%zu %s%s", line->len > 0 ? ", " : "", count, what,
             count == 1 ? "" : "s");
}

/* What is as it should be, in a few lines. */
static void print_good(const json_t *about)
{
    static const char *const tables[][2] = {
        { "hooks", "hook" },
        { "options", "option" },
        { "subprotocols", "subprotocol" },
    };
    struct buf line = { 0 };

    buf_addf(&line, "is %s%s%s, ABI %s", text(about, "name"),
             *text(about, "version") != 0 ? " " : "", text(about, "version"),
             text(about, "abi"));
    print_finding("ok", line.failed ? "" : line.data, "");
    buf_clear(&line);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        add_count(&line, json_array_size(json_object_get(about, tables[i][0])),
                  tables[i][1]);
    }
    print_finding("ok", line.failed ? "" : line.data, "");
    buf_free(&line);
}

static struct counts count(const json_t *about, bool refused)
{
    struct counts counts = { .errors = refused };
    const json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(about, "findings"), i, finding)
    {
        counts.errors += strcmp(text(finding, "level"), "error") == 0;
        counts.warnings += strcmp(text(finding, "level"), "warning") == 0;
    }
    return counts;
}

static void print(const json_t *about, bool refused)
{
    struct counts counts = count(about, refused);
    const json_t *finding;
    size_t i;

    table_put_safe(text(about, "file"), stdout);
    puts("");
    if (refused) {
        print_finding("error", text(about, "why"), "");
    } else {
        print_good(about);
    }
    json_array_foreach(json_object_get(about, "findings"), i, finding)
    {
        print_finding(text(finding, "level"), text(finding, "what"),
                      text(finding, "advice"));
    }
    printf("%s: %d error%s, %d warning%s\n",
           counts.errors > 0 ? "refused" : "ok", counts.errors,
           counts.errors == 1 ? "" : "s", counts.warnings,
           counts.warnings == 1 ? "" : "s");
}

static int run(const struct cli_call *call)
{
    const char *file = cli_operand(call, 0);
    json_t *list = look_at(&file, 1, true, NULL);
    json_t *about = json_array_get(list, 0);
    bool refused = !json_is_true(json_object_get(about, "ok"));
    struct counts counts = count(about, refused);

    if (list == NULL) {
        return CLI_FAILED;
    }
    if (cli_flag(call, "json")) {
        json_object_set_new(about, "ok", json_boolean(counts.errors == 0));
        (void)cli_put_json(about);
    } else {
        print(about, refused);
    }
    json_decref(list);
    return counts.errors > 0 ? CLI_FAILED : CLI_DONE;
}

static const struct cli_option options[] = {
    CLI_OPTION_JSON,
    CLI_OPTIONS_END,
};

const struct cli_command cmd_plugin_check = {
    .name = "plugin check",
    .options = options,
    .operands = { "FILE.so", 1, 1 },
    .summary = "find all that is wrong with a plugin",
    .help =
        "Looks at the symbol, the ABI and the options, at the names the file "
        "exports and\n"
        "wants and the libraries it needs, and at what it asks of the "
        "process. Prints\n"
        "what it finds, and what to do about it:\n"
        "\n"
        "  error    a host refuses it\n"
        "  warning  it works here and now\n"
        "  note     what its author may want to know\n"
        "\n"
        "Exit status: 0 a host takes it, warnings or not; 1 it is refused.\n",
    .run = run,
};
