/* master.c - the process that owns the sockets and keeps the workers */
#include "proc/master.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/account.h"
#include "proc/board.h"
#include "proc/commands.h"
#include "proc/control.h"
#include "proc/crew.h"
#include "proc/descriptors.h"
#include "proc/pins.h"
#include "proc/poller.h"
#include "proc/reason.h"
#include "proc/rundir.h"
#include "proc/sockets.h"

#define IMAGES    "images"
#define ADDRESSES "addresses"

struct master {
    const struct conf *conf;
    char *why;
    size_t why_size;
    bool failed;
    bool ended;
    struct poller poller;
    struct watch signals; /* a signalfd */
    struct account account;
    struct rundir rundir;
    char images_dir[PATH_MAX];
    struct pins pins;
    struct sockets sockets;
    struct board *board;
    struct crew *crew;
    struct control *control;
    struct commands *commands;
};

/* ---- the end ----------------------------------------------------------- */

static void drain(void *arg)
{
    struct master *master = arg;

    log_info("ending: clients are told to go, and waited for");
    board_set_draining(master->board);
    sockets_retire(&master->sockets);
    crew_drain(master->crew);
}

static void quit(void *arg)
{
    struct master *master = arg;

    log_info("ending now");
    board_set_draining(master->board);
    sockets_retire(&master->sockets);
    crew_quit(master->crew);
}

static void crew_ended(void *arg)
{
    struct master *master = arg;

    master->ended = true;
}

static void crew_failed(void *arg, const char *why)
{
    struct master *master = arg;

    master->failed = true;
    reason_set(master->why, master->why_size, "%s", why);
}

/* ---- what happens meanwhile -------------------------------------------- */

static void crew_ready(void *arg)
{
    struct master *master = arg;
    struct buf list = { 0 };
    char why[REASON_SIZE];

    sockets_list(&master->sockets, &list);
    if (list.failed || rundir_write(&master->rundir, ADDRESSES, list.data, why,
                                    sizeof why) < 0) {
        log_warn("%s", list.failed ? "out of memory" : why);
    }
    buf_free(&list);
    sockets_announce(&master->sockets);
}

static void crew_answered(void *arg, unsigned worker, json_int_t id,
                          const json_t *answer)
{
    struct master *master = arg;

    commands_answered(master->commands, worker, id, answer);
}

static void crew_died(void *arg, unsigned worker)
{
    struct master *master = arg;

    commands_died(master->commands, worker);
}

/* A log that root made is to be opened again by the workers' user. */
static int open_log(struct master *master, enum log_level level, char *why,
                    size_t why_size)
{
    const struct conf *conf = master->conf;

    if (log_open(conf->log_file, conf->log_format, level) < 0) {
        return reason_set(why, why_size, "[log] file: cannot open %s: %s",
                          conf->log_file, reason_errno(errno));
    }
    return strcmp(conf->log_file, "-") == 0
               ? 0
               : account_give(&master->account, conf->log_file, why, why_size);
}

static void reopen_log(struct master *master)
{
    json_t *order = json_pack("{s:s}", "do", "reopen");
    char why[REASON_SIZE];

    if (open_log(master, log_get_level(), why, sizeof why) < 0) {
        log_error("%s", why);
    }
    for (unsigned i = 0; i < master->conf->workers; i++) {
        crew_tell(master->crew, i, order);
    }
    json_decref(order);
}

/* Signals are merged: one CHLD may stand for many children. */
static void reap(struct master *master)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        (void)crew_reap(master->crew, pid, status);
    }
}

