/* rundir.c - the directory of a running host: lock, pid, sockets, images */
#include "proc/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/reason.h"

#define PID_FILE "patchbay.pid"

int rundir_path(const char *run_dir, const char *name, char *out, size_t size)
{
    int len = snprintf(out, size, "%s/%s", run_dir, name);

    return len >= 0 && (size_t)len < size ? 0 : -1;
}

/* Others must be able to look in, whatever the umask: the workers' user is
 * another one. */
static int make_dir(const char *path)
{
    if (mkdir(path, 0755) == 0) {
        return chmod(path, 0755);
    }
    return errno == EEXIST ? 0 : -1;
}

static int make_parents(const char *path)
{
    char part[PATH_MAX];

    if (snprintf(part, sizeof part, "%s", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *at = part + 1; *at != 0; at++) {
        if (*at == '/') {
            *at = 0;
            if (make_dir(part) < 0) {
                return -1;
            }
            *at = '/';
        }
    }
    return make_dir(part);
}

/* The lock of the file, not of the open file: a fork does not share it. */
static int lock(int fd, pid_t *holder)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    *holder = 0;
    if (fcntl(fd, F_SETLK, &lock) == 0) {
        return 0;
    }
    if (errno == EACCES || errno == EAGAIN) {
        if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
            *holder = lock.l_pid;
        }
        errno = EBUSY;
    }
    return -1;
}

/* Whether the locked file still has its name: a host that ends removes it. */
static bool is_current(int fd, const char *path)
{
    struct stat ours, named;

    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static int open_pid_file(const char *path, pid_t *holder)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

        *holder = 0;
        if (fd < 0) {
            return -1;
        }
        if (lock(fd, holder) < 0) {
            int saved = errno;

            close(fd);
            errno = saved;
            return -1;
        }
        if (is_current(fd, path)) {
            return fd;
        }
        close(fd);
    }
}

int rundir_open(struct rundir *rundir, const char *path, char *why,
                size_t why_size)
{
    char file[PATH_MAX];
    pid_t holder;

    *rundir = (struct rundir){ .path = path, .lock_fd = -1 };
    if (make_parents(path) < 0) {
        return reason_set(why, why_size, "[server] run_dir: cannot make %s: %s",
                          path, reason_errno(errno));
    }
    if (rundir_path(path, PID_FILE, file, sizeof file) < 0) {
        return reason_set(why, why_size, "[server] run_dir: %s is too long",
                          path);
    }
    rundir->lock_fd = open_pid_file(file, &holder);
    if (rundir->lock_fd < 0) {
        if (errno == EBUSY) {
            return reason_set(why, why_size,
                              "another patchbay (pid %d) runs with run_dir %s; "
                              "stop it, or set another run_dir in [server]",
                              (int)holder, path);
        }
        return reason_set(why, why_size, "cannot open %s: %s", file,
                          reason_errno(errno));
    }
    if (ftruncate(rundir->lock_fd, 0) < 0 ||
        dprintf(rundir->lock_fd, "%d\n", (int)getpid()) < 0) {
        int saved = errno;

        rundir_close(rundir);
        return reason_set(why, why_size, "cannot write %s: %s", file,
                          reason_errno(saved));
    }
    return 0;
}

bool rundir_is_there(const struct rundir *rundir)
{
    char file[PATH_MAX];

    return rundir_path(rundir->path, PID_FILE, file, sizeof file) == 0 &&
           is_current(rundir->lock_fd, file);
}

int rundir_restore(struct rundir *rundir, char *why, size_t why_size)
{
    struct rundir next;

    if (!rundir_is_there(rundir)) {
        if (rundir_open(&next, rundir->path, why, why_size) < 0) {
            return -1;
        }
        rundir_forget(rundir);
        *rundir = next;
    }
    rundir->anew = true;
    return 0;
}

/* Files only: what else is in there is not ours. */
static int empty(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    while ((entry = readdir(dir)) != NULL) {
        unlinkat(fd, entry->d_name, 0);
    }
    closedir(dir);
    return 0;
}

int rundir_empty(const struct rundir *rundir, const char *name, char *why,
                 size_t why_size)
{
    char path[PATH_MAX];

    if (rundir_path(rundir->path, name, path, sizeof path) < 0 ||
        make_dir(path) < 0 || empty(path) < 0) {
        return reason_set(why, why_size, "cannot make %s/%s: %s", rundir->path,
                          name, reason_errno(errno));
    }
    return 0;
}

int rundir_write(const struct rundir *rundir, const char *name,
                 const char *text, char *why, size_t why_size)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    FILE *file;
    bool written;

    if (rundir_path(rundir->path, name, path, sizeof path) < 0 ||
        snprintf(temporary, sizeof temporary, "%s.new", path) >= PATH_MAX) {
        return reason_set(why, why_size,
                          "cannot write %s: its name is too long", name);
    }
    file = fopen(temporary, "we");
    if (file == NULL) {
        return reason_set(why, why_size, "cannot write %s: %s", temporary,
                          reason_errno(errno));
    }
    written = fputs(text, file) >= 0;
    written = fclose(file) == 0 && written;
    if (!written || rename(temporary, path) < 0) {
        int saved = errno;

        unlink(temporary);
        return reason_set(why, why_size, "cannot write %s: %s", path,
                          reason_errno(saved));
    }
    return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);

        if (put < 0 && errno != EINTR) {
            return -1;
        }
        if (put > 0) {
            data += put;
            size -= (size_t)put;
        }
    }
    return 0;
}

int rundir_put(const struct rundir *rundir, const char *name, const void *data,
               size_t size, char *why, size_t why_size)
{
    char path[PATH_MAX];
    int fd, status;

    if (rundir_path(rundir->path, name, path, sizeof path) < 0) {
        return reason_set(why, why_size,
                          "cannot write %s: its name is too long", name);
    }
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    status = fd < 0 ? -1 : write_all(fd, data, size);
    if (status < 0) {
        reason_set(why, why_size, "cannot write %s: %s", path,
                   reason_errno(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

void rundir_remove(const struct rundir *rundir, const char *name)
{
    char path[PATH_MAX];

    if (rundir_path(rundir->path, name, path, sizeof path) == 0 &&
        unlink(path) < 0 && errno == EISDIR && empty(path) == 0) {
        rmdir(path);
    }
}

void rundir_forget(struct rundir *rundir)
{
    if (rundir->lock_fd >= 0) {
        close(rundir->lock_fd);
        rundir->lock_fd = -1;
    }
}

void rundir_close(struct rundir *rundir)
{
    if (rundir->lock_fd >= 0) {
        rundir_remove(rundir, PID_FILE);
        rundir_forget(rundir);
    }
}
