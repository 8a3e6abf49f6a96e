/* sockets.c - the sockets that listen: made by the master, used by workers */
#include "proc/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/local.h"
#include "proc/address.h"
#include "proc/reason.h"
#include "proc/unix.h"

#define PORT_TRIES 20

static const int on = 1;

static struct sockaddr *addr_of(struct endpoint *endpoint)
{
    return (struct sockaddr *)&endpoint->addr;
}

static int cannot_listen(const struct endpoint *endpoint, int error, char *why,
                         size_t why_size)
{
    const char *advice = "";

    if (error == EACCES && endpoint->addr.ss_family != AF_UNIX) {
        advice = " (a port below 1024 takes root)";
    } else if (error == EEXIST) {
        advice = ", and is not a socket";
    }
    return reason_set(why, why_size, "cannot listen on %s: %s%s",
                      endpoint->text, reason_errno(error), advice);
}

/* A bound TCP socket, or -1 with errno set. */
static int bind_tcp(struct endpoint *endpoint, bool share)
{
    int fd = socket(endpoint->addr.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!share ||
         setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        (endpoint->addr.ss_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, addr_of(endpoint), endpoint->addr_len) == 0) {
        return fd;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/*
 * Finds out whether the address can be had, and which port stands for 0.
 * Without SO_REUSEPORT: with it, the kernel would let us share the port with
 * another server of the same user, and its clients with us.
 */
static int claim_tcp(struct endpoint *endpoint)
{
    int fd = bind_tcp(endpoint, false);
    int result;

    if (fd < 0) {
        return -1;
    }
    endpoint->addr_len = sizeof endpoint->addr;
    result = getsockname(fd, addr_of(endpoint), &endpoint->addr_len);
    close(fd);
    return result;
}

static void close_fds(struct endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->fd_count; i++) {
        if (endpoint->fds[i] >= 0) {
            close(endpoint->fds[i]);
        }
    }
    free(endpoint->fds);
    endpoint->fds = NULL;
    endpoint->fd_count = 0;
}

static int add_fd(struct endpoint *endpoint, int fd)
{
    int *fds = reallocarray(endpoint->fds, endpoint->fd_count + 1, sizeof *fds);

    if (fds == NULL) {
        return -1;
    }
    fds[endpoint->fd_count++] = fd;
    endpoint->fds = fds;
    return 0;
}

static int open_tcp(struct endpoint *endpoint, unsigned workers)
{
    if (claim_tcp(endpoint) < 0) {
        return -1;
    }
    for (unsigned i = 0; i < workers; i++) {
        int fd = bind_tcp(endpoint, workers > 1);

        if (fd < 0) {
            return -1;
        }
        if (listen(fd, SOMAXCONN) < 0 || add_fd(endpoint, fd) < 0) {
            int saved = errno;

            close(fd);
            errno = saved;
            return -1;
        }
    }
    return 0;
}

/* 0660: a proxy reaches it through the group. */
static int open_unix(struct endpoint *endpoint, const struct account *account,
                     char *why, size_t why_size)
{
    const struct sockaddr_un *addr = (const void *)&endpoint->addr;
    struct stat stat;
    int fd = unix_listen(addr, endpoint->addr_len, 0660);

    if (fd < 0) {
        return cannot_listen(endpoint, errno, why, why_size);
    }
    if (add_fd(endpoint, fd) < 0) {
        close(fd);
        return cannot_listen(endpoint, ENOMEM, why, why_size);
    }
    if (addr->sun_path[0] == 0) {
        return 0;
    }
    if (lstat(addr->sun_path, &stat) == 0) {
        endpoint->dev = stat.st_dev;
        endpoint->ino = stat.st_ino;
    }
    return account_give(account, addr->sun_path, why, why_size);
}

/* Addresses of one name belong together: "localhost:0" gets one port. */
static bool same_text(const struct conf *conf, size_t a, size_t b)
{
    return strcmp(conf->listen[a].text, conf->listen[b].text) == 0;
}

static size_t group_end(const struct conf *conf, size_t first)
{
    size_t end = first + 1;

    while (end < conf->listen_count && same_text(conf, first, end)) {
        end++;
    }
    return end;
}

static void drop_after(struct sockets *sockets, size_t kept)
{
    while (sockets->count > kept) {
        close_fds(&sockets->list[--sockets->count]);
    }
}

/* An IPv6 half that this machine cannot have. */
static bool can_skip(const struct conf_listen *conf, int error)
{
    return conf->optional && (error == EADDRNOTAVAIL || error == EAFNOSUPPORT);
}

/* One try at the addresses of one text; taken tells that it is worth another,
 * since the port that one family got is taken in the other. */
static int open_group(struct sockets *sockets, const struct conf *conf,
                      size_t first, size_t end, bool *taken, char *why,
                      size_t why_size)
{
    size_t kept = sockets->count;
    uint16_t port = 0;

    *taken = false;
    for (size_t i = first; i < end; i++) {
        struct endpoint *endpoint = &sockets->list[sockets->count++];

        *endpoint = (struct endpoint){ .text = conf->listen[i].text,
                                       .addr = conf->listen[i].addr,
                                       .addr_len = conf->listen[i].addr_len,
                                       .tls = conf->tls_cert != NULL };
        if (address_port(addr_of(endpoint)) == 0 && port != 0) {
            address_set_port(addr_of(endpoint), port);
            *taken = true;
        }
        if (open_tcp(endpoint, sockets->workers) == 0) {
            port = address_port(addr_of(endpoint));
            continue;
        }
        int error = errno;
        drop_after(sockets, sockets->count - 1);
        if (can_skip(&conf->listen[i], error)) {
            continue;
        }
        *taken = *taken && error == EADDRINUSE;
        sockets->list[sockets->count].text = conf->listen[i].text;
        cannot_listen(&sockets->list[sockets->count], error, why, why_size);
        drop_after(sockets, kept);
        return -1;
    }
    if (sockets->count == kept) {
        return reason_set(why, why_size,
                          "cannot listen on %s: this machine has none of its "
                          "addresses",
                          conf->listen[first].text);
    }
    return 0;
}

static int open_address(struct sockets *sockets, const struct conf *conf,
                        size_t first, size_t end, const struct account *account,
                        char *why, size_t why_size)
{
    bool taken = true;

    if (conf->listen[first].addr.ss_family == AF_UNIX) {
        struct endpoint *endpoint = &sockets->list[sockets->count++];

        *endpoint =
            (struct endpoint){ .text = conf->listen[first].text,
                               .addr = conf->listen[first].addr,
                               .addr_len = conf->listen[first].addr_len };
        return open_unix(endpoint, account, why, why_size);
    }
    for (int i = 0; i < PORT_TRIES && taken; i++) {
        if (open_group(sockets, conf, first, end, &taken, why, why_size) == 0) {
            return 0;
        }
    }
    return -1;
}

static int bus_address(struct sockaddr_un *addr, const char *run_dir,
                       unsigned worker)
{
    *addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return local_bus_path(addr->sun_path, sizeof addr->sun_path, run_dir,
                          worker);
}

static int open_bus(struct sockets *sockets, const struct account *account,
                    char *why, size_t why_size)
{
    sockets->bus = malloc(sockets->workers * sizeof *sockets->bus);
    if (sockets->bus == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    for (unsigned i = 0; i < sockets->workers; i++) {
        sockets->bus[i] = -1;
    }
    for (unsigned i = 0; i < sockets->workers; i++) {
        struct sockaddr_un addr;

        if (bus_address(&addr, sockets->run_dir, i) < 0) {
            return reason_set(why, why_size,
                              "[server] run_dir: %s is too long for the name "
                              "of a socket",
                              sockets->run_dir);
        }
        sockets->bus[i] = unix_listen(&addr, sizeof addr, 0600);
        if (sockets->bus[i] < 0) {
            return reason_set(why, why_size, "cannot listen on %s: %s",
                              addr.sun_path, reason_errno(errno));
        }
        if (account_give(account, addr.sun_path, why, why_size) < 0) {
            return -1;
        }
    }
    return 0;
}

int sockets_open(struct sockets *sockets, const struct conf *conf,
                 const struct account *account, char *why, size_t why_size)
{
    *sockets =
        (struct sockets){ .workers = conf->workers, .run_dir = conf->run_dir };
    for (size_t i = 0; i < conf->listen_count;) {
        size_t end = group_end(conf, i);

        if (open_address(sockets, conf, i, end, account, why, why_size) < 0) {
            sockets_close(sockets);
            return -1;
        }
        i = end;
    }
    if (sockets->workers > 1 && open_bus(sockets, account, why, why_size) < 0) {
        sockets_close(sockets);
        return -1;
    }
    return 0;
}

size_t sockets_of(const struct sockets *sockets, unsigned worker, int *fds,
                  bool *tls)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct endpoint *endpoint = &sockets->list[i];

        fds[i] = endpoint->fds[endpoint->fd_count > 1 ? worker : 0];
        tls[i] = endpoint->tls;
    }
    return sockets->count;
}

