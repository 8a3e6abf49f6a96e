/* inherited.h - sockets that listen, opened by the service manager
 *
 * Socket activation as of sd_listen_fds(3): descriptors from 3 on, as many as
 * LISTEN_FDS says. They are matched to the addresses of `listen` by what they
 * are bound to, and stay ours to the end, so that an address that a reload
 * brings back is had again.
 */
#ifndef PATCHBAY_PROC_INHERITED_H
#define PATCHBAY_PROC_INHERITED_H

#include <stddef.h>

#include "conf/conf.h"

/* A zeroed struct has none. */
struct inherited {
    int fds[CONF_MAX_LISTEN];
    size_t count;
};

/* Takes them, out of the environment, so that no child takes them, too. 0, or
 * -1 and one sentence in why: one of them is none that listens. */
int inherited_take(struct inherited *inherited, char *why, size_t why_size);

/* 0, or -1 and one sentence in why: no address of conf is that of one of them,
 * whose clients would wait for nobody. */
int inherited_check(const struct inherited *inherited, const struct conf *conf,
                    char *why, size_t why_size);

/* A copy of the one at that address; -1 if there is none. */
int inherited_dup(const struct inherited *inherited,
                  const struct conf_listen *listen);

/* Closes them. */
void inherited_close(struct inherited *inherited);

#endif
