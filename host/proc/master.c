/* master.c - the process that owns the sockets and keeps the workers */
#include "proc/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/archive.h"
#include "net/tls.h"
#include "proc/breaker.h"
#include "proc/commands.h"
#include "proc/control.h"
#include "proc/descriptors.h"
#include "proc/host.h"
#include "proc/mend.h"
#include "proc/notify.h"
#include "proc/reason.h"
#include "proc/renewal.h"
#include "proc/slots.h"
#include "proc/succession.h"
#include "proc/tally.h"
#include "proc/vigil.h"

#define IMAGES    "images"
#define ADDRESSES "addresses"

struct master {
    struct host host;
    char *why;
    size_t why_size;
    bool failed;
    bool ended;
    struct watch signals; /* a signalfd */
    struct control *control;
    struct commands *commands;
    struct vigil vigil;
    struct notify notify;
};

/* ---- the end ----------------------------------------------------------- */

/* The sockets go first: nobody is to come while the others leave. */
static void begin_end(struct master *master, uint64_t within_ms)
{
    struct host *host = &master->host;

    board_set_draining(host->now->board);
    renewal_end(commands_renewal(master->commands));
    notify_stopping(&master->notify, within_ms);
    sockets_retire(&host->now->sockets);
}

static void drain(void *arg)
{
    struct master *master = arg;
    struct generation *now = master->host.now;

    log_info("ending: clients are told to go, and waited for");
    begin_end(master, now->conf->drain_ms);
    crew_drain(now->crew,
               &(struct crew_farewell){ .code = 1001,
                                        .reason = "going away",
                                        .limit_ms = now->conf->drain_ms });
}

static void quit_all(struct master *master)
{
    struct generation *leaving = master->host.leaving;

    if (master->host.now != NULL && master->host.now->crew != NULL) {
        crew_quit(master->host.now->crew);
    }
    while (leaving != NULL) {
        struct generation *next = leaving->next;

        if (leaving->crew != NULL) {
            crew_quit(leaving->crew);
        }
        leaving = next;
    }
}

static void quit(void *arg)
{
    struct master *master = arg;

    log_info("ending now");
    begin_end(master, 0);
    quit_all(master);
}

static bool any_alive(const struct master *master)
{
    const struct host *host = &master->host;

    if (host->now->crew != NULL && crew_alive(host->now->crew)) {
        return true;
    }
    for (const struct generation *leaving = host->leaving; leaving != NULL;
         leaving = leaving->next) {
        if (leaving->crew != NULL) {
            return true;
        }
    }
    return host->coming != NULL;
}

/* ---- what happens meanwhile -------------------------------------------- */

static void write_addresses(struct master *master)
{
    struct buf list = { 0 };
    char why[REASON_SIZE];

    sockets_list(&master->host.now->sockets, &list);
    if (list.failed || rundir_write(&master->host.rundir, ADDRESSES, list.data,
                                    why, sizeof why) < 0) {
        log_warn("%s", list.failed ? "out of memory" : why);
    }
    buf_free(&list);
    sockets_announce(&master->host.now->sockets);
}

static void crew_ready(void *arg, struct generation *generation)
{
    struct master *master = arg;

    if (generation == master->host.coming) {
        renewal_ready(commands_renewal(master->commands));
    } else {
        write_addresses(master);
        notify_ready(&master->notify);
    }
}

static void crew_failed(void *arg, struct generation *generation,
                        const char *why)
{
    struct master *master = arg;

    if (generation == master->host.coming) {
        renewal_failed(commands_renewal(master->commands), why);
    } else {
        master->failed = true;
        reason_set(master->why, master->why_size, "%s", why);
    }
}

static void crew_ended(void *arg, struct generation *generation)
{
    struct master *master = arg;
    bool coming = generation == master->host.coming;

    succession_ended(&master->host, generation);
    if (coming) {
        renewal_ended(commands_renewal(master->commands));
    } else {
        renewal_sweep(commands_renewal(master->commands));
    }
    master->ended =
        board_draining(master->host.now->board) && !any_alive(master);
}

