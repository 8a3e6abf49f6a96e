/* crew.c - the workers, as the master keeps them: started, watched, replaced */
#include "proc/crew.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/crew-t.h"
#include "proc/hearsay.h"
#include "proc/launch.h"
#include "proc/postmortem.h"
#include "proc/recycle.h"
#include "proc/tally.h"

/* A worker's longest line is its list of connections. */
#define LINE_MAX_BYTES ((size_t)64 << 20)

#define QUIT_MS       2000  /* to end at once, stop hooks included */
#define SLOW_START_MS 10000 /* then the log tells what it waits for */

static bool ending(const struct crew *crew)
{
    return crew->phase == DRAINING || crew->phase == QUITTING;
}

static void set_watchdog(struct member *member, uint64_t after_ms)
{
    poller_set_alarm(member->crew->setup.poller, &member->watchdog,
                     clock_now_ms() + after_ms);
}

static void watchdog(struct alarm_clock *alarm)
{
    struct member *member = alarm->arg;
    const struct crew_setup *setup = &member->crew->setup;
    char hook[256];

    postmortem_hook(hook, sizeof hook, setup->board, member->index);
    if (ending(member->crew) || member->leaving) {
        log_warn("worker %u (pid %d) does not end%s%s: killed", member->index,
                 (int)member->pid, hook[0] != 0 ? ", being in " : "", hook);
        kill(member->pid, SIGKILL);
    } else if ((!member->serving || member->waits) && !recycle_late(member)) {
        log_warn("worker %u (pid %d) is still starting%s%s", member->index,
                 (int)member->pid, hook[0] != 0 ? ", in " : "", hook);
        set_watchdog(member, SLOW_START_MS);
    }
}

static bool all_serve(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        if (!crew->members[i].serving && !crew->members[i].spare) {
            return false;
        }
    }
    return true;
}

static void is_ready(struct member *member)
{
    struct crew *crew = member->crew;
    struct board_slot *slot = board_slot(crew->setup.board, member->index);

    member->serving = true;
    if (ending(crew)) {
        return;
    }
    atomic_store(&slot->state, WORKER_RUNNING);
    if (recycle_ready(member)) {
        return; /* it is still watched */
    }
    poller_clear_alarm(crew->setup.poller, &member->watchdog);
    if (crew->phase == STARTING && all_serve(crew)) {
        crew->phase = SERVING;
        recycle_begin(crew);
        crew->setup.ready(crew->setup.arg);
    } else if (member->died_ms != 0) {
        log_info("worker %u is back as pid %d, after %" PRIu64 " ms",
                 member->index, (int)member->pid,
                 clock_now_ms() - member->died_ms);
    }
}

static void heard_event(struct member *member, const char *event,
                        const json_t *message)
{
    const char *why = json_string_value(json_object_get(message, "why"));

    if (strcmp(event, "ready") == 0) {
        is_ready(member);
    } else if (strcmp(event, "serving") == 0) {
        recycle_serves(member);
    } else if (strcmp(event, "failed") == 0) {
        snprintf(member->failure, sizeof member->failure, "%s",
                 why != NULL ? why : "for an unknown reason");
    } else if (strcmp(event, "uses") == 0) {
        json_decref(member->uses);
        member->uses = json_incref(json_object_get(message, "images"));
        member->crew->setup.uses(member->crew->setup.arg);
    }
}

static void heard(struct lines *lines, char *text, size_t len)
{
    struct member *member = lines->arg;
    const struct crew_setup *setup = &member->crew->setup;
    json_t *message = json_loadb(text, len, 0, NULL);
    const json_t *id = json_object_get(message, "id");
    const char *event = json_string_value(json_object_get(message, "event"));

    if (event != NULL) {
        heard_event(member, event, message);
    } else if (json_is_integer(id)) {
        setup->answered(setup->arg, member->index, json_integer_value(id),
                        message);
    }
    json_decref(message);
}

/* Its end comes as a signal; one that lives on without a channel cannot be
 * told anything any more. */
static void fell_silent(struct lines *lines, const char *why)
{
    struct member *member = lines->arg;

    if (why != NULL) {
        log_error("worker %u (pid %d) breaks the channel to the master: %s; "
                  "killed",
                  member->index, (int)member->pid, why);
        kill(member->pid, SIGKILL);
    }
    lines_close(lines);
}

