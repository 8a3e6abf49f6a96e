/* recycle.c - workers that have grown, or served enough, give way to new ones
 */
#include "proc/recycle.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "proc/tally.h"

#define LOOK_MS  1000
#define START_MS 30000 /* for the new one to serve */

/* A socket that was accepted may have said nothing yet. */
#define LINGER_MS 500

/* ---- who is to go ------------------------------------------------------ */

/* A reload may have given the place of a counter away, so a sum may be less. */
static void count(struct member *member)
{
    uint64_t sum = board_requests(member->crew->setup.board, member->index);

    if (sum > member->counted) {
        member->requests += sum - member->counted;
    }
    member->counted = sum;
}

void recycle_born(struct member *member)
{
    member->requests = 0;
    member->counted = board_requests(member->crew->setup.board, member->index);
    member->served_ms = clock_now_ms();
    member->not_before_ms = 0;
    member->waits = member->succeeds != NULL;
}

static uint64_t resident(const struct member *member)
{
    return stat_get(
        &board_stats(member->crew->setup.board, member->index)->resident);
}

/* Which limit it has reached: enum recycle_why, or RECYCLE_COUNT. */
static unsigned reached(const struct member *member)
{
    const struct conf *conf = member->crew->setup.conf;

    if (conf->max_memory > 0 && resident(member) > conf->max_memory) {
        return RECYCLE_MEMORY;
    }
    if (conf->max_requests > 0 && member->requests >= conf->max_requests) {
        return RECYCLE_REQUESTS;
    }
    return RECYCLE_COUNT;
}

/* "has reached [server] max_requests = 100: it took 103" */
static char *describe(const struct member *member, unsigned why, char *out,
                      size_t size)
{
    const struct conf *conf = member->crew->setup.conf;
    char limit[32];

    if (why == RECYCLE_MEMORY) {
        snprintf(
            out, size,
            "has reached [server] max_memory = %s: it has %" PRIu64 "k",
            units_format_bytes((int64_t)conf->max_memory, limit, sizeof limit),
            resident(member) / 1024);
    } else {
        snprintf(out, size,
                 "has reached [server] max_requests = %" PRIu32
                 ": it took %" PRIu64,
                 conf->max_requests, member->requests);
    }
    return out;
}

/* Said once, not each time: the host goes on, at the pace of the interval. */
static void tell_too_low(struct member *member, unsigned why, uint64_t age_ms)
{
    const struct conf *conf = member->crew->setup.conf;
    char text[160], interval[32];

    if (member->crew->told_too_low) {
        return;
    }
    member->crew->told_too_low = true;
    log_warn("worker %u (pid %d) %s, after %" PRIu64 " ms: too low a limit; "
             "no worker is recycled before it has served recycle_interval = "
             "%s, and this is not said again",
             member->index, (int)member->pid,
             describe(member, why, text, sizeof text), age_ms,
             units_format_ms((int64_t)conf->recycle_interval_ms, interval,
                             sizeof interval));
}

static bool is_due(struct member *member, uint64_t now_ms)
{
    const struct conf *conf = member->crew->setup.conf;
    uint64_t age_ms = now_ms - member->served_ms;
    unsigned why = reached(member);

    if (why == RECYCLE_COUNT || now_ms < member->not_before_ms) {
        return false;
    }
    if (age_ms < conf->recycle_interval_ms) {
        tell_too_low(member, why, age_ms);
        return false;
    }
    member->why = why;
    return true;
}

/* Of those that are due the one that has served longest. */
static struct member *find_due(struct crew *crew, uint64_t now_ms)
{
    struct member *found = NULL;

    for (unsigned i = 0; i < crew->count; i++) {
        struct member *member = &crew->members[i];

        if (member->serving && is_due(member, now_ms) &&
            (found == NULL || member->served_ms < found->served_ms)) {
            found = member;
        }
    }
    return found;
}

/* The place for the next one, if none is under way, and no worker missing. */
static struct member *find_place(struct crew *crew)
{
    struct member *spare = NULL;

    for (unsigned i = 0; i < crew->count; i++) {
        struct member *member = &crew->members[i];

        if (member->spare) {
            spare = member;
        } else if (!member->serving || member->waits || member->leaving) {
            return NULL;
        }
    }
    return spare;
}

/* ---- the new one ------------------------------------------------------- */

static void recycle(struct member *old, struct member *heir)
{
    char text[160];

    log_info("worker %u (pid %d) %s; worker %u is to take its place",
             old->index, (int)old->pid,
             describe(old, old->why, text, sizeof text), heir->index);
    heir->number = old->number;
    heir->succeeds = old;
    heir->spare = false;
    heir->backoff = (struct backoff){ 0 };
    crew_spawn(heir);
}

