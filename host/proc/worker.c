/* worker.c - a process that serves clients: the loop, and its start and end */
#include "proc/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/core.h"
#include "core/spread.h"
#include "net/server.h"
#include "proc/buses.h"
#include "proc/descriptors.h"
#include "proc/errands.h"
#include "proc/footprint.h"
#include "proc/lastwords.h"
#include "proc/pages.h"
#include "proc/reason.h"
#include "proc/remains.h"
#include "proc/settle.h"
#include "proc/shelf.h"
#include "proc/turnover.h"
#include "proc/warden.h"

#define BEAT_MS       1000
#define DRAIN_LOOK_MS 10
#define BROKEN_MS     2000 /* to take leave, without its descriptors */

static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

#define IGNORED_COUNT (sizeof ignored / sizeof ignored[0])

struct farewell {
    int code;
    char reason[124]; /* as long as a Close frame allows */
    uint64_t limit_ms;
    uint64_t until_ms;
    uint64_t linger_until_ms; /* for handshakes that have begun */
    bool told;                /* clients have been */
};

struct worker {
    const struct worker_setup *setup;
    struct worker_stats *stats;
    struct pages pages;
    struct addresses addresses; /* connections of this worker */
    struct addresses connects;  /* of all workers */
    uv_loop_t loop;
    uv_signal_t signals[IGNORED_COUNT];
    uv_timer_t beat;
    uv_timer_t drain;
    struct farewell farewell; /* while it drains */
    struct warden warden;
    bool bans_pending; /* see core_enforce_bans */
    bool refusing;     /* has let go of the sockets that listen */
    struct server *server;
    struct core *core;
    struct buses buses;
    struct shelf shelf;
    struct turnover turnover;
    struct errands errands;
    struct settle settle; /* before it serves in the place of another */
    uint64_t log_lost;    /* lines, as counted last */
};

/* A worker without a master would hold its clients, and the port, for ever. */
static int die_with_master(const struct worker_setup *setup)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != setup->master) {
        return -1;
    }
    return 0;
}

static void ignore(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
}

/*
 * The master alone is told by signals; these come here too, from a terminal or
 * a service manager, and are caught, not ignored, since what is ignored stays
 * so in programs that a plugin starts.
 */
