/* pages.c - the host's own pages: health as JSON, metrics for Prometheus */
#include "proc/pages.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "proc/membership.h"
#include "proc/tally.h"

/* One of stats.h: offset is that of a stat in its struct. */
struct metric {
    const char *name;
    const char *type;
    const char *help;
    size_t offset;
};

#define COUNTER "counter"
#define GAUGE   "gauge"

#define OF_ROUTE(field)  offsetof(struct route_stats, field)
#define OF_WORKER(field) offsetof(struct worker_stats, field)

/* clang-format off */
static const struct metric route_metrics[] = {
    { "connections", GAUGE, "WebSocket connections open now.",
      OF_ROUTE(connections) },
    { "connections_outdated", GAUGE,
      "Of them, those that a replaced version of the plugin still serves.",
      OF_ROUTE(outdated) },
    { "connections_total", COUNTER, "WebSocket connections accepted.",
      OF_ROUTE(accepted) },
    { "handshakes_refused_total", COUNTER,
      "Handshakes answered with an HTTP error.", OF_ROUTE(refused) },
    { "messages_received_total", COUNTER, "Messages from clients.",
      OF_ROUTE(messages_in) },
    { "received_bytes_total", COUNTER, "Payload of the messages from clients.",
      OF_ROUTE(bytes_in) },
    { "messages_sent_total", COUNTER, "Messages to clients.",
      OF_ROUTE(messages_out) },
    { "sent_bytes_total", COUNTER, "Payload of the messages to clients.",
      OF_ROUTE(bytes_out) },
    { "published_total", COUNTER, "Messages plugins published to topics.",
      OF_ROUTE(published) },
    { "messages_dropped_total", COUNTER,
      "Messages not sent because a connection's queue was full.",
      OF_ROUTE(dropped) },
    { "slow_peers_closed_total", COUNTER,
      "Connections closed with 1013 because their queue was full.",
      OF_ROUTE(slow_closed) },
    { "protocol_errors_total", COUNTER,
      "Connections closed with 1002, 1007 or 1009.",
      OF_ROUTE(protocol_errors) },
    { "timeouts_total", COUNTER,
      "Connections ended for a missing pong, idleness or an unanswered close.",
      OF_ROUTE(timeouts) },
    { "hook_errors_total", COUNTER, "Hooks that returned an error.",
      OF_ROUTE(hook_errors) },
    { "slow_hooks_total", COUNTER, "Hooks that ran longer than slow_hook.",
      OF_ROUTE(slow_hooks) },
    { "history_unkept_total", COUNTER,
      "Messages of a route with history that could not be kept.",
      OF_ROUTE(unkept) },
    { "crashes_total", COUNTER, "Workers that the plugin of the route ended.",
      OF_ROUTE(crashes) },
    { "messages_refused_total", COUNTER,
      "Messages refused because the same ended workers before.",
      OF_ROUTE(poisoned) },
};

