/* report.c - the host, its workers and routes, as JSON for an operator */
#include "proc/report.h"

#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/address.h"
#include "proc/membership.h"
#include "proc/postmortem.h"
#include "proc/tally.h"

json_t *report_text(const char *text)
{
    json_t *string = json_string(text != NULL ? text : "");

    return string != NULL ? string : json_string("(not UTF-8)");
}

static json_t *number(const stat_value *value)
{
    return json_integer((json_int_t)stat_get(value));
}

/* ---- status ------------------------------------------------------------ */

static uint64_t age(uint64_t now_ms, uint64_t then_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

static json_t *describe_crash(const struct crash_last *last)
{
    return json_pack("{s:o, s:I, s:o}", "what", report_text(last->what),
                     "ago_ms", (json_int_t)age(clock_wall_ms(), last->wall_ms),
                     "report", report_text(last->file));
}

static json_t *describe_worker(const struct board *board, unsigned i)
{
    const struct board_slot *slot = board_slot(board, i);
    const struct worker_stats *stats = board_stats(board, i);
    uint32_t state = atomic_load(&slot->state);
    uint64_t connections = 0, outdated = 0;
    char hook[256];
    json_t *worker;

    for (unsigned route = 0; route < board->routes; route++) {
        connections += stat_get(&stats->routes[route].connections);
        outdated += stat_get(&stats->routes[route].outdated);
    }
    worker = json_pack(
        "{s:i, s:s, s:i, s:I, s:I, s:I, s:o, s:o, s:o}", "worker", (int)i,
        "state", board_state_name(state), "pid", (int)atomic_load(&slot->pid),
        "restarts", (json_int_t)board_restarts(board, i), "connections",
        (json_int_t)connections, "outdated", (json_int_t)outdated, "sockets",
        number(&stats->sockets), "misdeeds", number(&stats->misdeeds),
        "resident", number(&stats->resident));
    if (state != WORKER_DOWN) {
        json_object_set_new(worker, "uptime_ms",
                            json_integer((json_int_t)age(
                                clock_now_ms(), stat_get(&slot->since_ms))));
        json_object_set_new(
            worker, "heartbeat_ms",
            json_integer((json_int_t)age(clock_coarse_ms(),
                                         stat_get(&stats->heartbeat_ms))));
    }
    postmortem_hook(hook, sizeof hook, board, i);
    if (hook[0] != 0) {
        json_object_set_new(worker, "hook", report_text(hook));
        json_object_set_new(
            worker, "hook_ms",
            json_integer((json_int_t)age(clock_coarse_ms(),
                                         stat_get(&stats->now.since_ms))));
    }
    return worker;
}

/* Those that still live. */
static json_t *list_leaving(const struct generation *leaving)
{
    json_t *list = json_array();

    for (; leaving != NULL; leaving = leaving->next) {
        for (unsigned i = 0; i < leaving->board->workers; i++) {
            if (board_has_worker(leaving->board, i) &&
                atomic_load(&board_slot(leaving->board, i)->state) !=
                    WORKER_DOWN) {
                json_array_append_new(list, describe_worker(leaving->board, i));
            }
        }
    }
    return list;
}

static json_t *list_quarantined(const struct bans *bans)
{
    json_t *list = json_array();

    for (size_t i = 0; bans != NULL && i < BANS_PLUGINS; i++) {
        const struct ban *ban = &bans->plugins[i];

        if (stat_get(&ban->code) != 0) {
            json_array_append_new(
                list,
                json_pack(
                    "{s:o, s:I, s:I, s:o}", "plugin", report_text(ban->plugin),
                    "crashes", (json_int_t)stat_get(&ban->crashes), "for_ms",
                    (json_int_t)age(clock_now_ms(), stat_get(&ban->since_ms)),
                    "why", report_text(ban->why)));
        }
    }
    return list;
}

static json_t *describe_cluster(const struct board *board,
                                const struct conf *conf)
{
    return json_pack("{s:o, s:o, s:i, s:s, s:I}", "url",
                     report_text(conf->cluster.url.shown), "name",
                     report_text(conf->cluster.name), "node",
                     (int)conf->cluster.node, "state",
                     membership_text(membership_of(board, conf)), "not_sent",
                     (json_int_t)board_sum(board, offsetof(struct worker_stats,
                                                           cluster_not_sent)));
}

/* Those that have crashed. */
static json_t *list_crashed(const struct tally *tally)
{
    json_t *list = json_array();
    const struct tally_plugin *place;
    size_t at = 0;

    while ((place = tally_next(tally, &at)) != NULL) {
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o}", "plugin",
                                        report_text(place->name), "crashes",
                                        number(&place->crashes), "hangs",
                                        number(&place->hangs)));
    }
    return list;
}

static json_t *describe_tally(const struct tally *tally)
{
    static const struct tally none;

    tally = tally != NULL ? tally : &none;
    return json_pack("{s:o, s:o, s:o, s:o}", "plugins", list_crashed(tally),
                     "hangs", number(&tally->hangs), "reports_written",
                     number(&tally->reports_written), "reports_suppressed",
                     number(&tally->reports_suppressed));
}