static int catch_signals(struct worker *worker)
{
    sigset_t none;

    for (size_t i = 0; i < IGNORED_COUNT; i++) {
        if (uv_signal_init(&worker->loop, &worker->signals[i]) < 0 ||
            uv_signal_start(&worker->signals[i], ignore, ignored[i]) < 0) {
            return -1;
        }
        uv_unref((uv_handle_t *)&worker->signals[i]);
    }
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static uint64_t count_connections(void *arg, unsigned route)
{
    const struct worker *worker = arg;

    return board_connections(worker->setup->board, route);
}

static uint64_t count_address(void *arg, uint64_t key)
{
    const struct worker *worker = arg;

    return board_address(worker->setup->board, key);
}

static uint64_t now_ms(void *arg)
{
    const struct worker *worker = arg;

    return server_transport()->now_ms(worker->server);
}

/* A reload that is prepared knows the instances there are: it comes first. */
static void enforce_bans(void *arg)
{
    struct worker *worker = arg;

    worker->bans_pending =
        worker->turnover.next != NULL || !core_enforce_bans(worker->core);
}

static void begin_drain(void *arg, int code, const char *reason,
                        uint64_t limit_ms, uint64_t linger_ms);

/* Without its descriptors a worker serves nobody, or does not hear that it has
 * to end. New clients wait until its successor has its place: so be it soon. */
static void look_after(struct worker *worker)
{
    uint64_t ms = worker->errands.conf->drain_ms;

    if (!warden_look(&worker->warden, worker->turnover.next != NULL)) {
        ms = ms < BROKEN_MS ? ms : BROKEN_MS;
        begin_drain(worker, 1012, "service restart", ms, 0);
    }
}

static void beat(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    uint64_t lost = log_lost();

    stat_set(&worker->stats->heartbeat_ms, clock_coarse_ms());
    stat_add(&worker->stats->log_lost, lost - worker->log_lost);
    worker->log_lost = lost;
    footprint_keep(&worker->stats->resident);
    core_check_jobs(worker->core, clock_coarse_ms());
    look_after(worker);
    if (worker->bans_pending) {
        enforce_bans(worker);
    }
}

/* The kernel refuses clients when the last process has closed a socket; until
 * then they would wait in it for nobody. */
static void stop_listening(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;

    if (worker->refusing) {
        return;
    }
    worker->refusing = true;
    server_stop_listening(worker->server);
    for (size_t i = 0; i < setup->listen_count; i++) {
        if (!custody_lost(&worker->warden.custody, setup->listen_fds[i])) {
            close(setup->listen_fds[i]);
        }
    }
    custody_drop(&worker->warden.custody, CUSTODY_LISTENER);
}

static void stop(struct worker *worker)
{
    stop_listening(worker);
    server_stop_accepting(worker->server);
    server_kill(worker->server);
    uv_stop(&worker->loop);
}

/* Clients are told to go. */
static void leave(struct worker *worker)
{
    struct farewell *farewell = &worker->farewell;

    farewell->told = true;
    server_stop_accepting(worker->server);
    core_drain(worker->core, farewell->code, farewell->reason,
               spread_ms(core_connections(worker->core), farewell->limit_ms));
}

static void look_drained(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    const struct farewell *farewell = &worker->farewell;
    size_t open = core_connections(worker->core);
    uint64_t sockets = stat_get(&worker->stats->sockets);
    uint64_t now = clock_now_ms();

    if (now >= farewell->until_ms) {
        if (open > 0) {
            log_warn("%zu connections did not close in time and are cut off",
                     open);
        }
        stop(worker);
    } else if (!farewell->told &&
               (now >= farewell->linger_until_ms || sockets == open)) {
        leave(worker);
    } else if (open == 0 && sockets == 0) {
        stop(worker);
    }
}

static void begin_drain(void *arg, int code, const char *reason,
                        uint64_t limit_ms, uint64_t linger_ms)
{
    struct worker *worker = arg;
    struct farewell *farewell = &worker->farewell;
    uint64_t now = clock_now_ms();

    if (uv_is_active((uv_handle_t *)&worker->drain)) {
        return;
    }
    turnover_abort(&worker->turnover);
    *farewell = (struct farewell){ .code = code,
                                   .limit_ms = limit_ms,
                                   .until_ms = now + limit_ms,
                                   .linger_until_ms = now + linger_ms };
    snprintf(farewell->reason, sizeof farewell->reason, "%s", reason);
    stop_listening(worker);
    if (linger_ms == 0) {
        leave(worker);
    }
    uv_timer_start(&worker->drain, look_drained, DRAIN_LOOK_MS, DRAIN_LOOK_MS);
}

static void quit(void *arg)
{
    stop(arg);
}

static void orphaned(void *arg)
{
    log_error("the master has gone: this worker ends, too");
    stop(arg);
}

/* ---- reload ------------------------------------------------------------ */

static void prepare(void *arg, const json_t *order)
{
    struct worker *worker = arg;

    turnover_prepare(&worker->turnover, order);
}

static void commit(void *arg, const json_t *order)
{
    struct worker *worker = arg;

    turnover_commit(&worker->turnover, order);
}

static void settled(void *arg)
{
    struct worker *worker = arg;

    if (worker->refusing) {
        return; /* it is to end already */
    }
    server_start(worker->server);
    errands_say(&worker->errands, json_pack("{s:s}", "event", "serving"));
}

/* Those that it replaces leave. */
static void serve(void *arg)
{
    struct worker *worker = arg;

    settle_begin(&worker->settle);
}

static void give_up(void *arg)
{
    struct worker *worker = arg;

    turnover_abort(&worker->turnover);
}

static void tell_uses(void *arg)
{
    struct worker *worker = arg;
    struct buf list = { 0 };
    json_t *images;

    shelf_list(&worker->shelf, &list);
    images = list.failed ? NULL : json_loadb(list.data, list.len, 0, NULL);
    errands_say(&worker->errands,
                json_pack("{s:s, s:o}", "event", "uses", "images", images));
    buf_free(&list);
}

static void watch_log(void *arg)
{
    struct worker *worker = arg;

    custody_drop(&worker->warden.custody, CUSTODY_LOG);
    custody_keep(&worker->warden.custody, log_descriptor(), CUSTODY_LOG);
}

/* What an operator has set by a command stays, unless the file says something
 * new. The master has opened the log first. */
static void adopt_log(const struct conf *conf, const struct conf *old)
{
    enum log_level level =
        conf->log_level != old->log_level ? conf->log_level : log_get_level();

    if (strcmp(conf->log_file, old->log_file) == 0 &&
        conf->log_format == old->log_format) {
        log_set_level(level);
    } else if (log_open(conf->log_file, conf->log_format, level) < 0) {
        log_error("cannot open the log %s: %s", conf->log_file,
                  reason_errno(errno));
    }
}

/* Where the last messages go, if they are wanted; else none are left. */
static struct recent *recent_of(const struct worker *worker,
                                const struct conf *conf)
{
    const struct worker_setup *setup = worker->setup;
    struct recent *recent = &board_remains(setup->board, setup->index)->recent;

    if (conf->crash_messages && conf->crash_reports > 0) {
        return recent;
    }
    recent_forget(recent);
    return NULL;
}

static void adopted(void *arg, const struct conf *conf, const struct conf *old)
{
    struct worker *worker = arg;

    worker->pages.conf = conf;
    worker->errands.conf = conf;
    adopt_log(conf, old);
    watch_log(worker);
    core_set_logging(worker->core, conf->log_access, conf->log_trace);
    core_set_queue_total(worker->core, conf->queue_total);
    core_set_receive_total(worker->core, conf->receive_total);
    core_set_recent(worker->core, recent_of(worker, conf));
    tell_uses(worker);
    enforce_bans(worker);
}

/* ---- the start --------------------------------------------------------- */

static void begin_watch(struct worker *worker)
{
    const struct worker_setup *setup = worker->setup;
    struct custody *custody = &worker->warden.custody;

    custody_keep(custody, uv_backend_fd(&worker->loop), CUSTODY_LOOP);
    custody_keep(custody, setup->channel_fd, CUSTODY_CHANNEL);
    custody_keep(custody, setup->bus_fd, CUSTODY_BUS);
    watch_log(worker);
    for (size_t i = 0; i < setup->listen_count; i++) {
        custody_keep(custody, setup->listen_fds[i], CUSTODY_LISTENER);
    }
    warden_begin(&worker->warden, worker->core, worker->stats);
    lastwords_ward(&worker->warden);
}

static int make_core(struct worker *worker, char *why, size_t why_size)
{
    const struct worker_setup *setup = worker->setup;
    unsigned incarnation = (unsigned)stat_get(
        &board_slot(setup->board, setup->index)->incarnation);
    struct core_setup core = {
        .transport = server_transport(),
        .transport_self = worker->server,
        .stats = worker->stats,
        .count_connections = count_connections,
        .count_address = count_address,
        .addresses = &worker->addresses,
        .count_arg = worker,
        .node = setup->conf->cluster.node,
        .archive = setup->board->archive,
        .bans = setup->board->bans,
        .worker = setup->index,
        .number = setup->number,
        .workers = setup->board->workers,
        .incarnation = incarnation,
        .queue_total = setup->conf->queue_total,
        .receive_total = setup->conf->receive_total,
        .log_access = setup->conf->log_access,
        .log_trace = setup->conf->log_trace,
        .recent = recent_of(worker, setup->conf),
    };

    struct joining joining = { .setup = setup,
                               .loop = &worker->loop,
                               .stats = worker->stats,
                               .incarnation = incarnation };

    worker->core = core_create(&core);
    if (worker->core == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    joining.core = worker->core;
    if (buses_create(&worker->buses, &joining, why, why_size) < 0) {
        return -1;
    }
    settle_init(&worker->settle, &worker->loop, setup->board,
                worker->buses.local, setup->index);
    worker->turnover.core = worker->core;
    lastwords_of(worker->core);
    begin_watch(worker);
    return turnover_begin(&worker->turnover, &worker->loop, setup->conf,
                          setup->pins->files, why, why_size);
}

static int make_server(struct worker *worker, char *why, size_t why_size)
{
    const struct worker_setup *setup = worker->setup;
    struct server_setup server = {
        .loop = &worker->loop,
        .conf = setup->conf,
        .stats = worker->stats,
        .connects = &worker->connects,
        .listen_fds = setup->listen_fds,
        .listen_tls = setup->listen_tls,
        .listen_count = setup->listen_count,
        .pems = setup->pems,
        .health = pages_health,
        .metrics = pages_metrics,
        .pages_arg = &worker->pages,
    };

    descriptors_limit(descriptors_of_worker(setup->conf));
    worker->server = server_create(&server);
    if (worker->server == NULL) {
        return reason_set(why, why_size,
                          "the server cannot be set up; the log says why");
    }
    return 0;
}

static int start(struct worker *worker, char *why, size_t why_size)
{
    const struct worker_setup *setup = worker->setup;
    char jobs[16];

    snprintf(jobs, sizeof jobs, "%u", setup->conf->jobs);
    setenv("UV_THREADPOOL_SIZE", jobs, 1);
    uv_timer_init(&worker->loop, &worker->beat);
    uv_timer_init(&worker->loop, &worker->drain);
    worker->beat.data = worker;
    worker->drain.data = worker;
    if (die_with_master(setup) < 0 || catch_signals(worker) < 0) {
        return reason_set(why, why_size, "cannot set up signals");
    }
    /* The server reads the TLS key, the plugins are only opened afterwards:
     * what the one may the others must not. Becoming another user undoes
     * die_with_master. */
    if (make_server(worker, why, why_size) < 0 ||
        account_become(setup->account, why, why_size) < 0) {
        return -1;
    }
    if (die_with_master(setup) < 0) {
        return reason_set(why, why_size, "the master has gone");
    }
    lastwords_prepare(setup->board, setup->index);
    if (make_core(worker, why, why_size) < 0) {
        return -1;
    }
    server_set_core(worker->server, worker->core);
    worker->errands.core = worker->core;
    worker->turnover.server = worker->server;
    errands_tell(setup->channel_fd, "ready", NULL);
    if (errands_open(&worker->errands, &worker->loop, setup->channel_fd) < 0) {
        return reason_set(why, why_size, "cannot listen to the master");
    }
    worker->shelf.freed = tell_uses;
    worker->bans_pending = true; /* it may have changed meanwhile */
    uv_timer_start(&worker->beat, beat, 0, BEAT_MS);
    if (setup->replaces != NULL) {
        adopt_log(setup->conf, setup->replaces);
        watch_log(worker);
    } else {
        server_start(worker->server);
    }
    return 0;
}

/* Of a start that failed some were never opened. */
static void close_handles(struct worker *worker)
{
    for (size_t i = 0; i < IGNORED_COUNT; i++) {
        if (worker->signals[i].type == UV_SIGNAL) {
            uv_close((uv_handle_t *)&worker->signals[i], NULL);
        }
    }
    uv_close((uv_handle_t *)&worker->beat, NULL);
    uv_close((uv_handle_t *)&worker->drain, NULL);
    settle_close(&worker->settle);
    turnover_close(&worker->turnover);
    errands_close(&worker->errands);
}

/* Siblings are left first: they hear no more of close and stop hooks that run
 * from here on, and nothing of theirs comes in between. */
static void finish(struct worker *worker)
{
    worker->shelf.freed = NULL; /* the master sees that all are */
    close_handles(worker);
    core_cancel_jobs(worker->core);
    core_set_bus(worker->core, NULL, NULL);
    buses_destroy(&worker->buses);
    lastwords_ward(NULL);
    warden_end(&worker->warden);
    server_close(worker->server);
    uv_run(&worker->loop, UV_RUN_DEFAULT); /* without a server, too */
    core_destroy(worker->core);
    lastwords_of(NULL);
    server_destroy(worker->server);
    turnover_finish(&worker->turnover);
    errands_finish(&worker->errands);
    if (uv_loop_close(&worker->loop) < 0) {
        log_warn("handles were left open at the end");
    }
}

int worker_run(const struct worker_setup *setup)
{
    struct worker worker = {
        .setup = setup,
        .stats = board_stats(setup->board, setup->index),
        .pages = { setup->board, setup->conf },
        .addresses = board_addresses(setup->board, setup->index),
        .connects = board_connects(setup->board),
        .shelf = { .images_dir = setup->images_dir },
        .turnover = { .adopted = adopted },
        .errands = { .conf = setup->conf,
                     .drain = begin_drain,
                     .quit = quit,
                     .reopened = watch_log,
                     .prepare = prepare,
                     .commit = commit,
                     .abort = give_up,
                     .serve = serve,
                     .bans = enforce_bans,
                     .orphaned = orphaned,
                     .now_ms = now_ms },
        .settle = { .done = settled },
        .log_lost = log_lost(), /* the master's, before the fork */
    };
    char name[32];
    char why[REASON_SIZE];

    snprintf(name, sizeof name, "worker %u", setup->index);
    log_identify(name);
    snprintf(name, sizeof name, "patchbay-%u", setup->index);
    prctl(PR_SET_NAME, name);
    worker.errands.arg = &worker;
    worker.shelf.arg = &worker;
    worker.turnover.arg = &worker;
    worker.settle.arg = &worker;
    worker.turnover.shelf = &worker.shelf;
    worker.turnover.errands = &worker.errands;
    if (uv_loop_init(&worker.loop) < 0) {
        errands_tell(setup->channel_fd, "failed", "cannot make an event loop");
        return 1;
    }
    if (start(&worker, why, sizeof why) < 0) {
        errands_tell(setup->channel_fd, "failed", why);
        finish(&worker);
        return 1;
    }
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    finish(&worker);
    return 0;
}
