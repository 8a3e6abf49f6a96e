/* cmd_crashes.c - patchbay crashes: the crash reports that are kept */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/printable.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"
#include "proc/crashlist.h"
#include "proc/reason.h"
#include "proc/report.h"

static const char *text(const json_t *report, const char *key)
{
    const char *value = json_string_value(json_object_get(report, key));

    return value != NULL && *value != 0 ? value : "-";
}

static int64_t integer(const json_t *report, const char *key)
{
    return json_integer_value(json_object_get(report, key));
}

/* "hang", "signal 11 (Segmentation fault)", or "exit". */
static void add_way(struct table *table, const json_t *report)
{
    const char *fault = text(report, "fault");
    char way[128];

    if (json_is_true(json_object_get(report, "hang"))) {
        table_text(table, "hang");
    } else if (integer(report, "signal") > 0) {
        snprintf(way, sizeof way, "signal %.*s", (int)strcspn(fault, ","),
                 fault);
        table_text(table, way);
    } else {
        table_text(table, strstr(text(report, "what"), ": exit(") != NULL
                              ? "exit"
                              : "-");
    }
}

static void add_plugin(struct table *table, const json_t *report)
{
    char plugin[160];

    snprintf(plugin, sizeof plugin, "%s%s%s", text(report, "plugin"),
             json_object_get(report, "version") != NULL ? " " : "",
             json_object_get(report, "version") != NULL
                 ? text(report, "version")
                 : "");
    table_text(table, plugin);
}

static void print_list(const json_t *list, const char *run_dir)
{
    struct table table = { .heads = { "NO", "TIME", "PLUGIN", "ROUTE", "HOOK",
                                      "HOW", "WORKER", "FILE" } };
    const json_t *report;
    size_t i;

    json_array_foreach(list, i, report)
    {
        table_number(&table, integer(report, "number"));
        table_text(&table, text(report, "time"));
        add_plugin(&table, report);
        table_text(&table, text(report, "route"));
        table_text(&table, text(report, "hook"));
        add_way(&table, report);
        table_number(&table, json_object_get(report, "worker") != NULL
                                 ? integer(report, "worker")
                                 : -1);
        table_text(&table, text(report, "name"));
    }
    if (json_array_size(list) > 0) {
        table_print(&table, stdout);
    } else {
        printf("no crash reports in ");
        printable_put(stdout, run_dir, strlen(run_dir), "");
        printf("\n");
    }
}

static int print_json(json_t *value)
{
    int status = cli_put_json(value);

    json_decref(value);
    return status;
}

/* In the way that was asked for. Takes what is in why. */
static int fail(const struct cli_call *call, struct buf *why)
{
    const char *text = why->failed ? "out of memory" : why->data;

    if (cli_flag(call, "json")) {
        (void)print_json(
            json_pack("{s:b, s:o}", "ok", 0, "error", report_text(text)));
    } else {
        fputs("patchbay: ", stderr);
        printable_put(stderr, text, strlen(text), "");
        fputs("\n", stderr);
    }
    buf_free(why);
    return CLI_FAILED;
}

static int list_reports(const struct cli_call *call, json_t *list,
                        const char *run_dir)
{
    if (cli_flag(call, "json")) {
        return print_json(json_pack("{s:b, s:o, s:O}", "ok", 1, "run_dir",
                                    report_text(run_dir), "crashes", list));
    }
    print_list(list, run_dir);
    return CLI_DONE;
}

static int print_report(const struct cli_call *call, const json_t *report)
{
    const char *file = text(report, "file");
    struct buf whole = { 0 }, why = { 0 };
    int status;

    if (crashlist_text(file, &whole) < 0) {
        buf_addf(&why, "cannot read %s: %s", file, reason_errno(errno));
        status = fail(call, &why);
    } else if (cli_flag(call, "json")) {
        json_t *one = json_deep_copy(report);

        json_object_set_new(one, "text", json_stringn(whole.data, whole.len));
        status = print_json(json_pack("{s:b, s:o}", "ok", 1, "crash", one));
    } else {
        printable_put(stdout, whole.data, whole.len, "\n");
        status = CLI_DONE;
    }
    buf_free(&whole);
    return status;
}

static int show(const struct cli_call *call, json_t *list, const char *run_dir)
{
    const char *wanted = cli_operand(call, 1);
    const json_t *report = crashlist_find(list, wanted);
    struct buf why = { 0 };

    if (report != NULL) {
        return print_report(call, report);
    }
    buf_addf(&why,
             "no crash report \"%s\" in %s/crashes, which has %zu; `patchbay "
             "crashes` lists them",
             wanted, run_dir, json_array_size(list));
    return fail(call, &why);
}

static int look(const struct cli_call *call, const char *run_dir)
{
    char why[REASON_SIZE] = "out of memory";
    json_t *list = crashlist_read(run_dir, why, sizeof why);
    struct buf said = { 0 };
    int status;

    if (list == NULL) {
        buf_adds(&said, why);
        return fail(call, &said);
    }
    status = cli_operand(call, 0) != NULL ? show(call, list, run_dir)
                                          : list_reports(call, list, run_dir);
    json_decref(list);
    return status;
}

static int run(const struct cli_call *call)
{
    static const char *const known[] = { "show", NULL };
    const char *word = cli_operand(call, 0);
    const char *given = cli_option(call, "dir");
    char *run_dir = NULL;
    int status = CLI_DONE;

    if (word != NULL && strcmp(word, "show") != 0) {
        return cli_unknown(call->command, "word", word, known);
    }
    if (word != NULL && cli_operand(call, 1) == NULL) {
        return cli_misused(call->command, "show takes the number or the name "
                                          "of a report");
    }
    if (given == NULL) {
        status = client_run_dir(call, &run_dir);
    }
    if (status == CLI_DONE) {
        status = look(call, given != NULL ? given : run_dir);
    }
    free(run_dir);
    return status;
}

static const struct cli_option options[] = {
    CLI_OPTION_CONFIG,
    { "dir", 0, "DIR", false, "the run_dir, instead of the configuration's" },
    CLI_OPTION_JSON,
    CLI_OPTIONS_END,
};

const struct cli_command cmd_crashes = {
    .name = "crashes",
    .options = options,
    .operands = { "[show NAME]", 0, 2 },
    .summary = "list the crash reports, or print one",
    .help = "Lists what is in run_dir/crashes, the latest first, whether the "
            "host runs or not.\n"
            "`show` prints a whole report, by its number in the list (1 is the "
            "latest), its\n"
            "name, or its path. Only the user of the host's master may read "
            "them.\n"
            "\n"
            "Exit status: 0 listed or printed, if there are any or not; 1 no "
            "such report, or\n"
            "they cannot be read; 3 the configuration cannot.\n",
    .run = run,
};