static void take_signal(struct master *master, uint32_t number)
{
    switch (number) {
    case SIGCHLD: reap(master); break;
    case SIGINT: quit(master); break;
    case SIGTERM:
        if (board_draining(master->board)) {
            quit(master);
        } else {
            drain(master);
        }
        break;
    case SIGHUP: commands_reload(master->commands); break;
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
    master->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    master->signals.events = POLLIN;
    master->signals.ready = take_signals;
    master->signals.arg = master;
    if (master->signals.fd < 0 ||
        poller_add(&master->poller, &master->signals) < 0) {
        return reason_set(master->why, master->why_size,
                          "cannot set up signals: %s", reason_errno(errno));
    }
    return 0;
}

static void in_child(void *arg)
{
    struct master *master = arg;

    close(master->signals.fd);
    rundir_forget(&master->rundir);
    control_forget(master->control);
}

static void in_check_child(void *arg)
{
    struct master *master = arg;

    in_child(arg);
    crew_forget(master->crew);
    sockets_forget(&master->sockets);
}

static int prepare_rundir(struct master *master)
{
    char *why = master->why;
    size_t size = master->why_size;

    if (rundir_open(&master->rundir, master->conf->run_dir, why, size) < 0 ||
        rundir_empty(&master->rundir, IMAGES, why, size) < 0) {
        return -1;
    }
    (void)rundir_path(master->conf->run_dir, IMAGES, master->images_dir,
                      sizeof master->images_dir);
    return pins_make(&master->pins, master->conf, master->images_dir, why,
                     size);
}

static int make_crew(struct master *master)
{
    struct crew_setup crew = {
        .poller = &master->poller,
        .conf = master->conf,
        .board = master->board,
        .account = &master->account,
        .pins = &master->pins,
        .images_dir = master->images_dir,
        .sockets = &master->sockets,
        .arg = master,
        .in_child = in_child,
        .ready = crew_ready,
        .failed = crew_failed,
        .answered = crew_answered,
        .died = crew_died,
        .ended = crew_ended,
    };
    struct commands_setup commands = {
        .poller = &master->poller,
        .conf = master->conf,
        .board = master->board,
        .sockets = &master->sockets,
        .arg = master,
        .drain = drain,
        .quit = quit,
        .in_child = in_check_child,
    };

    master->crew = crew_create(&crew);
    master->commands = commands_create(&commands);
    if (master->crew == NULL || master->commands == NULL) {
        return reason_set(master->why, master->why_size, "out of memory");
    }
    master->control =
        control_create(&master->poller, master->conf->run_dir, commands_request,
                       master->commands, master->why, master->why_size);
    if (master->control == NULL) {
        return -1;
    }
    commands_connect(master->commands, master->crew, master->control);
    return 0;
}

static void check_limits(const struct conf *conf)
{
    size_t wanted = descriptors_of_worker(conf);
    size_t master = descriptors_of_master(conf);
    size_t got = descriptors_limit(wanted > master ? wanted : master);

    if (got < descriptors_at_least(conf)) {
        log_warn("this system allows %zu open files to a process, so a worker "
                 "holds fewer connections than [limits] allows, which takes "
                 "%zu: raise it with ulimit -n, or LimitNOFILE in systemd",
                 got, wanted);
    }
    descriptors_limit(master);
}

static int start(struct master *master)
{
    const struct conf *conf = master->conf;
    char *why = master->why;
    size_t size = master->why_size;

    log_identify("master");
    if (account_find(&master->account, conf->user, why, size) < 0 ||
        open_log(master, conf->log_level, why, size) < 0 ||
        catch_signals(master) < 0) {
        return -1;
    }
    check_limits(conf);
    master->board = board_create(conf->workers, (unsigned)conf->route_count);
    if (master->board == NULL) {
        return reason_set(why, size, "out of memory");
    }
    if (prepare_rundir(master) < 0 ||
        sockets_open(&master->sockets, conf, &master->account, why, size) < 0 ||
        make_crew(master) < 0) {
        return -1;
    }
    if (crew_start(master->crew) < 0) {
        return reason_set(why, size, "no worker can be forked");
    }
    return 0;
}

static void finish(struct master *master)
{
    commands_destroy(master->commands);
    control_retire(master->control);
    crew_destroy(master->crew);
    sockets_close(&master->sockets);
    board_destroy(master->board);
    pins_free(&master->pins);
    if (master->rundir.lock_fd >= 0) {
        rundir_remove(&master->rundir, ADDRESSES);
        rundir_remove(&master->rundir, IMAGES);
        rundir_close(&master->rundir);
    }
    /* Who waits for the end sees it now, when another host can start. */
    control_destroy(master->control);
    if (master->signals.fd >= 0) {
        close(master->signals.fd);
    }
    poller_finish(&master->poller);
}

int master_run(const struct conf *conf, char *why, size_t why_size)
{
    struct master master = { .conf = conf,
                             .why = why,
                             .why_size = why_size,
                             .signals.fd = -1,
                             .rundir.lock_fd = -1 };

    master.failed = start(&master) < 0;
    while (!master.failed && !master.ended) {
        if (poller_turn(&master.poller) < 0) {
            reason_set(why, why_size, "poll: %s", reason_errno(errno));
            master.failed = true;
        }
    }
    /* A worker that cannot start takes the others with it. */
    while (master.crew != NULL && crew_alive(master.crew)) {
        crew_quit(master.crew);
        if (poller_turn(&master.poller) < 0) {
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
