/* generation.h - workers that were started together, and what they serve by
 *
 * Most reloads go through with the workers there are, which take up a new conf.
 * What cannot change in them makes a new generation, to which the old one gives
 * way.
 */
#ifndef PATCHBAY_PROC_GENERATION_H
#define PATCHBAY_PROC_GENERATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "proc/account.h"
#include "proc/board.h"
#include "proc/candidate.h"
#include "proc/crew.h"
#include "proc/pins.h"
#include "proc/sockets.h"

struct host;

struct generation {
    struct generation *next; /* in host.leaving */
    struct host *host;
    unsigned number;
    const struct conf *conf;      /* what it serves by; a reload sets another */
    const struct conf *next_conf; /* that it may serve by soon; NULL: none */
    struct conf *owned;           /* conf, if it is ours; NULL: borrowed */
    struct conf *first; /* the one it was started with, likewise: account
                              * and sockets borrow from it */
    size_t descriptors; /* that its workers have asked for */
    char bus_dir[32];   /* in run_dir; "": run_dir itself */
    struct account account;
    struct pins pins; /* of conf's routes */
    struct pems pems; /* the files of [tls] that its workers have */
    struct sockets sockets;
    struct board *board;
    struct watchman *watchman;
    struct crew *crew; /* NULL: has ended */
};

/* What crew.h tells, of which generation. */
struct generation_events {
    void *arg;
    void (*in_child)(void *arg);
    void (*ready)(void *arg, struct generation *generation);
    void (*failed)(void *arg, struct generation *generation, const char *why);
    void (*answered)(void *arg, struct generation *generation, unsigned worker,
                     json_int_t id, const json_t *answer);
    void (*uses)(void *arg);
    void (*died)(void *arg, struct generation *generation, unsigned worker);
    void (*ended)(void *arg, struct generation *generation);
};

/* owned is taken in any case, and may be NULL. NULL when out of memory. */
struct generation *generation_create(struct host *host, const struct conf *conf,
                                     struct conf *owned);

/* Forks its workers; replaces: the conf of those that they are to replace: they
 * do not serve until they are told; NULL: none. 0, or -1 and one sentence in
 * why. */
int generation_start(struct generation *generation, const struct conf *replaces,
                     char *why, size_t why_size);

/* Before it is started: it has the candidate's plugins and PEM texts, which it
 * takes. */
void generation_take_files(struct generation *generation,
                           struct candidate *candidate);

/* A reload in place: it serves by what the candidate has, which it takes. */
void generation_adopt(struct generation *generation,
                      struct candidate *candidate);

/* Its workers have gone: what only they needed goes; the board stays. */
void generation_end(struct generation *generation);

/* NULL is allowed. */
void generation_destroy(struct generation *generation);

/* Whether a worker of any may need the image of that name. */
bool generation_any_uses(const struct host *host, const char *image);

#endif
