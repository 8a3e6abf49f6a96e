/* generation.c - workers that were started together, and what they serve by */
#include "proc/generation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proc/breaker.h"
#include "proc/descriptors.h"
#include "proc/host.h"
#include "proc/quarantine.h"
#include "proc/reason.h"

struct generation *generation_create(struct host *host, const struct conf *conf,
                                     struct conf *owned)
{
    struct generation *generation = calloc(1, sizeof *generation);

    if (generation == NULL) {
        conf_free(owned);
        return NULL;
    }
    generation->host = host;
    generation->number = host->generations++;
    generation->conf = conf;
    generation->owned = owned;
    generation->first = owned;
    generation->descriptors = descriptors_of_worker(conf);
    if (generation->number > 0) {
        snprintf(generation->bus_dir, sizeof generation->bus_dir, "crew.%u",
                 generation->number);
    }
    generation->board = board_create(conf_places(conf), CONF_MAX_ROUTES);
    if (generation->board == NULL) {
        generation_destroy(generation);
        return NULL;
    }
    board_spare(generation->board, conf->workers);
    if (conf->cluster.url.shown != NULL) {
        /* Others know connections of the host that ran here before. */
        board_begin_at(generation->board, clock_wall_ms() / 1000 & 0xffff);
    }
    if (host->now == NULL) { /* its successors have the same */
        breaker_set_seed(host->breaker, generation->board->seed);
    }
    generation->board->bans = breaker_bans(host->breaker);
    generation->board->archive = host->archive;
    generation->board->tally = host->tally;
    return generation;
}

/* ---- what crew tells --------------------------------------------------- */

static void leave(struct generation *generation, struct generation *other)
{
    if (other != NULL && other != generation) {
        if (other->crew != NULL) {
            crew_forget(other->crew);
        }
        sockets_drop(&generation->sockets, &other->sockets);
    }
}

static void in_child(void *arg)
{
    struct generation *generation = arg;
    struct host *host = generation->host;

    leave(generation, host->now);
    leave(generation, host->coming);
    for (struct generation *other = host->leaving; other != NULL;
         other = other->next) {
        leave(generation, other);
    }
    host->events.in_child(host->events.arg);
}

static void ready(void *arg)
{
    struct generation *generation = arg;
    const struct generation_events *events = &generation->host->events;

    events->ready(events->arg, generation);
}

static void failed(void *arg, const char *why)
{
    struct generation *generation = arg;
    const struct generation_events *events = &generation->host->events;

    events->failed(events->arg, generation, why);
}

static void answered(void *arg, unsigned worker, json_int_t id,
                     const json_t *answer)
{
    struct generation *generation = arg;
    const struct generation_events *events = &generation->host->events;

    events->answered(events->arg, generation, worker, id, answer);
}

static void uses(void *arg)
{
    struct generation *generation = arg;
    const struct generation_events *events = &generation->host->events;

    events->uses(events->arg);
}

static void crashed(void *arg, const struct culprit *culprit)
{
    struct generation *generation = arg;

    quarantine_crashed(generation->host, generation, culprit);
}

static void died(void *arg, unsigned worker)
{
    struct generation *generation = arg;
    const struct generation_events *events = &generation->host->events;

    events->died(events->arg, generation, worker);
}

static void ended(void *arg)
{
    struct generation *generation = arg;
    const struct generation_events *events = &generation->host->events;

    events->ended(events->arg, generation);
}

int generation_start(struct generation *generation, const struct conf *replaces,
                     char *why, size_t why_size)
{
    struct host *host = generation->host;
    struct crew_setup setup = {
        .poller = &host->poller,
        .conf = generation->conf,
        .board = generation->board,
        .account = &generation->account,
        .pins = &generation->pins,
        .pems = &generation->pems,
        .images_dir = host->images_dir,
        .crashes = &host->crashes,
        .sockets = &generation->sockets,
        .replaces = replaces,
        .arg = generation,
        .in_child = in_child,
        .ready = ready,
        .failed = failed,
        .answered = answered,
        .uses = uses,
        .crashed = crashed,
        .died = died,
        .ended = ended,
    };

    generation->watchman =
        watchman_create(&host->poller, generation->board, &generation->conf,
                        &generation->next_conf);
    setup.watchman = generation->watchman;
    generation->crew = crew_create(&setup);
    if (generation->watchman == NULL || generation->crew == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    if (crew_start(generation->crew) < 0) {
        return reason_set(why, why_size, "no worker can be forked");
    }
    return 0;
}

void generation_take_files(struct generation *generation,
                           struct candidate *candidate)
{
    pins_free(&generation->pins);
    pems_free(&generation->pems);
    generation->pins = candidate->pins;
    candidate->pins = (struct pins){ 0 };
    pems_move(&generation->pems, &candidate->pems);
}

void generation_adopt(struct generation *generation,
                      struct candidate *candidate)
{
    struct conf *old = generation->owned;

    generation_take_files(generation, candidate);
    generation->conf = candidate->conf;
    generation->next_conf = NULL;
    generation->owned = candidate->conf;
    candidate->conf = NULL;
    crew_adopt(generation->crew, generation->conf);
    quarantine_keep(generation->host);
    if (old != generation->first) {
        conf_free(old);
    }
}

void generation_end(struct generation *generation)
{
    crew_destroy(generation->crew);
    generation->crew = NULL;
    watchman_destroy(generation->watchman);
    generation->watchman = NULL;
    generation->board->over = true;
    sockets_close(&generation->sockets);
    pins_free(&generation->pins);
    if (generation->bus_dir[0] != 0) {
        rundir_remove(&generation->host->rundir, generation->bus_dir);
    }
}

void generation_destroy(struct generation *generation)
{
    if (generation == NULL) {
        return;
    }
    if (generation->board != NULL) {
        generation_end(generation);
        board_destroy(generation->board);
    }
    if (generation->owned != generation->first) {
        conf_free(generation->owned);
    }
    conf_free(generation->first);
    pems_free(&generation->pems);
    free(generation);
}

static bool uses_image(const struct generation *generation, const char *image)
{
    return generation != NULL &&
           (pins_hold(&generation->pins, image) ||
            (generation->crew != NULL && crew_uses(generation->crew, image)));
}

bool generation_any_uses(const struct host *host, const char *image)
{
    const struct generation *leaving = host->leaving;

    while (leaving != NULL && !uses_image(leaving, image)) {
        leaving = leaving->next;
    }
    return leaving != NULL || uses_image(host->now, image) ||
           uses_image(host->coming, image);
}
