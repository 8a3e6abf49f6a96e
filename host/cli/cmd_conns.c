/* cmd_conns.c - patchbay conns: the open connections */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/table.h"

static const char *text(const json_t *conn, const char *key)
{
    return json_string_value(json_object_get(conn, key));
}

static int64_t integer(const json_t *conn, const char *key)
{
    const json_t *value = json_object_get(conn, key);

    return value != NULL ? json_integer_value(value) : -1;
}

static void print(const json_t *answer)
{
    struct table table = { .heads = { "ID", "ROUTE", "REMOTE", "PATH", "AGE",
                                      "LAST MESSAGE", "IN", "OUT", "QUEUE" } };
    const json_t *conns = json_object_get(answer, "conns");
    const json_t *conn;
    size_t i;

    json_array_foreach(conns, i, conn)
    {
        table_text(&table, text(conn, "id"));
        table_text(&table, text(conn, "route"));
        table_text(&table, text(conn, "remote"));
        table_text(&table, text(conn, "path"));
        table_duration(&table, integer(conn, "age_ms"));
        table_duration(&table, integer(conn, "last_message_ms"));
        table_number(&table, integer(conn, "messages_in"));
        table_number(&table, integer(conn, "messages_out"));
        table_number(&table, integer(conn, "queue"));
    }
    table_print(&table, stdout);
    if ((int64_t)json_array_size(conns) < integer(answer, "total")) {
        printf("%zu of %" PRId64 "; more with --limit N\n",
               json_array_size(conns), integer(answer, "total"));
    }
}

static int run(const struct cli_call *call)
{
    json_t *request;
    json_t *answer;
    int64_t limit = 0;
    int status = cli_number(call, "limit", 1, 100000, &limit);

    if (status != CLI_DONE) {
        return status;
    }
    request = json_pack("{s:s}", "do", "conns");
    if (limit > 0) {
        json_object_set_new(request, "limit", json_integer(limit));
    }
    status = client_ask(call, request, &answer);
    if (status == CLI_DONE && !cli_flag(call, "json")) {
        print(answer);
        client_warn_missing(answer);
    }
    json_decref(answer);
    return status;
}

static const struct cli_option options[] = {
    CLI_OPTION_CONFIG,
    { "limit", 0, "N", false, "at most so many; default 1000" },
    CLI_OPTION_JSON,
    CLI_OPTIONS_END,
};

const struct cli_command cmd_conns = {
    .name = "conns",
    .options = options,
    .summary = "list open connections",
    .help = "IN and OUT count messages; QUEUE is in bytes.\n",
    .run = run,
};
