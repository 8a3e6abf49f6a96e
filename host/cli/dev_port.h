/* dev_port.h - the port of `patchbay dev`: held from the start, while it still
 * compiles, so that two that begin at once do not choose the same
 */
#ifndef PATCHBAY_CLI_DEV_PORT_H
#define PATCHBAY_CLI_DEV_PORT_H

#include <stddef.h>

#include "proc/endpoint.h"

struct dev_port {
    unsigned number;
    struct endpoint ends[2]; /* IPv4, and IPv6 if this machine has it */
    size_t count;
};

/* Listens at the first port that nobody has, of so many from `from` on. 0, or
 * -1 with errno set by the last of them. */
int dev_port_hold(struct dev_port *port, unsigned from, unsigned tries);

/* In the child that becomes the host: puts the sockets where proc/inherited.h
 * finds them. */
void dev_port_pass_on(const struct dev_port *port);

/* Closes them. */
void dev_port_release(struct dev_port *port);

#endif
