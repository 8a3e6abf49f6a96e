/* endpoint.c - one address to listen on: its sockets */
#include "proc/endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proc/address.h"
#include "proc/reason.h"
#include "proc/unix.h"

static const int on = 1;

static struct sockaddr *addr_of(struct endpoint *endpoint)
{
    return (struct sockaddr *)&endpoint->addr;
}

int endpoint_cannot(const struct endpoint *endpoint, int error, char *why,
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

/* Lent ones are closed by who lent them. */
void endpoint_close(struct endpoint *endpoint)
{
    for (size_t i = endpoint->lent; i < endpoint->fd_count; i++) {
        if (endpoint->fds[i] >= 0) {
            close(endpoint->fds[i]);
        }
    }
    free(endpoint->fds);
    endpoint->fds = NULL;
    endpoint->fd_count = 0;
    endpoint->lent = 0;
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

static int add_tcp(struct endpoint *endpoint, bool share, bool at_once)
{
    int fd = bind_tcp(endpoint, share);

    if (fd < 0) {
        return -1;
    }
    if ((at_once && listen(fd, SOMAXCONN) < 0) || add_fd(endpoint, fd) < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return 0;
}

int endpoint_open_tcp(struct endpoint *endpoint, unsigned workers, bool at_once)
{
    if (claim_tcp(endpoint) < 0) {
        return -1;
    }
    for (unsigned i = 0; i < workers; i++) {
        if (add_tcp(endpoint, workers > 1, at_once) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The file of a Unix address is the service manager's. */
int endpoint_take(struct endpoint *endpoint, int fd)
{
    endpoint->addr_len = sizeof endpoint->addr;
    if (getsockname(fd, addr_of(endpoint), &endpoint->addr_len) < 0 ||
        add_fd(endpoint, fd) < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    endpoint->shared = true;
    return 0;
}

/* 0660: a proxy reaches it through the group. */
int endpoint_open_unix(struct endpoint *endpoint, const struct account *account,
                       char *why, size_t why_size)
{
    const struct sockaddr_un *addr = (const void *)&endpoint->addr;
    struct stat stat;
    int fd = unix_listen(addr, endpoint->addr_len, 0660);

    if (fd < 0) {
        return endpoint_cannot(endpoint, errno, why, why_size);
    }
    endpoint->shared = true;
    if (add_fd(endpoint, fd) < 0) {
        close(fd);
        return endpoint_cannot(endpoint, ENOMEM, why, why_size);
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

/* A port of 0 stands for the one that the same text has got. */
bool endpoint_is_same(const struct endpoint *endpoint,
                      const struct conf_listen *conf)
{
    const struct sockaddr *wanted = (const struct sockaddr *)&conf->addr;
    struct sockaddr_storage addr = endpoint->addr;

    if (addr.ss_family != conf->addr.ss_family ||
        endpoint->addr_len != conf->addr_len) {
        return false;
    }
    if (addr.ss_family != AF_UNIX && address_port(wanted) == 0) {
        if (strcmp(endpoint->text, conf->text) != 0) {
            return false;
        }
        address_set_port((struct sockaddr *)&addr, 0);
    }
    return memcmp(&addr, &conf->addr, conf->addr_len) == 0;
}

/* One that was bound alone shares its port from now on. */
static int share_tcp(const struct endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->fd_count; i++) {
        if (setsockopt(endpoint->fds[i], SOL_SOCKET, SO_REUSEPORT, &on,
                       sizeof on) < 0) {
            return -1;
        }
    }
    return 0;
}

int endpoint_borrow(struct endpoint *endpoint, const struct endpoint *from,
                    const struct conf *conf, const struct conf_listen *listen,
                    const struct account *account, char *why, size_t why_size)
{
    bool is_unix = from->addr.ss_family == AF_UNIX;
    const struct sockaddr_un *addr = (const void *)&from->addr;
    bool has_file = is_unix && from->ino != 0;

    *endpoint = *from;
    endpoint->text = listen->text;
    endpoint->tls = !is_unix && conf->tls_cert != NULL;
    endpoint->fds = NULL;
    endpoint->fd_count = 0;
    for (size_t i = 0; i < from->fd_count; i++) {
        if (add_fd(endpoint, from->fds[i]) < 0) {
            return endpoint_cannot(endpoint, ENOMEM, why, why_size);
        }
        endpoint->lent++;
    }
    if (endpoint->shared) {
        return has_file ? account_give(account, addr->sun_path, why, why_size)
                        : 0;
    }
    if (endpoint->fd_count < conf->workers && share_tcp(endpoint) < 0) {
        return endpoint_cannot(endpoint, errno, why, why_size);
    }
    while (endpoint->fd_count < conf->workers) {
        if (add_tcp(endpoint, true, false) < 0) {
            return endpoint_cannot(endpoint, errno, why, why_size);
        }
    }
    return 0;
}

/* The file may have been replaced by another server's meanwhile. */
void endpoint_remove_file(struct endpoint *endpoint)
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