static void respawn_later(struct member *member)
{
    poller_set_alarm(member->crew->setup.poller, &member->respawn,
                     clock_now_ms() + member->backoff.delay_ms);
}

/* The conf of whom it is to replace: it waits for the order to serve. */
static const struct conf *replaced_by(const struct member *member)
{
    const struct crew *crew = member->crew;

    if (crew->phase == STARTING) {
        return crew->setup.replaces;
    }
    return member->succeeds != NULL ? crew->setup.conf : NULL;
}

void crew_spawn(struct member *member)
{
    const struct crew_setup *setup = &member->crew->setup;
    int error, fd;

    member->due = member->crew->held;
    if (member->due) {
        return;
    }
    member->serving = false;
    member->failure[0] = 0;
    member->born_ms = clock_now_ms();
    recycle_born(member);
    error = launch_worker(setup, member->crew, member->index, member->number,
                          replaced_by(member), &member->pid, &fd);
    if (error != 0) {
        backoff_next(&member->backoff, 0);
        log_error("cannot fork worker %u: %s; again in %" PRIu64 " ms",
                  member->index, reason_errno(error), member->backoff.delay_ms);
        respawn_later(member);
        return;
    }
    if (lines_open(&member->channel, setup->poller, fd) < 0) {
        kill(member->pid, SIGKILL);
    }
    board_begin(setup->board, member->index, member->pid);
    set_watchdog(member, SLOW_START_MS);
}

static void respawn(struct alarm_clock *alarm)
{
    crew_spawn(alarm->arg);
}

struct crew *crew_create(const struct crew_setup *setup)
{
    unsigned count = setup->board->workers;
    struct crew *crew = calloc(1, sizeof *crew + count * sizeof(struct member));

    if (crew == NULL) {
        return NULL;
    }
    crew->setup = *setup;
    crew->count = count;
    for (unsigned i = 0; i < count; i++) {
        struct member *member = &crew->members[i];

        member->crew = crew;
        member->index = i;
        member->number = i;
        member->spare = i >= setup->board->wanted;
        member->channel.line_max = LINE_MAX_BYTES;
        member->channel.line = heard;
        member->channel.gone = fell_silent;
        member->channel.arg = member;
        member->respawn.ring = respawn;
        member->respawn.arg = member;
        member->watchdog.ring = watchdog;
        member->watchdog.arg = member;
    }
    return crew;
}

int crew_start(struct crew *crew)
{
    for (unsigned i = 0; i < crew->setup.board->wanted; i++) {
        crew_spawn(&crew->members[i]);
    }
    return crew_alive(crew) ? 0 : -1;
}

static void start_failed(struct member *member, const char *why)
{
    struct crew *crew = member->crew;

    if (!crew->told_failure) {
        crew->told_failure = true;
        crew->setup.failed(crew->setup.arg, why);
    }
    /* There are no clients yet, so nothing is lost. */
    crew->phase = QUITTING;
    for (unsigned i = 0; i < crew->count; i++) {
        if (crew->members[i].pid != 0) {
            kill(crew->members[i].pid, SIGKILL);
        }
    }
}

/* culprit: the plugin that ended it, or NULL. As long as such are stopped in
 * time nobody needs to wait. */
static void replace(struct member *member, const char *what, uint64_t lived_ms,
                    const struct culprit *culprit)
{
    const struct crew_setup *setup = &member->crew->setup;

    if (culprit == NULL || setup->conf->crash_limit == 0) {
        backoff_next(&member->backoff, lived_ms);
    } else {
        member->backoff.delay_ms = 0;
    }
    if (member->backoff.delay_ms == 0) {
        log_error("%s; restarted", what);
    } else {
        log_error("%s; restarted in %" PRIu64 " ms", what,
                  member->backoff.delay_ms);
    }
    if (culprit != NULL) {
        setup->crashed(setup->arg, culprit);
    }
    if (member->backoff.delay_ms == 0) {
        crew_spawn(member);
    } else {
        respawn_later(member);
    }
}

