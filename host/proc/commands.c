/* commands.c - what the master does for an operator */
#include "proc/commands.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/id.h"
#include "proc/asks.h"
#include "proc/quarantine.h"
#include "proc/renewal.h"
#include "proc/report.h"

struct commands {
    struct commands_setup setup;
    struct asks asks;
    struct renewal *renewal;
};

/* ---- answers ----------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static json_t *refusal(const char *format,
                                                             ...)
{
    va_list args;
    json_t *text, *answer;

    va_start(args, format);
    text = json_vsprintf(format, args);
    va_end(args);
    answer = json_pack("{s:b, s:o}", "ok", 0, "error", text);
    return answer;
}

static void answer(struct commands *commands, uint64_t ticket, json_t *what)
{
    control_answer(commands->setup.control, ticket, what);
}

static void do_status(struct commands *commands, uint64_t ticket,
                      const json_t *request)
{
    (void)request;
    answer(commands, ticket,
           report_status(commands->setup.host->now,
                         commands->setup.host->leaving,
                         &commands->setup.host->crashes));
}

static void do_routes(struct commands *commands, uint64_t ticket,
                      const json_t *request)
{
    (void)request;
    answer(commands, ticket,
           report_routes(commands->setup.host->now->board,
                         commands->setup.host->now->conf));
}

static void do_unquarantine(struct commands *commands, uint64_t ticket,
                            const json_t *request)
{
    const char *plugin = json_string_value(json_object_get(request, "plugin"));

    if (plugin == NULL) {
        answer(commands, ticket, refusal("plugin: the name of a plugin"));
    } else if (!quarantine_lift(commands->setup.host, plugin)) {
        answer(commands, ticket,
               refusal("plugin %s is not quarantined, nor is a message to it",
                       plugin));
    } else {
        answer(commands, ticket, json_pack("{s:b}", "ok", 1));
    }
}

/* ---- what only workers know -------------------------------------------- */

static void put(struct commands *commands, uint64_t ticket, unsigned first,
                unsigned last, json_t *order, struct ask *ask)
{
    ask->ticket = ticket;
    ask->arg = commands;
    if (!asks_put(&commands->asks, first, last, order, ask)) {
        answer(commands, ticket, refusal("too many commands at once"));
    }
}

static void listed(void *arg, const struct ask *ask)
{
    struct commands *commands = arg;
    json_t *all = json_array();
    json_int_t total = 0;
    const json_t *part;
    size_t i, k;

    json_array_foreach(ask->answers, i, part)
    {
        json_int_t more = json_integer_value(json_object_get(part, "total"));
        json_t *conn;

        json_array_foreach(json_object_get(part, "conns"), k, conn)
        {
            if ((int64_t)json_array_size(all) < ask->limit) {
                json_array_append(all, conn);
            }
        }
        /* A worker has foreign code in it, and may say any number. */
        if (more > 0 && more <= UINT32_MAX) {
            total += more;
        }
    }
    answer(commands, ask->ticket,
           json_pack("{s:b, s:o, s:I, s:O}", "ok", 1, "conns", all, "total",
                     total, "missing", ask->missing));
}

static void do_conns(struct commands *commands, uint64_t ticket,
                     const json_t *request)
{
    const json_t *wanted = json_object_get(request, "limit");
    struct ask ask = { .done = listed,
                       .limit =
                           wanted != NULL ? json_integer_value(wanted) : 1000 };

    if (ask.limit < 1 || ask.limit > 100000) {
        answer(commands, ticket, refusal("limit: a number from 1 to 100000"));
        return;
    }
    put(commands, ticket, 0, commands->setup.host->now->board->workers - 1,
        json_pack("{s:s, s:I}", "do", "conns", "limit", (json_int_t)ask.limit),
        &ask);
}

static void kicked(void *arg, const struct ask *ask)
{
    struct commands *commands = arg;
    const json_t *said = json_array_get(ask->answers, 0);

    if (said == NULL && json_array_size(ask->missing) == 0) {
        answer(commands, ask->ticket, refusal("no such connection"));
    } else if (said == NULL) {
        answer(
            commands, ask->ticket,
            refusal("worker %d did not answer in time",
                    (int)json_integer_value(json_array_get(ask->missing, 0))));
    } else if (!json_is_true(json_object_get(said, "ok"))) {
        answer(commands, ask->ticket, refusal("no such connection"));
    } else {
        answer(commands, ask->ticket, json_pack("{s:b}", "ok", 1));
    }
}

static void do_kick(struct commands *commands, uint64_t ticket,
                    const json_t *request)
{
    const char *text = json_string_value(json_object_get(request, "conn"));
    struct ask ask = { .done = kicked };
    char *end = NULL;
    unsigned worker;
    bay_id id;

    errno = 0;
    id = text != NULL && text[0] >= '0' && text[0] <= '9'
             ? strtoull(text, &end, 10)
             : 0;
    if (id == 0 || errno != 0 || *end != 0) {
        answer(commands, ticket,
               refusal("conn: the id of a connection, a number"));
        return;
    }
    worker = id_worker(id);
    if (worker >= commands->setup.host->now->board->workers ||
        id_node(id) != commands->setup.host->now->conf->cluster.node) {
        answer(commands, ticket, refusal("no such connection"));
        return;
    }
    put(commands, ticket, worker, worker,
        json_pack("{s:s, s:s}", "do", "kick", "conn", text), &ask);
}

