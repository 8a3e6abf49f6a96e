/* renewal.h - a reload, as the master sees it through
 *
 * Checked in a child, prepared by all workers, then committed by all: whatever
 * goes wrong before that leaves everything as it was.
 */
#ifndef PATCHBAY_PROC_RENEWAL_H
#define PATCHBAY_PROC_RENEWAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/asks.h"
#include "proc/host.h"

struct renewal;

/* All borrowed. */
struct renewal_setup {
    struct host *host;
    struct asks *asks;
    void *arg;
    /* In the child that checks: closes what is the master's. */
    void (*in_child)(void *arg);
    /* Whether the master can do its own part; -1 and one sentence in why. */
    int (*can_adopt)(void *arg, const struct conf *conf, char *why,
                     size_t why_size);
    /* Does it; the host has the new conf by then, and other workers if they
     * were replaced. old goes afterwards. */
    void (*adopted)(void *arg, const struct conf *old, bool replaced);
    /* One begins, or has ended, however; may be NULL. */
    void (*busy)(void *arg, bool busy);
    /* For who asked; takes what. */
    void (*answer)(void *arg, uint64_t ticket, json_t *what);
};

/* NULL when out of memory. */
struct renewal *renewal_create(const struct renewal_setup *setup);

/* Begins one; answered with the outcome. ticket 0: a signal or a changed file,
 * nobody waits, so it is tried again if it cannot be done now. */
void renewal_request(struct renewal *renewal, uint64_t ticket);

/* A worker uses other images than before: removes those that nobody uses. */
void renewal_sweep(struct renewal *renewal);

/* A worker has died. */
void renewal_died(struct renewal *renewal, unsigned worker);

/* Of the host's generation that is to come: all its workers are ready; one of
 * them could not start; all of them have ended. */
void renewal_ready(struct renewal *renewal);
void renewal_failed(struct renewal *renewal, const char *why);
void renewal_ended(struct renewal *renewal);

/* The host is about to end: it is given up, and none begins any more. */
void renewal_end(struct renewal *renewal);

void renewal_destroy(struct renewal *renewal);

#endif
