/* sockets.h - the sockets that listen: made by the master, used by workers
 *
 * Each worker has a socket of its own for each TCP address (SO_REUSEPORT: the
 * kernel spreads the clients), and all share one for each Unix address, and for
 * each that the service manager has opened. The master keeps them open, so that
 * clients wait in them, rather than being refused, while a worker is replaced.
 *
 * When all workers are replaced, the new ones get the same sockets: see
 * sockets_succeed.
 */
#ifndef PATCHBAY_PROC_SOCKETS_H
#define PATCHBAY_PROC_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "proc/account.h"
#include "proc/endpoint.h"
#include "proc/inherited.h"

struct sockets {
    struct endpoint list[CONF_MAX_LISTEN];
    size_t count;
    unsigned workers;
    bool at_once; /* clients may connect as soon as they are made */
    /* What the service manager has opened; NULL: nothing. */
    const struct inherited *inherited;
    unsigned places; /* of workers on the bus: conf_places */
    int *bus;        /* one for each place; NULL: one place */
    char *bus_dir;   /* where their files are */
};

/* Makes all of them, but for those that are inherited, if that is not NULL. 0,
 * or -1 with one sentence in why and nothing left open. Borrows conf, and
 * inherited. */
int sockets_open(struct sockets *sockets, const struct conf *conf,
                 const struct account *account,
                 const struct inherited *inherited, char *why, size_t why_size);

/*
 * Likewise, while those of old are in use: an address that both have keeps its
 * sockets, and what waits in them. There are more of them for more workers; of
 * fewer, each has several. What is new is bound, but nobody can connect before
 * sockets_listen. bus_dir, which is there, is not that of old.
 */
int sockets_succeed(struct sockets *sockets, struct sockets *old,
                    const struct conf *conf, const struct account *account,
                    const char *bus_dir, char *why, size_t why_size);
int sockets_listen(const struct sockets *sockets, char *why, size_t why_size);

/* From now on what both have is sockets' alone, and old is retired; the bus is
 * its workers' to the end. */
void sockets_take_over(struct sockets *sockets, struct sockets *old);

/* How many a worker has, by its number, which is below workers; and fills them
 * in. */
size_t sockets_count(const struct sockets *sockets, unsigned worker);
void sockets_of(const struct sockets *sockets, unsigned worker, int *fds,
                bool *tls);

/* In a worker: closes those of the others, but for the ones of that worker, and
 * of that place on the bus. */
void sockets_keep(struct sockets *sockets, unsigned worker, unsigned place);

/* In a worker, before sockets_keep: closes what other has and sockets has not.
 */
void sockets_drop(const struct sockets *sockets, struct sockets *other);

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