/* Nobody asks workers that are to come or leave. */
static void crew_answered(void *arg, struct generation *generation,
                          unsigned worker, json_int_t id, const json_t *answer)
{
    struct master *master = arg;

    if (generation == master->host.now) {
        commands_answered(master->commands, worker, id, answer);
    }
}

static void crew_changed(void *arg)
{
    struct master *master = arg;

    renewal_sweep(commands_renewal(master->commands));
}

static void crew_died(void *arg, struct generation *generation, unsigned worker)
{
    struct master *master = arg;

    if (generation == master->host.now) {
        commands_died(master->commands, worker);
        (void)mend_rundir(&master->host, master->control,
                          commands_renewal(master->commands));
    }
}

/* A log that root made is to be opened again by the workers' user. */
static int open_log(struct master *master, enum log_level level, char *why,
                    size_t why_size)
{
    const struct conf *conf = master->host.now->conf;

    if (log_open(conf->log_file, conf->log_format, level) < 0) {
        return reason_set(why, why_size, "[log] file: cannot open %s: %s",
                          conf->log_file, reason_errno(errno));
    }
    return strcmp(conf->log_file, "-") == 0
               ? 0
               : account_give(&master->host.now->account, conf->log_file, why,
                              why_size);
}

static void reopen_log(struct master *master)
{
    char why[REASON_SIZE];

    if (open_log(master, log_get_level(), why, sizeof why) < 0) {
        log_error("%s", why);
    }
    crew_tell_all(master->host.now->crew, "reopen");
    for (const struct generation *leaving = master->host.leaving;
         leaving != NULL; leaving = leaving->next) {
        if (leaving->crew != NULL) {
            crew_tell_all(leaving->crew, "reopen");
        }
    }
}

/* ---- reload ------------------------------------------------------------ */

static int can_adopt(void *arg, const struct conf *conf, char *why,
                     size_t why_size)
{
    const struct master *master = arg;
    int fd;

    if (strcmp(conf->log_file, master->host.now->conf->log_file) == 0 ||
        strcmp(conf->log_file, "-") == 0) {
        return 0;
    }
    fd = open(conf->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) {
        return reason_set(why, why_size, "[log] file: cannot open %s: %s",
                          conf->log_file, reason_errno(errno));
    }
    close(fd);
    return account_give(&master->host.now->account, conf->log_file, why,
                        why_size);
}

static void adopted(void *arg, const struct conf *old, bool replaced)
{
    struct master *master = arg;
    const struct conf *conf = master->host.now->conf;
    enum log_level level =
        conf->log_level != old->log_level ? conf->log_level : log_get_level();
    char why[REASON_SIZE];

    if (!replaced && strcmp(conf->log_file, old->log_file) == 0 &&
        conf->log_format == old->log_format) {
        log_set_level(level);
    } else if (open_log(master, level, why, sizeof why) < 0) {
        log_error("%s", why);
    }
    if (control_set_group(master->control, conf->control_group, why,
                          sizeof why) < 0) {
        log_error("%s", why);
    }
    if (replaced) {
        write_addresses(master);
    }
    tls_warn(conf);
    vigil_keep(&master->vigil, conf);
}

static void busy(void *arg, bool is_busy)
{
    struct master *master = arg;

    if (is_busy) {
        notify_reloading(&master->notify);
    } else {
        notify_ready(&master->notify);
    }
}

static void files_changed(void *arg)
{
    struct master *master = arg;

    renewal_request(commands_renewal(master->commands), 0);
}

/* ---- signals ----------------------------------------------------------- */

/* Signals are merged: one CHLD may stand for many children. */
static bool reap_one(const struct generation *generation, pid_t pid, int status)
{
    return generation != NULL && generation->crew != NULL &&
           crew_reap(generation->crew, pid, status);
}

static void reap(struct master *master)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        const struct generation *leaving = master->host.leaving;

        if (WIFSTOPPED(status) || /* late, for seize.c: it has not ended */
            reap_one(master->host.now, pid, status) ||
            reap_one(master->host.coming, pid, status)) {
            continue;
        }
        while (leaving != NULL && !reap_one(leaving, pid, status)) {
            leaving = leaving->next;
        }
    }
}