static void leveled(void *arg, const struct ask *ask)
{
    struct commands *commands = arg;

    answer(commands, ask->ticket,
           json_pack("{s:b, s:s, s:O}", "ok", 1, "level",
                     log_level_name(log_get_level()), "missing", ask->missing));
}

static void do_log(struct commands *commands, uint64_t ticket,
                   const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "level"));
    enum log_level level = log_level_parse(name != NULL ? name : "");
    struct ask ask = { .done = leveled };

    if (level == 0) {
        answer(commands, ticket,
               refusal("level: one of error, warn, info, debug"));
        return;
    }
    log_info("log level %s", log_level_name(level));
    log_set_level(level); /* workers to come inherit it */
    put(commands, ticket, 0, commands->setup.host->now->board->workers - 1,
        json_pack("{s:s, s:s}", "do", "log", "level", name), &ask);
}

/* ---- reload ------------------------------------------------------------ */

static void in_check_child(void *arg)
{
    const struct commands *commands = arg;

    commands->setup.in_child(commands->setup.arg);
}

static int can_adopt(void *arg, const struct conf *conf, char *why,
                     size_t why_size)
{
    const struct commands *commands = arg;

    return commands->setup.can_adopt(commands->setup.arg, conf, why, why_size);
}

static void adopted(void *arg, const struct conf *old, bool replaced)
{
    struct commands *commands = arg;

    commands->asks.crew = commands->setup.host->now->crew;
    commands->setup.adopted(commands->setup.arg, old, replaced);
}

static void busy(void *arg, bool is_busy)
{
    const struct commands *commands = arg;

    if (commands->setup.busy != NULL) {
        commands->setup.busy(commands->setup.arg, is_busy);
    }
}

static void reloaded(void *arg, uint64_t ticket, json_t *what)
{
    answer(arg, ticket, what);
}

static void do_reload(struct commands *commands, uint64_t ticket,
                      const json_t *request)
{
    (void)request;
    renewal_request(commands->renewal, ticket);
}

struct renewal *commands_renewal(const struct commands *commands)
{
    return commands->renewal;
}

/* ---- the end ----------------------------------------------------------- */

static void say_ending(struct commands *commands, uint64_t ticket)
{
    uint64_t connections =
        board_all_connections(commands->setup.host->now->board);

    control_answer_and_hold(commands->setup.control, ticket,
                            json_pack("{s:b, s:I}", "ok", 1, "connections",
                                      (json_int_t)connections));
}

static void do_drain(struct commands *commands, uint64_t ticket,
                     const json_t *request)
{
    (void)request;
    say_ending(commands, ticket);
    commands->setup.drain(commands->setup.arg);
}

static void do_stop(struct commands *commands, uint64_t ticket,
                    const json_t *request)
{
    (void)request;
    say_ending(commands, ticket);
    commands->setup.quit(commands->setup.arg);
}

/* ---- all of them ------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(struct commands *commands, uint64_t ticket,
                const json_t *request);
    bool while_ending;
} table[] = {
    { "status", do_status, true },
    { "routes", do_routes, true },
    { "conns", do_conns, false },
    { "kick", do_kick, false },
    { "log", do_log, false },
    { "reload", do_reload, false },
    { "drain", do_drain, true },
    { "stop", do_stop, true },
    { "unquarantine", do_unquarantine, false },
};

void commands_request(void *arg, uint64_t ticket, const json_t *request)
{
    struct commands *commands = arg;
    const char *name = json_string_value(json_object_get(request, "do"));

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) != 0) {
            continue;
        }
        if (board_draining(commands->setup.host->now->board) &&
            !table[i].while_ending) {
            answer(commands, ticket, refusal("the host is about to end"));
        } else {
            table[i].run(commands, ticket, request);
        }
        return;
    }
    answer(commands, ticket, refusal("no command \"%s\"", name));
}

struct commands *commands_create(const struct commands_setup *setup)
{
    struct commands *commands = calloc(1, sizeof *commands);
    struct renewal_setup renewal = { .host = setup->host,
                                     .in_child = in_check_child,
                                     .can_adopt = can_adopt,
                                     .adopted = adopted,
                                     .busy = busy,
                                     .answer = reloaded };

    if (commands == NULL) {
        return NULL;
    }
    commands->setup = *setup;
    asks_init(&commands->asks, &setup->host->poller);
    renewal.asks = &commands->asks;
    renewal.arg = commands;
    commands->renewal = renewal_create(&renewal);
    if (commands->renewal == NULL) {
        free(commands);
        return NULL;
    }
    return commands;
}

void commands_connect(struct commands *commands, struct control *control)
{
    commands->setup.control = control;
    commands->asks.crew = commands->setup.host->now->crew;
}

void commands_answered(struct commands *commands, unsigned worker,
                       json_int_t id, const json_t *what)
{
    asks_answered(&commands->asks, worker, id, what);
}

void commands_died(struct commands *commands, unsigned worker)
{
    renewal_died(commands->renewal, worker);
    asks_died(&commands->asks, worker);
}

void commands_destroy(struct commands *commands)
{
    if (commands != NULL) {
        renewal_destroy(commands->renewal);
        asks_finish(&commands->asks);
        free(commands);
    }
}
