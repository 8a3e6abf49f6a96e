/* warden.c - looks whether plugins have changed what is the host's */
#include "proc/warden.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fnv.h"
#include "base/log.h"
#include "proc/lastwords.h"

void warden_begin(struct warden *warden, struct core *core,
                  struct worker_stats *stats)
{
    warden->core = core;
    warden->stats = stats;
    custody_begin(&warden->custody);
}

/* ---- whose it was ------------------------------------------------------ */

static void put_on_board(struct warden *warden, const struct core_ran *ran,
                         bool unsure)
{
    struct misdeed *misdeed = &warden->stats->misdeed;

    if (ran->plugins == 1 && !unsure) {
        stat_set(&misdeed->culprit.code, ran->code);
        atomic_store(&misdeed->culprit.route, ran->route);
        atomic_store(&misdeed->culprit.hook, ran->hook);
    }
    atomic_store(&misdeed->found, 1);
}

/* unsure: a reload loads plugins meanwhile, and runs their first hooks. */
static void say_who(char *out, size_t size, const struct core_ran *ran,
                    bool unsure)
{
    const char *others = unsure ? ", or one that the reload loads" : "";

    if (ran->plugins == 0) {
        snprintf(out, size,
                 "no hook has run since the last look: it was a thread, or the "
                 "loading, of a plugin");
    } else if (ran->plugins == 1 && unsure) {
        snprintf(out, size,
                 "it was plugin %s, which has run since the last look%s",
                 ran->names, others);
    } else if (ran->plugins == 1) {
        snprintf(out, size, "only plugin %s has run since the last look, %s%s",
                 ran->names, hook_name(ran->hook),
                 ran->hook == HOOK_WORK ? "" : " being its last hook");
    } else {
        snprintf(out, size,
                 "it was one of the plugins that have run since the "
                 "last look: %s%s",
                 ran->names, others);
    }
}

/* ---- what is said ------------------------------------------------------ */

static void say(struct warden *warden, const char *found, bool whole,
                const struct core_ran *ran, bool unsure)
{
    char who[400];
    uint64_t hash, left_out = 0;

    say_who(who, sizeof who, ran, unsure);
    hash =
        fnv_hash(fnv_hash(FNV_START, found, strlen(found)), who, strlen(who));
    if (hash != warden->said) {
        warden->said = hash;
        warden->more = (struct seldom){ 0 };
    }
    if (!seldom_due(&warden->more, clock_now_ms(), &left_out)) {
        return;
    }
    if (left_out > 0) {
        log_error("a plugin has changed what is the host's: %s: put right; %s "
                  "(and %llu times before that)",
                  found, who, (unsigned long long)left_out);
    } else {
        log_error("a plugin has changed what is the host's: %s: %s; %s", found,
                  whole ? "put right" : "this worker ends", who);
    }
}

static void look_for_strays(struct warden *warden)
{
    struct stray stray;

    if (!lastwords_stray(&stray)) {
        return;
    }
    stat_add(&warden->stats->misdeeds, stray.count);
    if (*stray.plugin == '\0') {
        log_error(
            "a child that a plugin has forked, in a start hook or on a "
            "thread of its own, came back into the host, and was ended: a "
            "child has to call exec or _exit");
        return;
    }
    log_error("a child that %s%s%s of plugin %s has forked came back into the "
              "host, and was ended: a child has to call exec or _exit%s",
              stray.hook == HOOK_WORK ? "deferred " : "the ",
              stray.hook != HOOK_NONE ? hook_name(stray.hook) : "start",
              stray.hook == HOOK_WORK ? "" : " hook", stray.plugin,
              stray.count > 1 ? " (others before that, too)" : "");
}

bool warden_look(struct warden *warden, bool unsure)
{
    struct buf found = { 0 };
    struct core_ran ran;
    bool whole;

    if (warden->core == NULL || lastwords_begun()) {
        return true;
    }
    if (warden->broken) {
        warden->custody.fd_count = 0; /* that has been said, once */
    }
    look_for_strays(warden);
    whole = custody_check(&warden->custody, &found);
    if ((found.len > 0 || !whole) && !lastwords_begun()) {
        core_tell_ran(warden->core, &ran);
        if (!whole) {
            warden->broken = true;
            put_on_board(warden, &ran, unsure);
        }
        stat_add(&warden->stats->misdeeds, 1);
        say(warden, found.failed ? "something" : found.data, whole, &ran,
            unsure);
    }
    buf_free(&found);
    core_forget_ran(warden->core);
    return whole;
}

void warden_last_look(struct warden *warden)
{
    struct core_ran ran;

    if (warden->core != NULL && !warden->broken &&
        custody_broken(&warden->custody)) {
        core_tell_ran(warden->core, &ran);
        put_on_board(warden, &ran, false);
        stat_add(&warden->stats->misdeeds, 1);
    }
}

void warden_end(struct warden *warden)
{
    custody_end(&warden->custody);
    warden->core = NULL;
}
