/* crew.h - the workers, as the master keeps them: started, watched, replaced */
#ifndef PATCHBAY_PROC_CREW_H
#define PATCHBAY_PROC_CREW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "proc/account.h"
#include "proc/board.h"
#include "proc/crashes.h"
#include "proc/pins.h"
#include "proc/poller.h"
#include "proc/postmortem.h"
#include "proc/sockets.h"
#include "proc/watchman.h"

struct crew;

/* All borrowed. */
struct crew_setup {
    struct poller *poller;
    const struct conf *conf;
    const struct board *board;
    const struct account *account;
    const struct pins *pins;
    const struct pems *pems; /* the texts of [tls]; empty: none */
    const char *images_dir;
    struct crashes *crashes;         /* NULL: nobody writes reports */
    const struct watchman *watchman; /* ends workers that hang; NULL: nobody */
    struct sockets *sockets;
    /* The conf of workers that these are to replace: they wait for the order
     * to serve. NULL: there are none. */
    const struct conf *replaces;
    void *arg;
    /* In a fresh child: close what is the master's alone. */
    void (*in_child)(void *arg);
    /* All workers serve, for the first time. */
    void (*ready)(void *arg);
    /* One could not start before that: why, in one sentence. Called once. */
    void (*failed)(void *arg, const char *why);
    /* A worker answered an order with this id. answer is borrowed. */
    void (*answered)(void *arg, unsigned worker, json_int_t id,
                     const json_t *answer);
    /* A worker uses other images than before. */
    void (*uses)(void *arg);
    /* A plugin has ended a worker; it is not replaced yet. */
    void (*crashed)(void *arg, const struct culprit *culprit);
    /* A worker died: what it was asked remains unanswered. */
    void (*died)(void *arg, unsigned worker);
    /* The last one has ended after crew_drain, crew_quit or a failure. */
    void (*ended)(void *arg);
};

struct crew *crew_create(const struct crew_setup *setup);

/* Forks the workers. 0, or -1 if not even the first could be. */
int crew_start(struct crew *crew);

/* A child has ended: true if it was one of these. */
bool crew_reap(struct crew *crew, pid_t pid, int status);

/* The conf of workers to come, instead of the setup's; borrowed likewise. */
void crew_adopt(struct crew *crew, const struct conf *conf);

/* The first worker that has begun, but does not serve yet; -1: there is none.
 * One that died and is not replaced yet is no worker. */
int crew_starting(const struct crew *crew);
bool crew_is_down(const struct crew *crew, unsigned worker);
bool crew_serves(const struct crew *crew, unsigned worker);

/* What the last process there did at its end, if it was a plugin's doing; NULL:
 * it was not. */
const char *crew_ended_by(const struct crew *crew, unsigned worker);

/* Nobody is to have the place for now; the worker there is about to end, and
 * another has taken over. See recycle.h. */
bool crew_is_spare(const struct crew *crew, unsigned worker);
bool crew_is_leaving(const struct crew *crew, unsigned worker);

/* Between the two none is replaced: it would begin with what is about to go.
 * anew: what killed those that are missing may have gone, so they are replaced
 * at once, however often they died. */
void crew_hold(struct crew *crew);
void crew_release(struct crew *crew, bool anew);

/* Whether a worker has said that it uses the image of that name. */
bool crew_uses(const struct crew *crew, const char *image);

/* Sends an order; false if this worker takes none now. */
bool crew_tell(struct crew *crew, unsigned worker, const json_t *order);
/* One that is but a word, to all that take it. */
void crew_tell_all(struct crew *crew, const char *word);

/* How clients are told that their worker leaves. */
struct crew_farewell {
    int code;
    const char *reason;
    uint64_t limit_ms;  /* then it is over */
    uint64_t linger_ms; /* for handshakes that have begun to end */
};

/* Ends them: by drain, clients being told and waited for, or at once. A worker
 * that does not follow is killed. The latter may follow the former. */
void crew_drain(struct crew *crew, const struct crew_farewell *farewell);
void crew_quit(struct crew *crew);

/* Any worker still lives. */
bool crew_alive(const struct crew *crew);

/* In a child that is no worker: closes the channels. */
void crew_forget(struct crew *crew);

/* Only when none lives. */
void crew_destroy(struct crew *crew);

#endif