void sockets_keep(struct sockets *sockets, unsigned worker)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct endpoint *endpoint = &sockets->list[i];

        for (size_t k = 0; k < endpoint->fd_count; k++) {
            if (endpoint->fd_count > 1 && k != worker) {
                close(endpoint->fds[k]);
                endpoint->fds[k] = -1;
            }
        }
    }
    for (unsigned i = 0; sockets->bus != NULL && i < sockets->workers; i++) {
        if (i != worker) {
            close(sockets->bus[i]);
            sockets->bus[i] = -1;
        }
    }
}

static void close_bus(struct sockets *sockets)
{
    for (unsigned i = 0; sockets->bus != NULL && i < sockets->workers; i++) {
        if (sockets->bus[i] >= 0) {
            close(sockets->bus[i]);
        }
    }
    free(sockets->bus);
    sockets->bus = NULL;
}

void sockets_forget(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        close_fds(&sockets->list[i]);
    }
    sockets->count = 0;
    close_bus(sockets);
}

void sockets_list(const struct sockets *sockets, struct buf *buf)
{
    for (size_t i = 0; i < sockets->count; i++) {
        char text[ADDRESS_SIZE];

        address_format((const struct sockaddr *)&sockets->list[i].addr,
                       sockets->list[i].addr_len, text, sizeof text);
        buf_addf(buf, "%s\n", text);
    }
}