static struct member *find_pid(struct crew *crew, pid_t pid)
{
    for (unsigned i = 0; i < crew->count; i++) {
        if (crew->members[i].pid == pid) {
            return &crew->members[i];
        }
    }
    return NULL;
}

/* What remains of it is read and told; nothing of it is left afterwards. */
static void bury(struct member *member, int status, bool crashed, char *what,
                 size_t size)
{
    const struct crew_setup *setup = &member->crew->setup;

    lines_drain(&member->channel);
    lines_close(&member->channel);
    poller_clear_alarm(setup->poller, &member->watchdog);
    if (member->failure[0] != 0) {
        snprintf(what, size, "%s", member->failure);
    } else {
        hearsay_tell(setup->board, member->index, setup->conf, setup->pins);
        postmortem_death(what, size, setup->board, member->index,
                         (int)member->pid, status);
        crashes_note(setup->crashes, setup->board, member->index, member->pid,
                     status, what, watchman_why(setup->watchman, member->index),
                     setup->conf->crash_reports, setup->account);
    }
    snprintf(member->deed, sizeof member->deed, "%s", crashed ? what : "");
    board_bury(setup->board, member->index);
    member->pid = 0;
    member->serving = false;
    json_decref(member->uses);
    member->uses = NULL;
    setup->died(setup->arg, member->index);
}

bool crew_reap(struct crew *crew, pid_t pid, int status)
{
    struct member *member = find_pid(crew, pid);
    char what[REASON_SIZE + 64];
    char failure[REASON_SIZE + 128];
    uint64_t now = clock_now_ms();
    struct culprit culprit;
    uint64_t lived_ms;
    bool crashed;

    if (member == NULL) {
        return false;
    }
    lived_ms = now - member->born_ms;
    board_settle(crew->setup.board, member->index);
    crashed = postmortem_culprit(
        &culprit, crew->setup.board, member->index, status,
        watchman_why(crew->setup.watchman, member->index) != NULL);
    if (culprit.hung) {
        tally_hang(crew->setup.board->tally);
    }
    bury(member, status, crashed, what, sizeof what);
    member->died_ms = now;
    if (crew->phase == STARTING) {
        start_failed(member, what);
    } else if (crew->phase == SERVING) {
        if (recycle_died(member, what, status == 0 && !crashed)) {
            if (crashed) {
                crew->setup.crashed(crew->setup.arg, &culprit);
            }
        } else if (member->failure[0] != 0) {
            snprintf(failure, sizeof failure,
                     "worker %u cannot be restarted: %s", member->index, what);
            replace(member, failure, lived_ms, NULL);
        } else {
            replace(member, what, lived_ms, crashed ? &culprit : NULL);
        }
    } else if (!crew->told_failure && (status != 0 || crashed) &&
               !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
        log_error("%s", what);
        if (crashed) {
            crew->setup.crashed(crew->setup.arg, &culprit);
        }
    }
    if (ending(crew) && !crew_alive(crew)) {
        crew->setup.ended(crew->setup.arg);
    }
    return true;
}

void crew_adopt(struct crew *crew, const struct conf *conf)
{
    crew->setup.conf = conf;
    crew->told_too_low = false; /* the limits may be others */
}

int crew_starting(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        const struct member *member = &crew->members[i];

        if (member->pid != 0 && (!member->serving || member->waits)) {
            return (int)i;
        }
    }
    return -1;
}

bool crew_is_down(const struct crew *crew, unsigned worker)
{
    return crew->members[worker].pid == 0;
}

bool crew_serves(const struct crew *crew, unsigned worker)
{
    const struct member *member = &crew->members[worker];

    return member->pid != 0 && member->serving;
}

const char *crew_ended_by(const struct crew *crew, unsigned worker)
{
    const struct member *member = &crew->members[worker];

    return member->deed[0] != 0 ? member->deed : NULL;
}

bool crew_is_spare(const struct crew *crew, unsigned worker)
{
    return crew->members[worker].spare;
}

bool crew_is_leaving(const struct crew *crew, unsigned worker)
{
    return crew->members[worker].leaving;
}

void crew_hold(struct crew *crew)
{
    crew->held = true;
}