static const struct metric worker_metrics[] = {
    { "sockets", GAUGE, "Client sockets of any kind open now.",
      OF_WORKER(sockets) },
    { "sockets_accepted_total", COUNTER, "Client sockets accepted.",
      OF_WORKER(accepted) },
    { "accept_paused_total", COUNTER,
      "Times a worker ran out of descriptors.", OF_WORKER(accept_paused) },
    { "http_bodies_dropped_total", COUNTER,
      "Bodies of requests that had come in part, given up for receive_total.",
      OF_WORKER(bodies_dropped) },
    { "http_idle_ended_total", COUNTER,
      "HTTP connections ended between two requests, to have descriptors.",
      OF_WORKER(kept_ended) },
    { "connects_refused_total", COUNTER,
      "Sockets closed, or handshakes refused, as their address connects more "
      "often than connect_rate.",
      OF_WORKER(connects_refused) },
    { "handshake_timeouts_total", COUNTER,
      "Sockets closed since no whole request came in time.",
      OF_WORKER(handshake_timeouts) },
    { "request_heads_too_long_total", COUNTER,
      "Requests refused for too long a head, or too many headers.",
      OF_WORKER(heads_too_long) },
    { "handshake_errors_total", COUNTER,
      "Handshakes refused before their route was known.",
      OF_WORKER(handshake_errors) },
    { "http_requests_total", COUNTER, "Plain HTTP requests.",
      OF_WORKER(http_requests) },
    { "bus_received_total", COUNTER, "Messages from other workers.",
      OF_WORKER(bus_in) },
    { "bus_sent_total", COUNTER, "Messages to other workers.",
      OF_WORKER(bus_out) },
    { "bus_dropped_total", COUNTER,
      "Messages to other workers that were lost.", OF_WORKER(bus_dropped) },
    { "bus_paused_total", COUNTER,
      "Times a worker had no descriptor for a stream of another.",
      OF_WORKER(bus_paused) },
    { "presence_refused_total", COUNTER,
      "Members that were left out beyond a limit of presence.",
      OF_WORKER(presence_refused) },
    { "cluster_not_sent_total", COUNTER,
      "Messages to other machines that Redis did not get.",
      OF_WORKER(cluster_not_sent) },
    { "cluster_late_total", COUNTER,
      "Messages of history that Redis got late, having been away.",
      OF_WORKER(cluster_late) },
    { "cluster_reconnects_total", COUNTER,
      "Connections to Redis that were lost.", OF_WORKER(cluster_reconnects) },
    { "cluster_broken_total", COUNTER,
      "Messages on the cluster's channels that are none of its own.",
      OF_WORKER(cluster_broken) },
    { "cluster_peers", GAUGE,
      "Workers of other machines that are there, as each worker counts them.",
      OF_WORKER(cluster_peers) },
    { "log_lines_lost_total", COUNTER,
      "Lines that workers could not write to the log.", OF_WORKER(log_lost) },
    { "misdeeds_total", COUNTER,
      "Times a plugin changed what is the host's.", OF_WORKER(misdeeds) },
    { "history_missed_total", COUNTER,
      "Times that messages were no longer kept when a worker came to them.",
      OF_WORKER(history_missed) },
    { "deferred_jobs", GAUGE, "Deferred work that is not done yet.",
      OF_WORKER(jobs_queued) },
    { "deferred_long", GAUGE,
      "Deferred work that runs for over a minute, each on a thread of jobs.",
      OF_WORKER(jobs_long) },
    { "timers", GAUGE, "Timers of plugins set now.", OF_WORKER(timers) },
    { "queued_bytes", GAUGE,
      "Memory of what waits to be sent to clients, of all workers.",
      OF_WORKER(queued_bytes) },
    { "incoming_bytes", GAUGE,
      "What has come of messages that are not whole yet, of all workers.",
      OF_WORKER(incoming_bytes) },
    { "topics", GAUGE,
      "Topics with a subscriber or listener, counted in each worker.",
      OF_WORKER(topics) },
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void add_head(struct buf *buf, const char *name, const char *type,
                     const char *help)
{
    buf_addf(buf,
             "# HELP patchbay_%s %s\n"
             "# TYPE patchbay_%s %s\n",
             name, help, name, type);
}

/* Backslash, quote and end of line are escaped in a label's value. */
static void add_label(struct buf *buf, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '\n') {
            buf_adds(buf, "\\n");
            continue;
        }
        if (*text == '\\' || *text == '"') {
            buf_adds(buf, "\\");
        }
        buf_add(buf, text, 1);
    }
}

static void add_of_routes(struct buf *buf, const struct pages *pages,
                          const struct metric *metric)
{
    const struct conf *conf = pages->conf;

    add_head(buf, metric->name, metric->type, metric->help);
    for (size_t i = 0; i < conf->route_count; i++) {
        buf_addf(buf, "patchbay_%s{route=\"", metric->name);
        add_label(buf, conf->routes[i].name);
        buf_addf(buf, "\"} %" PRIu64 "\n",
                 board_sum_route(pages->board, conf->routes[i].slot,
                                 metric->offset));
    }
}

static void add_of_workers(struct buf *buf, const struct pages *pages,
                           const struct metric *metric)
{
    add_head(buf, metric->name, metric->type, metric->help);
    buf_addf(buf, "patchbay_%s %" PRIu64 "\n", metric->name,
             board_sum(pages->board, metric->offset));
}

static void add_limits(struct buf *buf, const struct pages *pages)
{
    const struct conf *conf = pages->conf;

    add_head(buf, "limit_reached_total", COUNTER,
             "Times that clients reached a limit of the route.");
    for (size_t i = 0; i < conf->route_count; i++) {
        for (unsigned limit = 0; limit < LIMIT_COUNT; limit++) {
            buf_adds(buf, "patchbay_limit_reached_total{route=\"");
            add_label(buf, conf->routes[i].name);
            buf_addf(buf, "\",limit=\"%s\"} %" PRIu64 "\n", limit_name(limit),
                     board_sum_route(pages->board, conf->routes[i].slot,
                                     LIMIT_OFFSET(limit)));
        }
    }
}

/* What differs from worker to worker: clients are spread by a hash of their
 * addresses, and a worker that hangs has an old heartbeat. */
