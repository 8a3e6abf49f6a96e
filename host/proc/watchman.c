/* watchman.c - ends the workers of a board that hang */
#include "proc/watchman.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/hang.h"
#include "proc/postmortem.h"
#include "proc/seize.h"

#define IDLE_MS  1000 /* no limit is set: a reload may bring one */
#define DYING_MS 1000 /* for the last words of one that hangs */

struct watched {
    pid_t pid; /* whom the rest is about */
    struct hang hang;
    char why[320]; /* "": it gets on */
    bool deaf;     /* its remains were taken, or cannot be */
    uint64_t told_ms;
};

struct watchman {
    struct poller *poller;
    const struct board *board;
    const struct conf *const *conf;
    const struct conf *const *next;
    struct alarm_clock round;
    uint64_t round_ms;  /* when the last one was */
    uint64_t period_ms; /* and how long was to be waited for the next */
    struct watched workers[];
};

static void end_worker(struct watchman *watchman, unsigned worker)
{
    struct watched *watched = &watchman->workers[worker];
    char hook[256];

    postmortem_hook(hook, sizeof hook, watchman->board, worker);
    log_error("worker %u (pid %d) hangs%s%s: %s; ended", worker,
              (int)watched->pid, hook[0] != 0 ? " in " : "", hook,
              watched->why);
    watched->told_ms = clock_now_ms();
    /* To the thread of its loop: another has nothing to tell. */
    (void)syscall(SYS_tgkill, watched->pid, watched->pid, SIGABRT);
}

/* Nothing can be asked of it. What it has left already stays as it is: it may
 * be slow to die. */
static void take_stack(struct watchman *watchman, unsigned worker,
                       const char *deaf)
{
    struct watched *watched = &watchman->workers[worker];
    struct remains *remains = board_remains(watchman->board, worker);
    size_t len = strlen(watched->why), size = sizeof watched->why - len;
    char *end = watched->why + len;
    int error;

    if (watched->deaf || remains->wall_ms != 0) {
        return;
    }
    watched->deaf = true;
    error = seize_remains(remains, watched->pid);
    if (error == 0) {
        snprintf(end, size, "; SIGABRT %s, so its stack was read from outside",
                 deaf);
    } else {
        snprintf(end, size,
                 "; no stack, since SIGABRT %s, and it cannot be traced: %s",
                 deaf, strerror(error));
    }
}

static void end_deaf_worker(struct watchman *watchman, unsigned worker)
{
    struct watched *watched = &watchman->workers[worker];
    const char *deaf = hang_deaf(watched->pid, SIGABRT);

    log_warn("worker %u (pid %d) does not even abort, since SIGABRT %s: killed",
             worker, (int)watched->pid, deaf);
    take_stack(watchman, worker, deaf);
    watched->told_ms = clock_now_ms();
    kill(watched->pid, SIGKILL);
}

static void look_at(struct watchman *watchman, unsigned worker,
                    uint64_t elapsed_ms)
{
    const struct board_slot *slot = board_slot(watchman->board, worker);
    struct watched *watched = &watchman->workers[worker];
    pid_t pid = atomic_load(&slot->pid);
    const struct hang_rule rule = {
        .conf = *watchman->conf,
        .next = *watchman->next,
        .beats = atomic_load(&slot->state) == WORKER_RUNNING,
    };

    if (pid != watched->pid) {
        *watched = (struct watched){ .pid = pid };
    }
    if (pid <= 0) {
        return;
    }
    if (watched->why[0] != 0) {
        if (clock_now_ms() - watched->told_ms >= DYING_MS) {
            end_deaf_worker(watchman, worker);
        }
    } else if (hang_look(&watched->hang, board_stats(watchman->board, worker),
                         &rule, pid, elapsed_ms, watched->why,
                         sizeof watched->why)) {
        end_worker(watchman, worker);
    }
}

static void plan(struct watchman *watchman)
{
    watchman->round_ms = clock_now_ms();
    watchman->period_ms = hang_period_ms(*watchman->conf);
    if (watchman->period_ms == 0) {
        watchman->period_ms = IDLE_MS;
    }
    poller_set_alarm(watchman->poller, &watchman->round,
                     watchman->round_ms + watchman->period_ms);
}

static void make_round(struct alarm_clock *alarm)
{
    struct watchman *watchman = alarm->arg;
    uint64_t elapsed_ms =
        hang_elapsed(watchman->round_ms, clock_now_ms(), watchman->period_ms);

    for (unsigned i = 0; i < watchman->board->workers; i++) {
        look_at(watchman, i, elapsed_ms);
    }
    plan(watchman);
}

struct watchman *watchman_create(struct poller *poller,
                                 const struct board *board,
                                 const struct conf *const *conf,
                                 const struct conf *const *next)
{
    struct watchman *watchman =
        calloc(1, sizeof *watchman + board->workers * sizeof(struct watched));

    if (watchman != NULL) {
        watchman->poller = poller;
        watchman->board = board;
        watchman->conf = conf;
        watchman->next = next;
        watchman->round.ring = make_round;
        watchman->round.arg = watchman;
        plan(watchman);
    }
    return watchman;
}

const char *watchman_why(const struct watchman *watchman, unsigned worker)
{
    const struct watched *watched;
    const struct board_slot *slot;

    if (watchman == NULL) {
        return NULL;
    }
    watched = &watchman->workers[worker];
    slot = board_slot(watchman->board, worker);
    return watched->why[0] != 0 && watched->pid == atomic_load(&slot->pid)
               ? watched->why
               : NULL;
}

void watchman_destroy(struct watchman *watchman)
{
    if (watchman != NULL) {
        poller_clear_alarm(watchman->poller, &watchman->round);
        free(watchman);
    }
}