void crew_release(struct crew *crew, bool anew)
{
    crew->held = false;
    for (unsigned i = 0; i < crew->count && crew->phase == SERVING; i++) {
        struct member *member = &crew->members[i];

        if (member->pid != 0 || member->spare) {
            continue;
        }
        if (anew) {
            member->backoff = (struct backoff){ 0 };
        }
        if (anew || member->due) {
            poller_clear_alarm(crew->setup.poller, &member->respawn);
            crew_spawn(member);
        }
    }
}

bool crew_uses(const struct crew *crew, const char *image)
{
    for (unsigned i = 0; i < crew->count; i++) {
        const json_t *used;
        size_t k;

        json_array_foreach(crew->members[i].uses, k, used)
        {
            const char *name = json_string_value(used);

            /* A worker has foreign code in it, and may say anything. */
            if (name != NULL && strcmp(name, image) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool crew_tell(struct crew *crew, unsigned worker, const json_t *order)
{
    struct member *member = &crew->members[worker];
    char *text;
    bool sent;

    if (!member->serving || !member->channel.open) {
        return false;
    }
    text = json_dumps(order, JSON_COMPACT);
    sent =
        text != NULL && lines_send(&member->channel, text, strlen(text)) == 0;
    free(text);
    return sent;
}

void crew_tell_all(struct crew *crew, const char *word)
{
    json_t *order = json_pack("{s:s}", "do", word);

    for (unsigned i = 0; i < crew->count; i++) {
        (void)crew_tell(crew, i, order);
    }
    json_decref(order);
}

/* One that is only starting has nobody to take leave of. */
void crew_send_off(struct member *member, const json_t *order,
                   uint64_t limit_ms)
{
    const struct crew_setup *setup = &member->crew->setup;

    if (crew_tell(member->crew, member->index, order)) {
        atomic_store(&board_slot(setup->board, member->index)->state,
                     WORKER_DRAINING);
        set_watchdog(member, limit_ms);
    } else {
        kill(member->pid, SIGKILL);
    }
}

static void tell_end(struct crew *crew, const json_t *order, uint64_t limit_ms)
{
    recycle_end(crew);
    for (unsigned i = 0; i < crew->count; i++) {
        struct member *member = &crew->members[i];

        poller_clear_alarm(crew->setup.poller, &member->respawn);
        if (member->pid != 0) {
            crew_send_off(member, order, limit_ms);
        }
    }
    if (!crew_alive(crew)) {
        crew->setup.ended(crew->setup.arg);
    }
}

json_t *crew_farewell_order(const struct crew_farewell *farewell)
{
    return json_pack("{s:s, s:i, s:s, s:I, s:I}", "do", "drain", "code",
                     farewell->code, "reason", farewell->reason, "limit_ms",
                     (json_int_t)farewell->limit_ms, "linger_ms",
                     (json_int_t)farewell->linger_ms);
}

void crew_drain(struct crew *crew, const struct crew_farewell *farewell)
{
    json_t *order;

    if (ending(crew)) {
        return;
    }
    crew->phase = DRAINING;
    order = crew_farewell_order(farewell);
    tell_end(crew, order, farewell->limit_ms + CREW_GRACE_MS);
    json_decref(order);
}

void crew_quit(struct crew *crew)
{
    json_t *order;

    if (crew->phase == QUITTING) {
        return;
    }
    crew->phase = QUITTING;
    order = json_pack("{s:s}", "do", "quit");
    tell_end(crew, order, QUIT_MS);
    json_decref(order);
}

bool crew_alive(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        if (crew->members[i].pid != 0) {
            return true;
        }
    }
    return false;
}

void crew_forget(struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        lines_close(&crew->members[i].channel);
    }
}

void crew_destroy(struct crew *crew)
{
    if (crew == NULL) {
        return;
    }
    recycle_end(crew);
    for (unsigned i = 0; i < crew->count; i++) {
        poller_clear_alarm(crew->setup.poller, &crew->members[i].respawn);
        poller_clear_alarm(crew->setup.poller, &crew->members[i].watchdog);
        lines_close(&crew->members[i].channel);
        json_decref(crew->members[i].uses);
    }
    free(crew);
}
