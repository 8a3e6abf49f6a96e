/* unix.c - a listening Unix socket with a mode, in the place of a dead one */
#include "proc/unix.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Only a refusal tells that its server is dead; all else may be anything. */
static bool is_dead(const struct sockaddr *addr, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool dead;

    if (fd < 0) {
        return false;
    }
    dead = connect(fd, addr, len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return dead;
}

int unix_listen(const struct sockaddr_un *addr, socklen_t len, mode_t mode)
{
    const struct sockaddr *any = (const void *)addr;
    struct stat stat;
    mode_t mask;
    int fd, result;

    if (addr->sun_path[0] != 0 && lstat(addr->sun_path, &stat) == 0) {
        if (!S_ISSOCK(stat.st_mode)) {
            errno = EEXIST;
            return -1;
        }
        if (!is_dead(any, len)) {
            errno = EADDRINUSE;
            return -1;
        }
        unlink(addr->sun_path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    mask = umask(0777 & ~mode);
    result = bind(fd, any, len);
    umask(mask);
    if (result == 0) {
        result = listen(fd, SOMAXCONN);
    }
    if (result < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int unix_connect(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&addr, sizeof addr) < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}
