/* sockets.h - the sockets that listen: made by the master, used by workers
 *
 * Each worker has a socket of its own for each TCP address (SO_REUSEPORT: the
 * kernel spreads the clients), and all share one for each Unix address. The
 * master keeps them open, so that clients wait in them, rather than being
 * refused, while a worker is replaced.
 */
#ifndef PATCHBAY_PROC_SOCKETS_H
#define PATCHBAY_PROC_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "proc/account.h"

/* One address. */
struct endpoint {
    const char *text;             /* as configured; borrowed */
    struct sockaddr_storage addr; /* as it was given by the kernel */
    socklen_t addr_len;
    bool tls;
    int *fds; /* one for each worker; of a Unix address, one */
    size_t fd_count;
    dev_t dev; /* of a Unix socket's file, to know it again */
    ino_t ino;
};

struct sockets {
    struct endpoint list[CONF_MAX_LISTEN];
    size_t count;
    unsigned workers;
    int *bus; /* one for each worker; NULL: one worker */
    const char *run_dir;
};

/* Makes all of them. 0, or -1 with one sentence in why and nothing left open.
 * Borrows conf. */
int sockets_open(struct sockets *sockets, const struct conf *conf,
                 const struct account *account, char *why, size_t why_size);

/* Fills in a worker's sockets, at most CONF_MAX_LISTEN, and returns how many.
 */
size_t sockets_of(const struct sockets *sockets, unsigned worker, int *fds,
                  bool *tls);

/* In a worker: closes those of the others. */
void sockets_keep(struct sockets *sockets, unsigned worker);

/* In a child that is no worker: closes all, and leaves their files alone. */
void sockets_forget(struct sockets *sockets);

/* Logs where to find the server: one line for each address as configured. */
void sockets_announce(const struct sockets *sockets);

/* Adds each address, as it was given by the kernel, as a line. */
void sockets_list(const struct sockets *sockets, struct buf *buf);

/* In the master, when the end begins: closes what clients connect to and
 * removes its files. Workers that have not closed theirs go on to accept. */
void sockets_retire(struct sockets *sockets);

/* In the master, at the end: the rest, too. */
void sockets_close(struct sockets *sockets);

#endif