void sockets_announce(const struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count;) {
        const struct endpoint *first = &sockets->list[i];
        struct buf real = { 0 };
        char url[ADDRESS_SIZE * 2];
        char text[ADDRESS_SIZE];

        if (first->addr.ss_family == AF_UNIX) {
            log_info("listening on %s", first->text);
            i++;
            continue;
        }
        address_url(first->text,
                    address_port((const struct sockaddr *)&first->addr),
                    first->tls, url, sizeof url);
        for (; i < sockets->count &&
               strcmp(sockets->list[i].text, first->text) == 0;
             i++) {
            const struct endpoint *endpoint = &sockets->list[i];

            address_format((const struct sockaddr *)&endpoint->addr,
                           endpoint->addr_len, text, sizeof text);
            buf_addf(&real, "%s%s", real.len > 0 ? ", " : "", text);
        }
        log_info("listening on %s (%s)", url,
                 real.failed ? "out of memory" : real.data);
        buf_free(&real);
    }
}

/* The file may have been replaced by another server's meanwhile. */
static void remove_unix(struct endpoint *endpoint)
{
    const struct sockaddr_un *addr = (const void *)&endpoint->addr;
    struct stat stat;

    if (addr->sun_family == AF_UNIX && endpoint->ino != 0 &&
        lstat(addr->sun_path, &stat) == 0 && stat.st_dev == endpoint->dev &&
        stat.st_ino == endpoint->ino) {
        unlink(addr->sun_path);
    }
    endpoint->ino = 0;
}

void sockets_retire(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        remove_unix(&sockets->list[i]);
        close_fds(&sockets->list[i]);
    }
}

void sockets_close(struct sockets *sockets)
{
    sockets_retire(sockets);
    sockets->count = 0;
    for (unsigned i = 0; sockets->bus != NULL && i < sockets->workers; i++) {
        struct sockaddr_un addr;

        if (sockets->bus[i] >= 0 &&
            bus_address(&addr, sockets->run_dir, i) == 0) {
            unlink(addr.sun_path);
        }
    }
    close_bus(sockets);
}
