/* check.h - a configuration file and its plugins, checked as a whole */
#ifndef PATCHBAY_PROC_CHECK_H
#define PATCHBAY_PROC_CHECK_H

#include "base/problems.h"
#include "conf/conf.h"
#include "proc/poller.h"

/* Reads the file, and the TLS files and plugins that it names. NULL if there is
 * any problem. */
struct conf *check_load(const char *file, struct problems *problems);

/* How many different plugins its routes name. */
size_t check_count_plugins(const struct conf *conf);

/*
 * The same in a child process, for the master: reading resolves names and
 * probing waits for plugins, both of which may take long.
 */
struct check;

/* What only the system could tell: the addresses of [server] listen. */
struct check_found {
    struct conf_listen listen[CONF_MAX_LISTEN];
    size_t listen_count;
};

/*
 * done is called once, with the problems, one a line; or NULL, and what was
 * found, which is borrowed. in_child closes what is the master's. NULL with
 * errno set on failure.
 */
struct check *check_start(struct poller *poller, const char *file,
                          void (*in_child)(void *arg),
                          void (*done)(void *arg, const char *problems,
                                       const struct check_found *found),
                          void *arg);

/* Ends it without a word; done has not been called and will not be. */
void check_cancel(struct check *check);

#endif