static void take_signal(struct master *master, uint32_t number)
{
    switch (number) {
    case SIGCHLD: reap(master); break;
    case SIGINT: quit(master); break;
    case SIGTERM:
        if (board_draining(master->host.now->board)) {
            quit(master);
        } else {
            drain(master);
        }
        break;
    case SIGHUP:
        if (!mend_rundir(&master->host, master->control,
                         commands_renewal(master->commands))) {
            renewal_request(commands_renewal(master->commands), 0);
        }
        break;
    case SIGUSR1: reopen_log(master); break;
    default: break;
    }
}

static void take_signals(struct watch *watch, short revents)
{
    struct signalfd_siginfo info;

    (void)revents;
    while (read(watch->fd, &info, sizeof info) == sizeof info) {
        take_signal(watch->arg, info.ssi_signo);
    }
}

/* ---- the start --------------------------------------------------------- */

static int catch_signals(struct master *master)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGCHLD, SIG_DFL); /* ignored, children would leave no status */
    signal(SIGPIPE, SIG_IGN); /* a log that is a pipe may lose its reader */
    signal(SIGXFSZ, SIG_IGN); /* one that is a file may be as big as allowed */
    master->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    master->signals.events = POLLIN;
    master->signals.ready = take_signals;
    master->signals.arg = master;
    if (master->signals.fd < 0 ||
        poller_add(&master->host.poller, &master->signals) < 0) {
        return reason_set(master->why, master->why_size,
                          "cannot set up signals: %s", reason_errno(errno));
    }
    return 0;
}

static void in_child(void *arg)
{
    struct master *master = arg;

    close(master->signals.fd);
    host_forget(&master->host);
    notify_forget(&master->notify);
    control_forget(master->control);
    vigil_forget(&master->vigil);
}

static void forget(struct generation *generation)
{
    if (generation != NULL) {
        if (generation->crew != NULL) {
            crew_forget(generation->crew);
        }
        sockets_forget(&generation->sockets);
    }
}

static void in_check_child(void *arg)
{
    struct master *master = arg;

    in_child(arg);
    forget(master->host.now);
    forget(master->host.coming);
    for (struct generation *leaving = master->host.leaving; leaving != NULL;
         leaving = leaving->next) {
        forget(leaving);
    }
}

static int prepare_rundir(struct master *master)
{
    char *why = master->why;
    size_t size = master->why_size;

    if (rundir_open(&master->host.rundir, master->host.now->conf->run_dir, why,
                    size) < 0 ||
        rundir_empty(&master->host.rundir, IMAGES, why, size) < 0) {
        return -1;
    }
    (void)rundir_path(master->host.now->conf->run_dir, IMAGES,
                      master->host.images_dir, sizeof master->host.images_dir);
    /* A worker says what is wrong with the latter. */
    (void)pems_read(&master->host.now->pems, master->host.now->conf, why, size);
    return pins_make(&master->host.now->pins, master->host.now->conf,
                     master->host.images_dir, why, size);
}

static int start_crew(struct master *master)
{
    struct commands_setup commands = {
        .host = &master->host,
        .arg = master,
        .drain = drain,
        .quit = quit,
        .in_child = in_check_child,
        .can_adopt = can_adopt,
        .adopted = adopted,
        .busy = busy,
    };

    master->commands = commands_create(&commands);
    if (master->commands == NULL) {
        return reason_set(master->why, master->why_size, "out of memory");
    }
    master->control = control_create(
        &master->host.poller, master->host.now->conf->run_dir, commands_request,
        master->commands, master->why, master->why_size);
    if (master->control == NULL ||
        control_set_group(master->control,
                          master->host.now->conf->control_group, master->why,
                          master->why_size) < 0) {
        return -1;
    }
    if (generation_start(master->host.now, NULL, master->why,
                         master->why_size) < 0) {
        return -1;
    }
    commands_connect(master->commands, master->control);
    control_count_in(master->control, master->host.tally);
    vigil_keep(&master->vigil, master->host.now->conf);
    return 0;
}

