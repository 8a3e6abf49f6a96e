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

/*
 * done is called once, with the problems, one a line; NULL if there are none.
 * in_child closes what is the master's. NULL with errno set on failure.
 */
struct check *check_start(struct poller *poller, const char *file,
                          void (*in_child)(void *arg),
                          void (*done)(void *arg, const char *problems),
                          void *arg);

/* Ends it without a word; done has not been called and will not be. */
void check_cancel(struct check *check);

#endif