/* How often, by the key that made it so. */
static json_t *list_recycled(const struct tally *tally)
{
    json_t *list = json_object();

    for (unsigned why = 0; why < RECYCLE_COUNT; why++) {
        json_object_set_new(list, tally_recycle_key((enum recycle_why)why),
                            tally != NULL ? number(&tally->recycled[why])
                                          : json_integer(0));
    }
    return list;
}

static const char *state_of(const struct board *board, const struct conf *conf)
{
    if (board_draining(board)) {
        return "draining";
    }
    return membership_degraded(board, conf) ? "degraded" : "running";
}

json_t *report_status(const struct generation *now,
                      const struct generation *leaving,
                      const struct crashes *crashes)
{
    const struct board *board = now->board;
    const struct sockets *sockets = &now->sockets;
    json_t *addresses = json_array();
    json_t *workers = json_array();
    char text[ADDRESS_SIZE];
    json_t *status;

    for (size_t i = 0; i < sockets->count; i++) {
        const struct endpoint *endpoint = &sockets->list[i];

        address_format((const struct sockaddr *)&endpoint->addr,
                       endpoint->addr_len, text, sizeof text);
        json_array_append_new(addresses, report_text(text));
    }
    for (unsigned i = 0; i < board->workers; i++) {
        const struct crash_last *last = crashes_last(crashes, i);
        json_t *worker;

        if (!board_has_worker(board, i)) {
            continue;
        }
        worker = describe_worker(board, i);
        if (last != NULL) {
            json_object_set_new(worker, "last_crash", describe_crash(last));
        }
        json_array_append_new(workers, worker);
    }
    status = json_pack(
        "{s:b, s:s, s:i, s:s, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:I, s:o, "
        "s:o}",
        "ok", 1, "version", PATCHBAY_VERSION, "pid", (int)getpid(), "state",
        state_of(board, now->conf), "uptime_ms",
        (json_int_t)(clock_now_ms() - board->started_ms), "file",
        report_text(now->conf->file), "addresses", addresses, "connections",
        (json_int_t)board_all_connections(board), "workers", workers, "leaving",
        list_leaving(leaving), "quarantined", list_quarantined(board->bans),
        "refused_messages", (json_int_t)bans_poisons(board->bans), "crashes",
        describe_tally(board->tally), "recycled", list_recycled(board->tally));
    if (now->conf->cluster.url.shown != NULL) {
        json_object_set_new(status, "cluster",
                            describe_cluster(board, now->conf));
    }
    return status;
}

/* ---- routes ------------------------------------------------------------ */

static const struct {
    const char *name;
    size_t offset;
} route_numbers[] = {
#define NUMBER(field)                               \
    {                                               \
#field, offsetof(struct route_stats, field) \
    }
    NUMBER(connections),  NUMBER(outdated),    NUMBER(accepted),
    NUMBER(refused),      NUMBER(messages_in), NUMBER(bytes_in),
    NUMBER(messages_out), NUMBER(bytes_out),   NUMBER(published),
    NUMBER(dropped),      NUMBER(slow_closed), NUMBER(protocol_errors),
    NUMBER(timeouts),     NUMBER(hook_errors), NUMBER(slow_hooks),
    NUMBER(crashes),      NUMBER(poisoned),
#undef NUMBER
};

/* Those that were reached, and how often. */
static json_t *list_limits(const struct board *board,
                           const struct conf_route *conf)
{
    json_t *limits = json_object();

    for (unsigned limit = 0; limit < LIMIT_COUNT; limit++) {
        uint64_t sum = board_sum_route(board, conf->slot, LIMIT_OFFSET(limit));

        if (sum > 0) {
            json_object_set_new(limits, limit_name(limit),
                                json_integer((json_int_t)sum));
        }
    }
    return limits;
}

static json_t *describe_route(const struct board *board,
                              const struct conf_route *conf)
{
    json_t *route =
        json_pack("{s:o, s:o, s:o}", "route", report_text(conf->name), "path",
                  report_text(conf->path), "plugin", report_text(conf->plugin));

    for (size_t i = 0; i < sizeof route_numbers / sizeof route_numbers[0];
         i++) {
        uint64_t sum =
            board_sum_route(board, conf->slot, route_numbers[i].offset);

        json_object_set_new(route, route_numbers[i].name,
                            json_integer((json_int_t)sum));
    }
    json_object_set_new(route, "limits", list_limits(board, conf));
    json_object_set_new(
        route, "quarantined",
        json_boolean(bans_find(board->bans, conf->plugin) != NULL));
    return route;
}

json_t *report_routes(const struct board *board, const struct conf *conf)
{
    json_t *routes = json_array();

    for (size_t i = 0; i < conf->route_count; i++) {
        json_array_append_new(routes, describe_route(board, &conf->routes[i]));
    }
    return json_pack("{s:b, s:o}", "ok", 1, "routes", routes);
}
