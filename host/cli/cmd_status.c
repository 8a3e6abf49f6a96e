/* cmd_status.c - patchbay status: the host and its workers */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

static int64_t integer(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return value != NULL ? json_integer_value(value) : -1;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static void print_cluster(const json_t *cluster)
{
    if (cluster != NULL) {
        printf("\ncluster      node %d of %s at %s: %s",
               (int)integer(cluster, "node"), text(cluster, "name"),
               text(cluster, "url"), text(cluster, "state"));
    }
}

static void print_head(const json_t *answer)
{
    char duration[48];
    const json_t *address;
    size_t i;

    printf("patchbay %s, pid %d, %s for %s\n", text(answer, "version"),
           (int)integer(answer, "pid"), text(answer, "state"),
           table_format_duration(integer(answer, "uptime_ms"), duration,
                                 sizeof duration));
    printf("file         ");
    table_put_safe(text(answer, "file"), stdout);
    printf("\nlistening    ");
    json_array_foreach(json_object_get(answer, "addresses"), i, address)
    {
        printf("%s%s", i > 0 ? ", " : "", json_string_value(address));
    }
    print_cluster(json_object_get(answer, "cluster"));
    printf("\nconnections  %d\n\n", (int)integer(answer, "connections"));
}

static void add_worker(struct table *table, const json_t *worker,
                       const char *state)
{
    char hook[512] = "-";
    char duration[48];

    if (*text(worker, "hook") != 0) {
        snprintf(hook, sizeof hook, "%s, for %s", text(worker, "hook"),
                 table_format_duration(integer(worker, "hook_ms"), duration,
                                       sizeof duration));
    }
    table_number(table, integer(worker, "worker"));
    table_number(table, integer(worker, "pid"));
    table_text(table, state);
    table_duration(table, integer(worker, "uptime_ms"));
    table_number(table, integer(worker, "restarts"));
    table_number(table, integer(worker, "connections"));
    table_number(table, integer(worker, "outdated"));
    table_number(table, integer(worker, "sockets"));
    table_text(table, hook);
}

static void print_workers(const json_t *answer)
{
    struct table table = { .heads = { "WORKER", "PID", "STATE", "UPTIME",
                                      "RESTARTS", "CONNECTIONS", "ON OLD CODE",
                                      "SOCKETS", "HOOK THAT RUNS" } };
    const json_t *worker;
    size_t i;

    json_array_foreach(json_object_get(answer, "workers"), i, worker)
    {
        add_worker(&table, worker, text(worker, "state"));
    }
    json_array_foreach(json_object_get(answer, "leaving"), i, worker)
    {
        add_worker(&table, worker, "leaving");
    }
    table_print(&table, stdout);
}

static void print_quarantined(const json_t *answer)
{
    const json_t *each;
    char duration[48];
    size_t i;

    json_array_foreach(json_object_get(answer, "quarantined"), i, each)
    {
        printf("%squarantined  ", i == 0 ? "\n" : "");
        table_put_safe(text(each, "plugin"), stdout);
        printf(", for %s: ", table_format_duration(integer(each, "for_ms"),
                                                   duration, sizeof duration));
        table_put_safe(text(each, "why"), stdout);
        printf("\n");
    }
    if (integer(answer, "refused_messages") > 0) {
        printf("%d messages are refused, since they ended workers\n",
               (int)integer(answer, "refused_messages"));
    }
}

/* How often, of each plugin. */
static void print_tally(const json_t *answer)
{
    const json_t *all = json_object_get(answer, "crashes");
    const json_t *each;
    size_t i;

    if (integer(all, "reports_written") + integer(all, "reports_suppressed") <=
        0) {
        return;
    }
    printf("\ncrashes      ");
    json_array_foreach(json_object_get(all, "plugins"), i, each)
    {
        table_put_safe(text(each, "plugin"), stdout);
        printf(" %d (%d of them hangs), ", (int)integer(each, "crashes"),
               (int)integer(each, "hangs"));
    }
    printf("%d hangs in all; %d reports written, %d not\n",
           (int)integer(all, "hangs"), (int)integer(all, "reports_written"),
           (int)integer(all, "reports_suppressed"));
}

static void print_crashes(const json_t *answer)
{
    char duration[48];
    const json_t *worker;
    size_t i;

    json_array_foreach(json_object_get(answer, "workers"), i, worker)
    {
        const json_t *crash = json_object_get(worker, "last_crash");

        if (crash == NULL) {
            continue;
        }
        printf("\nlast crash   %s ago: ",
               table_format_duration(integer(crash, "ago_ms"), duration,
                                     sizeof duration));
        table_put_safe(text(crash, "what"), stdout);
        printf("\nits report   ");
        table_put_safe(*text(crash, "report") != 0 ? text(crash, "report")
                                                   : "none",
                       stdout);
        printf("\n");
    }
}

static void print_misdeeds(const json_t *answer)
{
    json_int_t sum = 0;
    const json_t *worker;
    size_t i;

    json_array_foreach(json_object_get(answer, "workers"), i, worker)
    {
        sum += integer(worker, "misdeeds");
    }
    if (sum > 0) {
        printf("\nmisdeeds     %lld: a plugin changed what is the host's; the "
               "log names it\n",
               (long long)sum);
    }
}

static void print_recycled(const json_t *answer)
{
    const json_t *count, *all = json_object_get(answer, "recycled");
    json_int_t sum = 0;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)all, key, count)
    {
        sum += json_integer_value(count);
    }
    if (sum == 0) {
        return;
    }
    printf("\nrecycled     %lld workers", (long long)sum);
    json_object_foreach((json_t *)(uintptr_t)all, key, count)
    {
        printf(", %lld for ", (long long)json_integer_value(count));
        table_put_safe(key, stdout);
    }
    printf("\n");
}

static int run(const struct cli_call *call)
{
    json_t *answer;
    int status = client_ask(call, json_pack("{s:s}", "do", "status"), &answer);

    if (status == CLI_DONE && !cli_flag(call, "json")) {
        print_head(answer);
        print_workers(answer);
        print_quarantined(answer);
        print_tally(answer);
        print_crashes(answer);
        print_misdeeds(answer);
        print_recycled(answer);
    }
    json_decref(answer);
    return status;
}

const struct cli_command cmd_status = {
    .name = "status",
    .options = cli_asking,
    .summary = "show the host and its workers",
    .help = "ON OLD CODE counts connections that a replaced version of their "
            "plugin still\n"
            "serves. Workers that a reload has replaced are \"leaving\" until "
            "their clients\n"
            "have gone; one that is recycled (max_memory, max_requests) is "
            "draining until then.\n"
            "Plugins that ended too many workers are quarantined.\n"
            "\n"
            "Exit status: 0 it runs, 4 it does not.\n",
    .run = run,
};
