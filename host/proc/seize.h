/* seize.h - the remains of a process that hears no signal
 *
 * It is stopped as a debugger does it (ptrace(2)), and read from outside. That
 * may be forbidden: in a sandbox, or if the process has another user.
 */
#ifndef PATCHBAY_PROC_SEIZE_H
#define PATCHBAY_PROC_SEIZE_H

#include <sys/types.h>

#include "proc/remains.h"

/* Of a child of this process, of the thread that its program began in. It goes
 * on when this returns. 0, or an errno: nothing was taken. */
int seize_remains(struct remains *remains, pid_t pid);

#endif
