/* succession.c - new workers on the same sockets, in the place of the old ones
 */
#include "proc/succession.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "proc/descriptors.h"
#include "proc/quarantine.h"
#include "proc/reason.h"

/* A socket that was accepted may have said nothing yet. */
#define LINGER_MS 500

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_addresses(const struct conf *a, const struct conf *b)
{
    if (a->listen_count != b->listen_count) {
        return false;
    }
    for (size_t i = 0; i < a->listen_count; i++) {
        if (strcmp(a->listen[i].text, b->listen[i].text) != 0 ||
            a->listen[i].addr_len != b->listen[i].addr_len ||
            memcmp(&a->listen[i].addr, &b->listen[i].addr,
                   a->listen[i].addr_len) != 0) {
            return false;
        }
    }
    return true;
}

static bool same_cluster(const struct conf_cluster *a,
                         const struct conf_cluster *b)
{
    return redis_url_same(&a->url, &b->url) && same_text(a->name, b->name) &&
           a->node == b->node && a->ttl_ms == b->ttl_ms && a->queue == b->queue;
}

const char *succession_reason(const struct generation *generation,
                              const struct conf *next)
{
    const struct conf *now = generation->conf;

    if (generation->host->rundir.anew) {
        return "run_dir";
    }
    if (!same_addresses(now, next)) {
        return "listen";
    }
    if (now->workers != next->workers) {
        return "workers";
    }
    if (conf_places(next) > generation->board->workers) {
        return "whether workers are recycled";
    }
    if (!same_text(now->user, next->user)) {
        return "user";
    }
    if (now->jobs != next->jobs) {
        return "jobs";
    }
    if ((now->tls_cert == NULL) != (next->tls_cert == NULL)) {
        return "tls";
    }
    if (now->limits.handshake_ms != next->limits.handshake_ms) {
        return "handshake";
    }
    if (!same_cluster(&now->cluster, &next->cluster)) {
        return "cluster";
    }
    /* libwebsockets has a table of as many as there can be. */
    if (!descriptors_suffice(generation->descriptors, next)) {
        return "connections";
    }
    return NULL;
}

static int prepare(struct host *host, struct generation *coming, char *why,
                   size_t why_size)
{
    struct generation *now = host->now;
    char bus_dir[PATH_MAX];

    if (account_find(&coming->account, coming->conf->user, why, why_size) < 0 ||
        rundir_empty(&host->rundir, coming->bus_dir, why, why_size) < 0) {
        return -1;
    }
    (void)rundir_path(host->rundir.path, coming->bus_dir, bus_dir,
                      sizeof bus_dir);
    if (board_succeed(coming->board, now->board) < 0) {
        return reason_set(why, why_size, "out of memory");
    }
    descriptors_limit(descriptors_of_master(now->conf) +
                      descriptors_of_master(coming->conf));
    return sockets_succeed(&coming->sockets, &now->sockets, coming->conf,
                           &coming->account, bus_dir, why, why_size);
}

int succession_begin(struct host *host, struct candidate *candidate, char *why,
                     size_t why_size)
{
    struct conf *conf = candidate->conf;
    struct generation *coming;

    candidate->conf = NULL;
    coming = generation_create(host, conf, conf);
    if (coming == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    generation_take_files(coming, candidate);
    if (prepare(host, coming, why, why_size) < 0) {
        generation_destroy(coming);
        return -1;
    }
    host->coming = coming;
    if (generation_start(coming, host->now->conf, why, why_size) < 0) {
        host->coming = NULL;
        generation_destroy(coming);
        return -1;
    }
    return 0;
}

/* Boards that were summed up by the newest are needed no more. */
static void bury_the_gone(struct host *host)
{
    struct generation **at = &host->leaving;

    while (*at != NULL) {
        struct generation *generation = *at;
        const struct board *now = host->now->board;
        bool needed = generation->crew != NULL;

        for (size_t i = 0; i < now->older_count; i++) {
            needed = needed || now->older[i] == generation->board;
        }
        if (needed) {
            at = &generation->next;
        } else {
            *at = generation->next;
            generation_destroy(generation);
        }
    }
}

int succession_complete(struct host *host, char *why, size_t why_size)
{
    struct generation *old = host->now;
    struct generation *new = host->coming;

    if (sockets_listen(&new->sockets, why, why_size) < 0) {
        return -1;
    }
    crew_tell_all(new->crew, "serve");
    host->coming = NULL;
    host->now = new;
    host->rundir.anew = false;
    old->next = host->leaving;
    host->leaving = old;
    sockets_take_over(&new->sockets, &old->sockets);
    crew_drain(old->crew, &(struct crew_farewell){
                              .code = 1012,
                              .reason = "service restart",
                              .limit_ms = new->conf->drain_ms,
                              .linger_ms = LINGER_MS,
                          });
    quarantine_keep(host);
    bury_the_gone(host);
    return 0;
}

void succession_give_up(struct host *host)
{
    if (host->coming != NULL) {
        crew_quit(host->coming->crew);
    }
}

void succession_ended(struct host *host, struct generation *generation)
{
    if (generation == host->coming) {
        host->coming = NULL;
        generation_destroy(generation);
    } else if (generation != host->now) {
        log_info("the workers that were replaced have gone");
        generation_end(generation);
    }
}
