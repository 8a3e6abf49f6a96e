/* notify.h - tells the service manager what the host does, as sd_notify(3)
 *
 * A line of text in a datagram to the socket that NOTIFY_SOCKET names: not
 * worth a dependency on libsystemd. Without a service manager, nothing is said.
 */
#ifndef PATCHBAY_PROC_NOTIFY_H
#define PATCHBAY_PROC_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proc/poller.h"

/* A zeroed struct is silent. */
struct notify {
    struct poller *poller;
    struct alarm_clock alarm; /* for the watchdog */
    uint64_t every_ms;        /* 0: there is none */
    int fd;                   /* -1: nobody listens; 0: not begun */
    struct sockaddr_un addr;
    socklen_t addr_len;
};

/* Takes what the environment says, out of it, so that no child speaks in the
 * host's name; and begins to tell the watchdog that the master's loop turns. */
void notify_begin(struct notify *notify, struct poller *poller);

/* It serves; a reload begins, its end being another ready; it is about to end,
 * and will take at most that long. */
void notify_ready(struct notify *notify);
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify, uint64_t within_ms);

/* In a child: closes its descriptor. */
void notify_forget(struct notify *notify);
void notify_end(struct notify *notify);

#endif
