/* quarantine.c - plugins that end workers are stopped, and let go on again */
#include "proc/quarantine.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/breaker.h"
#include "proc/tally.h"

/* Each worker looks at what is banned. */
static void tell(const struct generation *generation)
{
    if (generation != NULL && generation->crew != NULL) {
        crew_tell_all(generation->crew, "bans");
    }
}

static void tell_all(const struct host *host)
{
    tell(host->now);
    tell(host->coming);
    for (const struct generation *leaving = host->leaving; leaving != NULL;
         leaving = leaving->next) {
        tell(leaving);
    }
}

static bool serves(const struct generation *generation, uint64_t code)
{
    if (generation == NULL) {
        return false;
    }
    for (size_t i = 0; i < generation->pins.count; i++) {
        if (bans_code(pins_hash(generation->pins.files[i])) == code) {
            return true;
        }
    }
    return false;
}

static bool is_used(void *arg, uint64_t code)
{
    const struct host *host = arg;

    return serves(host->now, code) || serves(host->coming, code);
}

/* A route may still have connections with the plugin that it had before. */
static void name_culprit(struct culprit *culprit,
                         const struct generation *generation)
{
    const struct board_route *names = &generation->board->names[culprit->route];

    if (names->before[0] != 0 && !serves(generation, culprit->code)) {
        memcpy(culprit->plugin, names->before, sizeof culprit->plugin);
    }
}

void quarantine_crashed(struct host *host, struct generation *generation,
                        const struct culprit *culprit)
{
    const struct conf *conf = host->now->conf;
    const struct breaker_rule rule = { .limit = conf->crash_limit,
                                       .window_ms = conf->crash_window_ms };
    struct culprit named = *culprit;
    struct breaker_verdict verdict;

    name_culprit(&named, generation);
    board_count_crash(generation->board, named.route);
    tally_crash(host->tally, named.plugin, named.hung);
    verdict = breaker_crashed(host->breaker, &named, &rule, clock_now_ms());
    if (verdict.poisoned) {
        log_error("plugin %s: a message of %" PRIu64 " bytes has ended %u "
                  "workers: it is refused with 1011 from now on",
                  named.plugin, named.len, BREAKER_POISON_LIMIT);
    }
    if (verdict.banned) {
        log_error("plugin %s is quarantined, since it ended %u workers within "
                  "%" PRIu64 " s: its routes answer 503 until a reload brings "
                  "another file of it, or \"patchbay unquarantine %s\"",
                  named.plugin, verdict.crashes, rule.window_ms / 1000,
                  named.plugin);
        tell_all(host);
    }
}

bool quarantine_lift(struct host *host, const char *plugin)
{
    if (!breaker_lift(host->breaker, plugin)) {
        return false;
    }
    log_info("plugin %s is not quarantined any more: lifted by the operator",
             plugin);
    tell_all(host);
    return true;
}

void quarantine_keep(struct host *host)
{
    breaker_keep(host->breaker, is_used, host);
}
