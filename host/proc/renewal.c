/* renewal.c - a reload, as the master sees it through */
#include "proc/renewal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/candidate.h"
#include "proc/check.h"
#include "proc/images.h"
#include "proc/outcome.h"
#include "proc/reason.h"
#include "proc/report.h"
#include "proc/slots.h"
#include "proc/snapshot.h"
#include "proc/succession.h"
#include "proc/unheard.h"

/* A worker has 5 s for deferred work to end, and start hooks take time. */
#define PREPARE_MS 20000
#define COMMIT_MS  20000
#define START_MS   30000 /* for new workers */

#define AGAIN_MS    500 /* for workers to serve */
#define AGAIN_MAX   60
#define AGAIN_ASKED 10 /* with somebody who waits */
#define READ_MAX    5  /* until nobody writes while it is checked */

enum step { IDLE, WAITING, CHECKING, PREPARING, COMMITTING, REPLACING };

struct renewal {
    struct renewal_setup setup;
    enum step step;
    uint64_t ticket; /* 0: nobody waits */
    uint64_t began_ms;
    struct candidate next;
    unsigned reads;
    struct check *check;       /* while CHECKING */
    size_t agreed;             /* workers that are to commit */
    int lost;                  /* a worker that died since PREPARING; -1 */
    struct board_route *names; /* as they were; NULL: nothing to restore */
    char why[REASON_SIZE];     /* why new workers are given up; "" so far */
    struct alarm_clock late;   /* while REPLACING */
    bool wanted;               /* another one, when this is over */
    bool ending;
    unsigned tries;
    struct alarm_clock again;
};

/* ---- the end of one ---------------------------------------------------- */

