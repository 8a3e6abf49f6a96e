/* master.h - the process that owns the sockets and keeps the workers */
#ifndef PATCHBAY_PROC_MASTER_H
#define PATCHBAY_PROC_MASTER_H

#include <stddef.h>

#include "conf/conf.h"

/*
 * Runs the host until it is told to end. It stays in the foreground, never
 * runs the code of a plugin, and obeys
 *
 *     TERM   tell the clients, wait for them at most [server] drain, end;
 *            a second one: end now
 *     INT    end now
 *     HUP    reload
 *     USR1   open the log again, after it was moved away
 *
 * and the control socket in run_dir. Returns 0 when it ended as told, or -1
 * and one sentence in why, which has been logged. Changes signals and limits
 * of the process for good.
 */
int master_run(const struct conf *conf, char *why, size_t why_size);

#endif