static void look(struct alarm_clock *alarm)
{
    struct crew *crew = alarm->arg;
    uint64_t now_ms = clock_now_ms();
    struct member *old, *heir;

    for (unsigned i = 0; i < crew->count; i++) {
        count(&crew->members[i]);
    }
    heir = crew->phase == SERVING && !crew->held ? find_place(crew) : NULL;
    old = heir != NULL ? find_due(crew, now_ms) : NULL;
    if (old != NULL) {
        recycle(old, heir);
    }
    poller_set_alarm(crew->setup.poller, alarm, now_ms + LOOK_MS);
}

void recycle_begin(struct crew *crew)
{
    if (crew->setup.board->wanted == crew->count) {
        return; /* there is no place for a new one */
    }
    crew->look.ring = look;
    crew->look.arg = crew;
    poller_set_alarm(crew->setup.poller, &crew->look, clock_now_ms() + LOOK_MS);
}

void recycle_end(struct crew *crew)
{
    poller_clear_alarm(crew->setup.poller, &crew->look);
}

bool recycle_ready(struct member *member)
{
    json_t *order;

    if (!member->waits) {
        return false;
    }
    order = json_pack("{s:s}", "do", "serve");
    if (order == NULL || !crew_tell(member->crew, member->index, order)) {
        kill(member->pid, SIGKILL);
    }
    json_decref(order);
    return true;
}

/* ---- the old one ------------------------------------------------------- */

static void send_off(struct member *old, const struct member *heir)
{
    const struct crew_setup *setup = &old->crew->setup;
    json_t *order = crew_farewell_order(&(struct crew_farewell){
        .code = 1012,
        .reason = "service restart",
        .limit_ms = setup->conf->drain_ms,
        .linger_ms = LINGER_MS,
    });

    tally_recycle(setup->board->tally, old->why);
    log_info("worker %u (pid %d) serves in the place of worker %u (pid %d), "
             "whose clients are told to come again",
             heir->index, (int)heir->pid, old->index, (int)old->pid);
    old->leaving = true;
    crew_send_off(old, order, setup->conf->drain_ms + CREW_GRACE_MS);
    json_decref(order);
}

void recycle_serves(struct member *member)
{
    const struct crew *crew = member->crew;
    struct member *old = member->succeeds;

    if (!member->waits || !member->serving || crew->phase != SERVING) {
        return;
    }
    poller_clear_alarm(crew->setup.poller, &member->watchdog);
    member->waits = false;
    member->succeeds = NULL;
    member->served_ms = clock_now_ms();
    if (old != NULL) {
        send_off(old, member);
    }
}

bool recycle_late(struct member *member)
{
    if (!member->waits || clock_now_ms() - member->born_ms < START_MS) {
        return false;
    }
    log_warn("worker %u (pid %d) does not serve within %d s: killed",
             member->index, (int)member->pid, START_MS / 1000);
    kill(member->pid, SIGKILL);
    return true;
}

/* ---- ends -------------------------------------------------------------- */

static struct member *find_heir(const struct member *old)
{
    struct crew *crew = old->crew;

    for (unsigned i = 0; i < crew->count; i++) {
        if (crew->members[i].succeeds == old) {
            return &crew->members[i];
        }
    }
    return NULL;
}

static void vacate(struct member *member, bool recycled)
{
    member->spare = true;
    member->leaving = false;
    member->waits = false;
    member->succeeds = NULL;
    member->due = false;
    member->died_ms = 0;
    member->backoff = (struct backoff){ 0 };
    board_vacate(member->crew->setup.board, member->index, recycled);
}

bool recycle_died(struct member *member, const char *what, bool polite)
{
    struct member *old = member->succeeds;
    struct member *heir = find_heir(member);

    if (member->leaving) {
        if (polite) {
            log_info("worker %u, which was recycled, has ended", member->index);
        } else {
            log_error("%s, being recycled", what);
        }
        vacate(member, true);
        return true;
    }
    if (old != NULL) {
        log_error("worker %u goes on, as the one that was to take its place "
                  "has ended: %s",
                  old->index, what);
        old->not_before_ms =
            clock_now_ms() + member->crew->setup.conf->recycle_interval_ms;
        vacate(member, true);
        return true;
    }
    if (heir != NULL) {
        log_error("%s; worker %u, being started, takes its place", what,
                  heir->index);
        heir->succeeds = NULL;
        vacate(member, false);
        return true;
    }
    return false;
}
