/* launch.c - forks a worker, which takes along what is its own and no more */
#include "proc/launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/worker.h"

/* What is inherited, but belongs to the master or to the other workers. */
static void let_go(const struct crew_setup *setup, struct crew *crew,
                   const struct worker_setup *worker)
{
    crew_forget(crew);
    setup->in_child(setup->arg);
    sockets_keep(setup->sockets, worker->number, worker->index);
}

static int take_sockets(const struct crew_setup *setup,
                        struct worker_setup *worker)
{
    size_t count = sockets_count(setup->sockets, worker->number);

    if (setup->sockets->bus != NULL) {
        worker->bus_fd = setup->sockets->bus[worker->index];
    }
    worker->listen_fds = calloc(count + 1, sizeof *worker->listen_fds);
    worker->listen_tls = calloc(count + 1, sizeof *worker->listen_tls);
    if (worker->listen_fds == NULL || worker->listen_tls == NULL) {
        return -1;
    }
    worker->listen_count = count;
    sockets_of(setup->sockets, worker->number, worker->listen_fds,
               worker->listen_tls);
    return 0;
}

_Noreturn static void be_worker(const struct crew_setup *setup,
                                struct crew *crew, struct worker_setup *worker)
{
    int status;

    let_go(setup, crew, worker);
    if (take_sockets(setup, worker) < 0) {
        _exit(1);
    }
    status = worker_run(worker);
    if (status != 0) {
        _exit(status); /* without what plugins want to be called at exit */
    }
    exit(0);
}

int launch_worker(const struct crew_setup *setup, struct crew *crew,
                  unsigned index, unsigned number, const struct conf *replaces,
                  pid_t *pid, int *channel_fd)
{
    struct worker_setup worker = {
        .conf = setup->conf,
        .board = setup->board,
        .account = setup->account,
        .pins = setup->pins,
        .pems = setup->pems->count > 0 ? setup->pems : NULL,
        .images_dir = setup->images_dir,
        .index = index,
        .number = number,
        .master = getpid(),
        .bus_fd = -1,
        .bus_dir = setup->sockets->bus_dir,
        .replaces = replaces,
    };
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return errno;
    }
    fflush(NULL);
    *pid = fork();
    if (*pid == 0) {
        close(ends[0]);
        worker.channel_fd = ends[1];
        be_worker(setup, crew, &worker);
    }
    if (*pid < 0) {
        int error = errno;

        *pid = 0;
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    close(ends[1]);
    *channel_fd = ends[0];
    return 0;
}