static void add_each_worker(struct buf *buf, const struct board *board)
{
    add_head(buf, "worker_up", GAUGE, "Whether this worker serves clients.");
    for (unsigned i = 0; i < board->workers; i++) {
        uint32_t state = atomic_load(&board_slot(board, i)->state);

        if (board_has_worker(board, i)) {
            buf_addf(buf, "patchbay_worker_up{worker=\"%u\"} %d\n", i,
                     state == WORKER_RUNNING);
        }
    }
    add_head(buf, "worker_restarts_total", COUNTER,
             "Times this worker died and was replaced.");
    for (unsigned i = 0; i < board->workers; i++) {
        buf_addf(buf,
                 "patchbay_worker_restarts_total{worker=\"%u\"} %" PRIu64 "\n",
                 i, board_restarts(board, i));
    }
    add_head(buf, "worker_heartbeat_age_seconds", GAUGE,
             "Since this worker's loop last turned; beats once a second.");
    for (unsigned i = 0; i < board->workers; i++) {
        uint64_t beat = stat_get(&board_stats(board, i)->heartbeat_ms);
        uint64_t now = clock_coarse_ms();
        uint64_t age = beat == 0 || beat > now ? 0 : now - beat;

        if (!board_has_worker(board, i)) {
            continue;
        }
        buf_addf(buf,
                 "patchbay_worker_heartbeat_age_seconds{worker=\"%u\"} "
                 "%" PRIu64 ".%03u\n",
                 i, age / 1000, (unsigned)(age % 1000));
    }
    add_head(buf, "worker_resident_bytes", GAUGE,
             "Memory of this worker's process; looked at once a second.");
    for (unsigned i = 0; i < board->workers; i++) {
        if (board_has_worker(board, i)) {
            buf_addf(buf,
                     "patchbay_worker_resident_bytes{worker=\"%u\"} %" PRIu64
                     "\n",
                     i, stat_get(&board_stats(board, i)->resident));
        }
    }
    add_head(buf, "worker_connections", GAUGE,
             "WebSocket connections open now, by worker.");
    for (unsigned i = 0; i < board->workers; i++) {
        uint64_t sum = 0;

        for (unsigned route = 0; route < board->routes; route++) {
            sum += stat_get(&board_stats(board, i)->routes[route].connections);
        }
        buf_addf(buf,
                 "patchbay_worker_connections{worker=\"%u\"} %" PRIu64 "\n", i,
                 sum);
    }
}

static void add_history(struct buf *buf, const struct pages *pages)
{
    struct archive_facts facts = { 0 };

    if (pages->board->archive == NULL) {
        return;
    }
    archive_facts(pages->board->archive, &facts);
    add_head(buf, "history_bytes", GAUGE,
             "Memory of this machine that holds history.");
    buf_addf(buf, "patchbay_history_bytes %llu\n",
             (unsigned long long)facts.bytes);
    add_head(buf, "history_evicted_total", COUNTER,
             "Messages that went before their time: history_memory is full.");
    buf_addf(buf, "patchbay_history_evicted_total %llu\n",
             (unsigned long long)facts.evicted);
}

static void add_cluster(struct buf *buf, const struct pages *pages)
{
    enum cluster_state state = membership_of(pages->board, pages->conf);

    if (state != CLUSTER_OFF) {
        add_head(buf, "cluster_up", GAUGE,
                 "Whether all workers reach Redis and use it.");
        buf_addf(buf, "patchbay_cluster_up %d\n", state == CLUSTER_UP);
    }
}

static bool is_first_of_its_plugin(const struct conf *conf, size_t route)
{
    for (size_t i = 0; i < route; i++) {
        if (strcmp(conf->routes[i].plugin, conf->routes[route].plugin) == 0) {
            return false;
        }
    }
    return true;
}

static void add_each_plugin(struct buf *buf, const struct pages *pages)
{
    const struct conf *conf = pages->conf;
    const struct bans *bans = pages->board->bans;

    add_head(buf, "plugin_quarantined", GAUGE,
             "Whether a plugin was stopped for its crashes.");
    for (size_t i = 0; i < conf->route_count; i++) {
        if (is_first_of_its_plugin(conf, i)) {
            buf_adds(buf, "patchbay_plugin_quarantined{plugin=\"");
            add_label(buf, conf->routes[i].plugin);
            buf_addf(buf, "\"} %d\n",
                     bans_find(bans, conf->routes[i].plugin) != NULL);
        }
    }
}

/* Those that have routes, and those that have crashed and have none any more. */
static void add_of_plugins(struct buf *buf, const struct pages *pages,
                           const char *name, const char *help, size_t offset)
{
    const struct conf *conf = pages->conf;
    const struct tally *tally = pages->board->tally;
    const struct tally_plugin *place;
    size_t at = 0;

    add_head(buf, name, COUNTER, help);
    for (size_t i = 0; i < conf->route_count; i++) {
        if (is_first_of_its_plugin(conf, i) &&
            tally_find(tally, conf->routes[i].plugin) == NULL) {
            buf_addf(buf, "patchbay_%s{plugin=\"", name);
            add_label(buf, conf->routes[i].plugin);
            buf_adds(buf, "\"} 0\n");
        }
    }
    while ((place = tally_next(tally, &at)) != NULL) {
        buf_addf(buf, "patchbay_%s{plugin=\"", name);
        add_label(buf, place->name);
        buf_addf(
            buf, "\"} %" PRIu64 "\n",
            stat_get((const stat_value *)(const void *)((const char *)place +
                                                        offset)));
    }
}