static int start(struct master *master, const struct conf *conf)
{
    struct host *host = &master->host;
    char *why = master->why;
    size_t size = master->why_size;

    log_identify("master");
    host_shield();
    host->breaker = breaker_create();
    host->tally = tally_create();
    host->archive = archive_create(conf->history_memory);
    if (host->breaker == NULL || host->tally == NULL || host->archive == NULL) {
        return reason_set(why, size, "out of memory");
    }
    notify_begin(&master->notify, &host->poller);
    if (inherited_take(&host->inherited, why, size) < 0) {
        return -1;
    }
    host->now = generation_create(host, conf, NULL);
    if (host->now == NULL) {
        return reason_set(why, size, "out of memory");
    }
    slots_name(host->now->board, conf);
    if (account_find(&host->now->account, conf->user, why, size) < 0 ||
        open_log(master, conf->log_level, why, size) < 0 ||
        catch_signals(master) < 0) {
        return -1;
    }
    descriptors_prepare(conf);
    host->crashes = (struct crashes){ .poller = &host->poller,
                                      .run_dir = conf->run_dir,
                                      .images_dir = host->images_dir,
                                      .tally = host->tally,
                                      .in_child = in_check_child,
                                      .arg = master };
    tls_warn(conf);
    if (prepare_rundir(master) < 0 ||
        inherited_check(&host->inherited, conf, why, size) < 0 ||
        sockets_open(&host->now->sockets, conf, &host->now->account,
                     &host->inherited, why, size) < 0) {
        return -1;
    }
    return start_crew(master);
}

static void destroy_generations(struct host *host)
{
    while (host->leaving != NULL) {
        struct generation *next = host->leaving->next;

        generation_destroy(host->leaving);
        host->leaving = next;
    }
    generation_destroy(host->now);
}

static void finish(struct master *master)
{
    struct host *host = &master->host;

    vigil_end(&master->vigil);
    crashes_finish(&host->crashes);
    commands_destroy(master->commands);
    control_retire(master->control);
    destroy_generations(host);
    breaker_destroy(host->breaker);
    tally_destroy(host->tally);
    archive_destroy(host->archive);
    if (host->rundir.lock_fd >= 0) {
        rundir_remove(&host->rundir, ADDRESSES);
        rundir_remove(&host->rundir, IMAGES);
        rundir_close(&host->rundir);
    }
    /* Who waits for the end sees it now, when another host can start. */
    control_destroy(master->control);
    inherited_close(&host->inherited);
    notify_end(&master->notify);
    if (master->signals.fd >= 0) {
        close(master->signals.fd);
    }
    poller_finish(&host->poller);
}

int master_run(const struct conf *conf, char *why, size_t why_size)
{
    struct master master = { .host.rundir.lock_fd = -1,
                             .why = why,
                             .why_size = why_size,
                             .signals.fd = -1 };

    master.host.events = (struct generation_events){
        .arg = &master,
        .in_child = in_child,
        .ready = crew_ready,
        .failed = crew_failed,
        .answered = crew_answered,
        .uses = crew_changed,
        .died = crew_died,
        .ended = crew_ended,
    };
    master.vigil = (struct vigil){ .poller = &master.host.poller,
                                   .changed = files_changed,
                                   .arg = &master };
    master.failed = start(&master, conf) < 0;
    while (!master.failed && !master.ended) {
        if (poller_turn(&master.host.poller) < 0) {
            reason_set(why, why_size, "poll: %s", reason_errno(errno));
            master.failed = true;
        }
    }
    /* A worker that cannot start takes the others with it. */
    while (master.host.now != NULL && any_alive(&master)) {
        quit_all(&master);
        if (poller_turn(&master.host.poller) < 0) {
            break;
        }
    }
    finish(&master);
    if (master.failed) {
        log_error("%s", why);
    } else {
        log_info("ended");
    }
    return master.failed ? -1 : 0;
}
