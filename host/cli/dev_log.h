/* dev_log.h - the host's log, shown at once whatever `patchbay dev` does
 *
 * dev waits for the compiler and for the host. If it did not read the log
 * meanwhile, the host would wait for it.
 */
#ifndef PATCHBAY_CLI_DEV_LOG_H
#define PATCHBAY_CLI_DEV_LOG_H

#include <stdbool.h>

/*
 * Takes `from`, and writes what comes there to `to`, line by line, on a thread
 * of its own, until nothing more can come. Lines that are wanted come out of
 * the descriptor that is returned, too; but those for which there is no room
 * there do not. -1 with errno set, and from closed.
 */
int dev_log_start(int from, int to, bool (*wanted)(const char *line));

#endif