static void add_number(struct buf *buf, const char *name, const char *help,
                       uint64_t number)
{
    add_head(buf, name, COUNTER, help);
    buf_addf(buf, "patchbay_%s %" PRIu64 "\n", name, number);
}

static void add_crashes(struct buf *buf, const struct pages *pages)
{
    static const struct tally none;
    const struct tally *tally =
        pages->board->tally != NULL ? pages->board->tally : &none;

    add_of_plugins(buf, pages, "plugin_crashes_total",
                   "Workers that the plugin ended, on whatever route.",
                   offsetof(struct tally_plugin, crashes));
    add_of_plugins(buf, pages, "plugin_hangs_total",
                   "Of them, those that were ended since a hook of it hung.",
                   offsetof(struct tally_plugin, hangs));
    add_number(buf, "hangs_total",
               "Workers that were ended since they hung, in a hook or not.",
               stat_get(&tally->hangs));
    add_number(buf, "crash_reports_written_total", "Crash reports written.",
               stat_get(&tally->reports_written));
    add_number(buf, "crash_reports_suppressed_total",
               "Crashes without a report: none are wanted, too many came at "
               "once, or it could not be written.",
               stat_get(&tally->reports_suppressed));
}

static void add_control(struct buf *buf, const struct tally *tally)
{
    add_number(buf, "control_paused_total",
               "Times the master had no descriptor for a command.",
               tally != NULL ? stat_get(&tally->control_paused) : 0);
}

static void add_recycled(struct buf *buf, const struct tally *tally)
{
    add_head(buf, "workers_recycled_total", COUNTER,
             "Workers that gave way to new ones, by the key of [server] whose "
             "limit they had reached.");
    for (unsigned why = 0; why < RECYCLE_COUNT; why++) {
        buf_addf(buf,
                 "patchbay_workers_recycled_total{limit=\"%s\"} %" PRIu64 "\n",
                 tally_recycle_key((enum recycle_why)why),
                 tally != NULL ? stat_get(&tally->recycled[why]) : 0);
    }
}

void pages_metrics(void *arg, struct buf *buf)
{
    const struct pages *pages = arg;
    const struct board *board = pages->board;

    add_head(buf, "build_info", GAUGE, "The version that runs, always 1.");
    buf_adds(buf, "patchbay_build_info{version=\"" PATCHBAY_VERSION "\"} 1\n");
    add_head(buf, "start_time_seconds", GAUGE,
             "When the host started, in seconds since 1970.");
    buf_addf(buf, "patchbay_start_time_seconds %" PRIu64 ".%03u\n",
             board->started_wall_ms / 1000,
             (unsigned)(board->started_wall_ms % 1000));
    add_head(buf, "workers", GAUGE, "Worker processes as configured.");
    buf_addf(buf, "patchbay_workers %u\n", board->wanted);
    add_each_worker(buf, board);
    add_each_plugin(buf, pages);
    add_cluster(buf, pages);
    add_history(buf, pages);
    add_crashes(buf, pages);
    add_recycled(buf, board->tally);
    add_control(buf, board->tally);
    for (size_t i = 0; i < COUNT(worker_metrics); i++) {
        add_of_workers(buf, pages, &worker_metrics[i]);
    }
    for (size_t i = 0; i < COUNT(route_metrics); i++) {
        add_of_routes(buf, pages, &route_metrics[i]);
    }
    add_limits(buf, pages);
}

int pages_health(void *arg, struct buf *buf)
{
    const struct pages *pages = arg;
    const struct board *board = pages->board;
    bool draining = board_draining(board);
    unsigned running = board_running(board);
    unsigned quarantined = bans_count(board->bans);
    enum cluster_state cluster = membership_of(pages->board, pages->conf);
    const char *status = draining                                  ? "draining"
                         : membership_degraded(board, pages->conf) ? "degraded"
                                                                   : "ok";

    buf_addf(buf,
             "{\"status\":\"%s\",\"version\":\"" PATCHBAY_VERSION "\","
             "\"uptime_s\":%" PRIu64 ",\"workers\":%u,\"running\":%u,"
             "\"connections\":%" PRIu64 ",\"quarantined\":%u,"
             "\"cluster\":\"%s\"}\n",
             status, (clock_now_ms() - board->started_ms) / 1000, board->wanted,
             running, board_all_connections(board), quarantined,
             membership_text(cluster));
    return draining ? 503 : 200;
}