static void log_lines(enum log_level level, const char *text)
{
    while (*text != 0) {
        size_t len = strcspn(text, "\n");

        log_about(level, NULL, "%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static bool is_used(void *arg, const char *name)
{
    return generation_any_uses(arg, name);
}

void renewal_sweep(struct renewal *renewal)
{
    if (renewal->step == IDLE) {
        images_sweep(renewal->setup.host->images_dir, is_used,
                     renewal->setup.host);
    }
}

static void try_again_in(struct renewal *renewal, uint64_t ms)
{
    renewal->step = WAITING;
    poller_set_alarm(&renewal->setup.host->poller, &renewal->again,
                     clock_now_ms() + ms);
}

static void tell_busy(const struct renewal *renewal, bool busy)
{
    if (renewal->setup.busy != NULL) {
        renewal->setup.busy(renewal->setup.arg, busy);
    }
}

static void finish(struct renewal *renewal)
{
    renewal->step = IDLE;
    candidate_free(&renewal->next);
    free(renewal->names);
    renewal->names = NULL;
    snapshot_remove(renewal->setup.host);
    renewal_sweep(renewal);
    tell_busy(renewal, false);
    if (renewal->wanted && !renewal->ending) {
        renewal->wanted = false;
        renewal->tries = 0;
        try_again_in(renewal, 0);
    }
}

static void answer(struct renewal *renewal, json_t *what)
{
    uint64_t ticket = renewal->ticket;

    renewal->ticket = 0;
    if (ticket == 0) {
        json_decref(what);
    } else {
        renewal->setup.answer(renewal->setup.arg, ticket, what);
    }
}

/* problems: one a line, what is wrong with the files; or NULL. */
static void refuse(struct renewal *renewal, const char *problems,
                   const char *error)
{
    log_lines(LOG_LEVEL_ERROR, problems != NULL ? problems : "");
    log_error("reload: %s", error);
    answer(renewal,
           json_pack("{s:b, s:o, s:o}", "ok", 0, "error", report_text(error),
                     "problems", report_text(problems)));
    finish(renewal);
}

__attribute__((format(printf, 2, 3))) static void
refuse_since(struct renewal *renewal, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    buf_adds(&text, "\n");
    refuse(renewal, text.failed ? "out of memory\n" : text.data,
           "refused, everything goes on as it was");
    buf_free(&text);
}

/* What stands in the way may be gone in a moment. */
static void postpone(struct renewal *renewal, unsigned max, const char *why)
{
    if (renewal->tries < max && !renewal->ending) {
        log_debug("reload: %s", why);
        renewal->tries++;
        finish(renewal);
        try_again_in(renewal, AGAIN_MS);
    } else {
        refuse(renewal, NULL, why);
    }
}

/* Likewise; but who waits for the answer can ask again. */
static void postpone_unasked(struct renewal *renewal, const char *why)
{
    postpone(renewal, renewal->ticket == 0 ? AGAIN_MAX : 0, why);
}

/* ---- commit ------------------------------------------------------------ */

/* failure: NULL: there is none. */
static void conclude(struct renewal *renewal, const json_t *answers,
                     bool replaced, const char *failure)
{
    uint64_t took_ms = clock_now_ms() - renewal->began_ms;
    json_t *outcome = outcome_make(answers, took_ms, replaced);
    struct buf text = { 0 };
    const char *error;

    if (failure != NULL) {
        outcome_fail(outcome, failure);
    }
    error = json_string_value(json_object_get(outcome, "error"));
    outcome_text(outcome, &text);
    log_lines(LOG_LEVEL_INFO, text.failed ? "reloaded" : text.data);
    if (error != NULL) {
        log_error("reload: %s", error);
    }
    buf_free(&text);
    answer(renewal, outcome);
    finish(renewal);
}

static void committed(void *arg, const struct ask *ask)
{
    struct renewal *renewal = arg;
    const struct generation *now = renewal->setup.host->now;
    size_t told = json_array_size(ask->answers);
    int silent = unheard_find(now->crew, ask->missing);
    char why[REASON_SIZE];

    if (told == renewal->agreed) {
        conclude(renewal, ask->answers, false, NULL);
        return;
    }
    if (!unheard_why(now, renewal->lost, silent,
                     "another worker begins with what is new", why,
                     sizeof why)) {
        reason_set(why, sizeof why,
                   "%zu of %zu workers did not tell what it has done in them",
                   renewal->agreed - told, renewal->agreed);
    }
    conclude(renewal, ask->answers, false, why);
}

/* False: there is no memory. */
static bool put(struct renewal *renewal, json_t *order, uint64_t patience_ms,
                void (*done)(void *arg, const struct ask *ask))
{
    struct ask ask = {
        .done = done, .arg = renewal, .patience_ms = patience_ms, .vital = true
    };

    return asks_put(renewal->setup.asks, 0,
                    renewal->setup.host->now->board->workers - 1, order, &ask);
}

/* From here on a worker that is replaced begins with what is new. */
static void adopt(struct renewal *renewal)
{
    struct generation *now = renewal->setup.host->now;
    const struct conf *old = now->conf;

    now->conf = renewal->next.conf;
    renewal->setup.adopted(renewal->setup.arg, old, false);
    generation_adopt(now, &renewal->next);
    crew_release(now->crew, true);
}

/* ---- prepare ----------------------------------------------------------- */

static void give_up(struct renewal *renewal)
{
    struct generation *now = renewal->setup.host->now;

    crew_tell_all(now->crew, "abort");
    now->next_conf = NULL;
    slots_restore(now->board, renewal->names);
    crew_release(now->crew, false);
}

/* What a plugin does it would do again; else another try may be better. */
static void prepare_failed(struct renewal *renewal, int silent)
{
    char why[REASON_SIZE];
    bool by_plugin =
        unheard_why(renewal->setup.host->now, renewal->lost, silent,
                    "everything else goes on as it was", why, sizeof why);

    give_up(renewal);
    if (by_plugin) {
        refuse(renewal, NULL, why);
    } else {
        postpone_unasked(renewal, why);
    }
}

static void prepared(void *arg, const struct ask *ask)
{
    struct renewal *renewal = arg;
    const json_t *refusal = outcome_refusal(ask->answers);
    int silent = unheard_find(renewal->setup.host->now->crew, ask->missing);
    json_t *order;

    if (refusal != NULL) {
        const char *said = json_string_value(json_object_get(refusal, "why"));

        give_up(renewal);
        refuse_since(renewal, "%s", said != NULL ? said : "a worker refuses");
    } else if (renewal->lost >= 0 || silent >= 0) {
        prepare_failed(renewal, silent);
    } else if (renewal->ending) {
        give_up(renewal);
        refuse(renewal, NULL, "the host is about to end");
    } else if ((order = json_pack("{s:s}", "do", "commit")) == NULL) {
        give_up(renewal);
        refuse(renewal, NULL, "out of memory");
    } else {
        renewal->agreed = json_array_size(ask->answers);
        adopt(renewal);
        renewal->step = COMMITTING;
        (void)put(renewal, order, COMMIT_MS, committed); /* there is room */
    }
}

/* One that died takes no part, and comes back with what is agreed upon: what
 * it died of may be what this reload mends. */
static void begin_prepare(struct renewal *renewal)
{
    const struct host *host = renewal->setup.host;
    int starting = crew_starting(host->now->crew);
    char why[REASON_SIZE];

    if (starting >= 0) {
        reason_set(why, sizeof why,
                   "worker %d has only begun to start, and all have to agree; "
                   "try again",
                   starting);
        slots_restore(host->now->board, renewal->names);
        postpone(renewal, renewal->ticket == 0 ? AGAIN_MAX : AGAIN_ASKED, why);
        return;
    }
    if (snapshot_write(host, &renewal->next, why, sizeof why) < 0) {
        slots_restore(host->now->board, renewal->names);
        refuse_since(renewal, "%s", why);
        return;
    }
    renewal->step = PREPARING;
    renewal->lost = -1;
    host->now->next_conf = renewal->next.conf;
    crew_hold(host->now->crew);
    if (!put(renewal, snapshot_order(host, &renewal->next), PREPARE_MS,
             prepared)) {
        give_up(renewal);
        refuse(renewal, NULL, "out of memory");
    }
}

/* ---- new workers ------------------------------------------------------- */

static void begin_replace(struct renewal *renewal, const char *reason)
{
    struct host *host = renewal->setup.host;
    char why[REASON_SIZE];

    log_info("reload: new workers are started, since %s cannot change in those "
             "there are",
             reason);
    renewal->step = REPLACING;
    renewal->why[0] = 0;
    if (succession_begin(host, &renewal->next, why, sizeof why) < 0) {
        slots_restore(host->now->board, renewal->names);
        refuse_since(renewal, "%s", why);
        return;
    }
    poller_set_alarm(&host->poller, &renewal->late, clock_now_ms() + START_MS);
}

static void give_up_new(struct renewal *renewal, const char *why)
{
    reason_set(renewal->why, sizeof renewal->why, "%s", why);
    poller_clear_alarm(&renewal->setup.host->poller, &renewal->late);
    succession_give_up(renewal->setup.host);
}

static void late(struct alarm_clock *alarm)
{
    struct renewal *renewal = alarm->arg;
    int worker = crew_starting(renewal->setup.host->coming->crew);
    char why[REASON_SIZE];

    reason_set(why, sizeof why,
               "the new worker %d is not ready within %d s; the log tells what "
               "it waits for",
               worker, START_MS / 1000);
    give_up_new(renewal, why);
}

void renewal_ready(struct renewal *renewal)
{
    struct host *host = renewal->setup.host;
    const struct generation *old = host->now;
    char why[REASON_SIZE];
    json_t *answers;

    poller_clear_alarm(&host->poller, &renewal->late);
    answers = outcome_replaced(old->board, old->conf, host->coming->conf);
    if (succession_complete(host, why, sizeof why) < 0) {
        json_decref(answers);
        give_up_new(renewal, why);
        return;
    }
    renewal->setup.adopted(renewal->setup.arg, old->conf, true);
    conclude(renewal, answers, true, NULL);
    json_decref(answers);
}

void renewal_failed(struct renewal *renewal, const char *why)
{
    poller_clear_alarm(&renewal->setup.host->poller, &renewal->late);
    reason_set(renewal->why, sizeof renewal->why, "%s", why);
}

void renewal_ended(struct renewal *renewal)
{
    if (renewal->step != REPLACING) {
        return;
    }
    slots_restore(renewal->setup.host->now->board, renewal->names);
    refuse_since(renewal, "%s",
                 renewal->why[0] != 0 ? renewal->why
                                      : "the new workers have ended");
}

/* ---- which way --------------------------------------------------------- */

static int get_ready(struct renewal *renewal, const struct check_found *found,
                     char *why, size_t why_size)
{
    struct host *host = renewal->setup.host;
    struct conf *next = renewal->next.conf;
    const struct conf *now = host->now->conf;

    if (strcmp(now->run_dir, next->run_dir) != 0) {
        return reason_set(why, why_size,
                          "%s: [server] run_dir: cannot change while the host "
                          "runs: stop it, and start it again",
                          next->file);
    }
    if (candidate_take_addresses(&renewal->next, found) < 0) {
        return reason_set(why, why_size, "out of memory");
    }
    if (renewal->setup.can_adopt(renewal->setup.arg, next, why, why_size) < 0) {
        return -1;
    }
    renewal->names = slots_save(host->now->board);
    return slots_assign(host->now->board, now, next, why, why_size);
}

static void prepare(struct renewal *renewal, const struct check_found *found)
{
    struct host *host = renewal->setup.host;
    const char *reason;
    char why[REASON_SIZE];

    if (get_ready(renewal, found, why, sizeof why) < 0) {
        slots_restore(host->now->board, renewal->names);
        refuse_since(renewal, "%s", why);
        return;
    }
    reason = succession_reason(host->now, renewal->next.conf);
    if (reason != NULL) {
        begin_replace(renewal, reason);
    } else {
        begin_prepare(renewal);
    }
}

/* ---- check ------------------------------------------------------------- */

static void check(struct renewal *renewal);

static void checked(void *arg, const char *problems,
                    const struct check_found *found)
{
    struct renewal *renewal = arg;
    struct host *host = renewal->setup.host;
    struct candidate now;
    char why[REASON_SIZE];
    bool read;

    renewal->check = NULL;
    if (problems != NULL) {
        refuse(renewal, problems, "refused, everything goes on as it was");
        return;
    }
    read = candidate_read(&now, host->now->conf->file, host->images_dir, why,
                          sizeof why) == 0;
    if (read && candidate_equal(&now, &renewal->next)) {
        candidate_free(&now);
        prepare(renewal, found);
        return;
    }
    candidate_free(&renewal->next);
    renewal->next = now;
    if (++renewal->reads < READ_MAX) {
        check(renewal);
    } else if (read) {
        postpone_unasked(renewal, "its files are being written all the time");
    } else {
        refuse_since(renewal, "%s", why);
    }
}

static void in_check_child(void *arg)
{
    const struct renewal *renewal = arg;

    renewal->setup.in_child(renewal->setup.arg);
}

static void check(struct renewal *renewal)
{
    struct host *host = renewal->setup.host;

    renewal->check = check_start(&host->poller, host->now->conf->file,
                                 in_check_child, checked, renewal);
    if (renewal->check == NULL) {
        char why[REASON_SIZE];

        reason_set(why, sizeof why, "cannot fork the check: %s",
                   reason_errno(errno));
        refuse(renewal, NULL, why);
    }
}

static void begin(struct renewal *renewal)
{
    struct host *host = renewal->setup.host;
    char why[REASON_SIZE];

    renewal->step = CHECKING;
    renewal->began_ms = clock_now_ms();
    tell_busy(renewal, true);
    renewal->reads = 0;
    /* What is wrong is the check's to say. */
    (void)candidate_read(&renewal->next, host->now->conf->file,
                         host->images_dir, why, sizeof why);
    check(renewal);
}

void renewal_request(struct renewal *renewal, uint64_t ticket)
{
    if (renewal->step == IDLE ||
        (renewal->step == WAITING && renewal->ticket == 0 && ticket != 0)) {
        poller_clear_alarm(&renewal->setup.host->poller, &renewal->again);
        renewal->ticket = ticket;
        renewal->tries = 0;
        begin(renewal);
    } else if (ticket == 0) {
        renewal->wanted = renewal->step != WAITING;
    } else {
        renewal->setup.answer(
            renewal->setup.arg, ticket,
            json_pack("{s:b, s:s}", "ok", 0, "error",
                      "a reload is under way; try again when it is done"));
    }
}

static void again(struct alarm_clock *alarm)
{
    begin(alarm->arg);
}

/* ---- all of them ------------------------------------------------------- */

struct renewal *renewal_create(const struct renewal_setup *setup)
{
    struct renewal *renewal = calloc(1, sizeof *renewal);

    if (renewal != NULL) {
        renewal->setup = *setup;
        renewal->step = IDLE;
        renewal->again.ring = again;
        renewal->again.arg = renewal;
        renewal->late.ring = late;
        renewal->late.arg = renewal;
    }
    return renewal;
}

void renewal_died(struct renewal *renewal, unsigned worker)
{
    /* One that leaves was not asked. */
    if ((renewal->step == PREPARING || renewal->step == COMMITTING) &&
        !crew_is_leaving(renewal->setup.host->now->crew, worker)) {
        renewal->lost = (int)worker;
    }
}

void renewal_end(struct renewal *renewal)
{
    renewal->ending = true;
    poller_clear_alarm(&renewal->setup.host->poller, &renewal->again);
    if (renewal->check != NULL) {
        check_cancel(renewal->check);
        renewal->check = NULL;
        refuse(renewal, NULL, "the host is about to end");
    } else if (renewal->step == WAITING && renewal->ticket != 0) {
        refuse(renewal, NULL, "the host is about to end");
    }
    if (renewal->step == REPLACING) {
        give_up_new(renewal, "the host is about to end");
    }
}

void renewal_destroy(struct renewal *renewal)
{
    if (renewal == NULL) {
        return;
    }
    check_cancel(renewal->check);
    poller_clear_alarm(&renewal->setup.host->poller, &renewal->again);
    snapshot_remove(renewal->setup.host);
    poller_clear_alarm(&renewal->setup.host->poller, &renewal->late);
    candidate_free(&renewal->next);
    free(renewal->names);
    free(renewal);
}
