/* unix.h - a listening Unix socket with a mode, in the place of a dead one */
#ifndef PATCHBAY_PROC_UNIX_H
#define PATCHBAY_PROC_UNIX_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/*
 * Returns a listening, non-blocking socket, or -1 with errno set: EADDRINUSE
 * if somebody answers at that place, EEXIST if what is there is no socket. One
 * that nobody answers at is replaced.
 */
int unix_listen(const struct sockaddr_un *addr, socklen_t len, mode_t mode);

/* A blocking socket, connected; -1 with errno set. */
int unix_connect(const char *path);

#endif
