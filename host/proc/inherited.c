/* inherited.c - sockets that listen, opened by the service manager */
#include "proc/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/units.h"
#include "proc/address.h"
#include "proc/reason.h"

#define FIRST 3 /* SD_LISTEN_FDS_START */

static size_t count_them(void)
{
    const char *text = getenv("LISTEN_FDS");
    const char *pid = getenv("LISTEN_PID");
    int64_t count, whose;

    if (text == NULL || pid == NULL || units_parse_int(pid, &whose) != 0 ||
        whose != getpid() || units_parse_int(text, &count) != 0 || count < 1) {
        return 0;
    }
    return count > CONF_MAX_LISTEN ? CONF_MAX_LISTEN + 1 : (size_t)count;
}

static int get(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static int prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return -1;
    }
    if (get(fd, SO_TYPE) != SOCK_STREAM || get(fd, SO_ACCEPTCONN) != 1) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

int inherited_take(struct inherited *inherited, char *why, size_t why_size)
{
    size_t count = count_them();

    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    *inherited = (struct inherited){ .count = 0 };
    if (count > CONF_MAX_LISTEN) {
        return reason_set(why, why_size,
                          "the service manager passes more than %d sockets",
                          CONF_MAX_LISTEN);
    }
    for (size_t i = 0; i < count; i++) {
        if (prepare(FIRST + (int)i) < 0) {
            return reason_set(why, why_size,
                              "descriptor %d of the service manager is no "
                              "stream socket that listens: %s",
                              FIRST + (int)i, reason_errno(errno));
        }
        inherited->fds[inherited->count++] = FIRST + (int)i;
    }
    return 0;
}

/* ---- addresses --------------------------------------------------------- */

/* The length that the kernel gives for a path need not be that of the conf. */
static bool same_unix(const struct sockaddr_un *a, socklen_t a_len,
                      const struct sockaddr_un *b, socklen_t b_len)
{
    size_t start = offsetof(struct sockaddr_un, sun_path);

    if (a_len <= start || b_len <= start) {
        return false;
    }
    if (a->sun_path[0] == 0) {
        return a_len == b_len &&
               memcmp(a->sun_path, b->sun_path, a_len - start) == 0;
    }
    return strncmp(a->sun_path, b->sun_path, sizeof a->sun_path) == 0;
}

static bool is_at(int fd, const struct conf_listen *listen)
{
    struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof addr;
    const struct sockaddr_in *v4 = (const void *)&addr;
    const struct sockaddr_in *want4 = (const void *)&listen->addr;
    const struct sockaddr_in6 *v6 = (const void *)&addr;
    const struct sockaddr_in6 *want6 = (const void *)&listen->addr;

    if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
        addr.ss_family != listen->addr.ss_family) {
        return false;
    }
    switch (addr.ss_family) {
    case AF_UNIX:
        return same_unix((const void *)&addr, len, (const void *)&listen->addr,
                         listen->addr_len);
    case AF_INET:
        return v4->sin_port == want4->sin_port &&
               v4->sin_addr.s_addr == want4->sin_addr.s_addr;
    case AF_INET6:
        return v6->sin6_port == want6->sin6_port &&
               v6->sin6_scope_id == want6->sin6_scope_id &&
               memcmp(&v6->sin6_addr, &want6->sin6_addr,
                      sizeof v6->sin6_addr) == 0;
    default: return false;
    }
}

int inherited_check(const struct inherited *inherited, const struct conf *conf,
                    char *why, size_t why_size)
{
    for (size_t i = 0; i < inherited->count; i++) {
        struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
        socklen_t len = sizeof addr;
        char text[ADDRESS_SIZE];
        size_t k = 0;

        while (k < conf->listen_count &&
               !is_at(inherited->fds[i], &conf->listen[k])) {
            k++;
        }
        if (k == conf->listen_count) {
            (void)getsockname(inherited->fds[i], (struct sockaddr *)&addr,
                              &len);
            address_format((const struct sockaddr *)&addr, len, text,
                           sizeof text);
            return reason_set(why, why_size,
                              "the service manager passes a socket at %s, "
                              "which [server] listen does not name",
                              text);
        }
    }
    return 0;
}

int inherited_dup(const struct inherited *inherited,
                  const struct conf_listen *listen)
{
    for (size_t i = 0; i < inherited->count; i++) {
        if (is_at(inherited->fds[i], listen)) {
            return fcntl(inherited->fds[i], F_DUPFD_CLOEXEC, 0);
        }
    }
    return -1;
}

void inherited_close(struct inherited *inherited)
{
    for (size_t i = 0; i < inherited->count; i++) {
        close(inherited->fds[i]);
    }
    inherited->count = 0;
}
