/* endpoint.h - one address to listen on: its sockets */
#ifndef PATCHBAY_PROC_ENDPOINT_H
#define PATCHBAY_PROC_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "proc/account.h"

/* One address. */
struct endpoint {
    const char *text;             /* as configured; borrowed */
    struct sockaddr_storage addr; /* as it was given by the kernel */
    socklen_t addr_len;
    bool tls;
    bool shared; /* by all workers: a Unix address, or inherited */
    int *fds;    /* one for each worker, or more; if it is shared, one */
    size_t fd_count;
    size_t lent; /* of fds, the first ones: they are another's, too */
    dev_t dev;   /* of a Unix socket's file, to know it again */
    ino_t ino;
};

/* Claims the address, whose port may be 0, and makes a socket for each worker;
 * at_once: clients may connect. 0, or -1 with errno set. */
int endpoint_open_tcp(struct endpoint *endpoint, unsigned workers,
                      bool at_once);

/* The one socket of a Unix address, and its file. 0, or -1 and one sentence in
 * why. */
int endpoint_open_unix(struct endpoint *endpoint, const struct account *account,
                       char *why, size_t why_size);

/* Takes fd, which listens at its address already, as the one socket of it. 0,
 * or -1 with errno set. */
int endpoint_take(struct endpoint *endpoint, int fd);

/* Whether it is what conf names; a port of 0 is the one that it has got. */
bool endpoint_is_same(const struct endpoint *endpoint,
                      const struct conf_listen *conf);

/* Makes it of the sockets of from, whose they stay, and more of them if conf
 * has more workers. Borrows listen's text. 0, or -1 and one sentence in why. */
int endpoint_borrow(struct endpoint *endpoint, const struct endpoint *from,
                    const struct conf *conf, const struct conf_listen *listen,
                    const struct account *account, char *why, size_t why_size);

/* Closes what is not lent. The file of a Unix address stays. */
void endpoint_close(struct endpoint *endpoint);
void endpoint_remove_file(struct endpoint *endpoint);

/* Writes the sentence for an errno, and returns -1. */
int endpoint_cannot(const struct endpoint *endpoint, int error, char *why,
                    size_t why_size);

#endif
