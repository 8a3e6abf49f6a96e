/* mend.h - a run_dir that somebody has removed is made again */
#ifndef PATCHBAY_PROC_MEND_H
#define PATCHBAY_PROC_MEND_H

#include <stdbool.h>

#include "proc/control.h"
#include "proc/host.h"
#include "proc/renewal.h"

/*
 * Workers that run need nothing of it, but a new one needs the copies of the
 * plugins, and reaches its siblings by sockets in there. So if any of it has
 * gone, it is made again, and a reload is asked for, by which new workers take
 * over. true if that is under way.
 */
bool mend_rundir(struct host *host, struct control *control,
                 struct renewal *renewal);

#endif
