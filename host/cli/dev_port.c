/* dev_port.c - the port of `patchbay dev`, held from the start */
#include "cli/dev_port.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START of sd_listen_fds(3) */

static int open_at(struct dev_port *port, const void *addr, socklen_t len)
{
    struct endpoint *end = &port->ends[port->count];

    *end = (struct endpoint){ .addr_len = len };
    memcpy(&end->addr, addr, len);
    if (endpoint_open_tcp(end, 1, true) == 0) {
        port->count++;
        return 0;
    }
    int error = errno;
    endpoint_close(end);
    errno = error;
    return -1;
}

/* Both addresses of localhost, or the one that there is. */
static bool take(struct dev_port *port, unsigned number)
{
    const struct sockaddr_in v4 = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)number),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                                     .sin6_port = htons((uint16_t)number),
                                     .sin6_addr = IN6ADDR_LOOPBACK_INIT };

    *port = (struct dev_port){ .number = number };
    if (open_at(port, &v4, sizeof v4) == 0 &&
        (open_at(port, &v6, sizeof v6) == 0 || errno == EADDRNOTAVAIL ||
         errno == EAFNOSUPPORT)) {
        return true;
    }
    int error = errno;
    dev_port_release(port);
    errno = error;
    return false;
}

int dev_port_hold(struct dev_port *port, unsigned from, unsigned tries)
{
    for (unsigned i = 0; i < tries && from + i <= UINT16_MAX; i++) {
        if (take(port, from + i)) {
            return 0;
        }
    }
    return -1;
}

void dev_port_pass_on(const struct dev_port *port)
{
    int fds[2] = { -1, -1 };
    char text[24];

    /* One of them may be where another belongs. */
    for (size_t i = 0; i < port->count; i++) {
        fds[i] = fcntl(port->ends[i].fds[0], F_DUPFD_CLOEXEC, FIRST_FD + 2);
    }
    for (size_t i = 0; i < port->count; i++) {
        dup2(fds[i], FIRST_FD + (int)i);
    }
    snprintf(text, sizeof text, "%zu", port->count);
    setenv("LISTEN_FDS", text, 1);
    snprintf(text, sizeof text, "%ld", (long)getpid());
    setenv("LISTEN_PID", text, 1);
}

void dev_port_release(struct dev_port *port)
{
    while (port->count > 0) {
        endpoint_close(&port->ends[--port->count]);
    }
}
