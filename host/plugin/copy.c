/* copy.c - a plugin's bytes in a private file, to be opened from there */
#include "plugin/copy.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fnv.h"

#define COPY_MODE 0500
#define DIR_MODE  0700

/*
 * A copy in anonymous memory. dlopen knows what is loaded by its path first, so
 * each copy has a path that no other ever had, and its descriptor can be closed
 * once it is loaded: else each version would cost one for ever. All of them are
 * listed here, for as long as the process lives.
 */
struct anonymous {
    struct anonymous *next;
    char *label; /* NAME.<hash>.so */
    char *path;
};

static struct anonymous *anonymous_copies;

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* Whether these bytes, and no others, are in the file. */
static bool holds(int fd, const char *data, size_t size)
{
    char part[65536];
    size_t at = 0;
    ssize_t n;

    while ((n = pread(fd, part, sizeof part, (off_t)at)) > 0) {
        if ((size_t)n > size - at || memcmp(part, data + at, (size_t)n) != 0) {
            return false;
        }
        at += (size_t)n;
    }
    return n == 0 && at == size;
}

static bool is_there(const char *path, const char *data, size_t size)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool there;

    if (fd < 0) {
        return false;
    }
    there = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
            (stat.st_mode & 022) == 0 && holds(fd, data, size);
    close(fd);
    return there;
}

/* Under its final name a copy is always whole: other workers may be about to
 * open it, and one that was there before stays whole for who has it mapped. */
static int write_file(const char *path, const char *data, size_t size,
                      char *why, size_t why_size)
{
    char *temporary;
    int error = 0;
    int fd;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        snprintf(why, why_size, "cannot be copied: out of memory");
        return -1;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        error = errno;
    } else {
        if (write_all(fd, data, size) != 0 || fchmod(fd, COPY_MODE) != 0) {
            error = errno;
        }
        if (close(fd) != 0 && error == 0) {
            error = errno;
        }
        if (error == 0 && rename(temporary, path) != 0) {
            error = errno;
        }
        if (error != 0) {
            unlink(temporary);
        }
    }
    free(temporary);
    if (error != 0) {
        snprintf(why, why_size, "cannot be copied to %s: %s", path,
                 strerror(error));
        return -1;
    }
    return 0;
}

static bool is_loaded(const char *path)
{
    void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);

    if (handle != NULL) {
        dlclose(handle); /* the count only: it was opened to stay */
    }
    return handle != NULL;
}

static const struct anonymous *find_anonymous(const char *label)
{
    const struct anonymous *at = anonymous_copies;

    while (at != NULL &&
           (strcmp(at->label, label) != 0 || !is_loaded(at->path))) {
        at = at->next;
    }
    return at;
}

/* "/proc/self/fd" and "/N", and in between a number in binary that names
 * nothing: "/." is 1, "/" is 0. */
static char *new_path(int fd)
{
    static uint32_t serial;
    struct buf path = { 0 };

    buf_adds(&path, "/proc/self/fd");
    serial++;
    for (int bit = 31; bit >= 0; bit--) {
        buf_adds(&path, (serial >> bit & 1u) != 0 ? "/." : "/");
    }
    buf_addf(&path, "/%d", fd);
    if (path.failed) {
        buf_free(&path);
    }
    return path.data;
}

static int write_anonymous(struct copy *copy, const char *label,
                           const char *data, size_t size, char *why,
                           size_t why_size)
{
    struct anonymous *made = calloc(1, sizeof *made);
    char *kept = strdup(label);
    char *path = NULL;

    copy->fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy->fd >= 0) {
        path = new_path(copy->fd);
        copy->path = path != NULL ? strdup(path) : NULL;
    }
    if (made == NULL || kept == NULL || copy->path == NULL ||
        write_all(copy->fd, data, size) != 0 ||
        fcntl(copy->fd, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        snprintf(why, why_size, "cannot be copied to memory: %s",
                 strerror(errno));
        copy_finish(copy);
        free(path);
        free(kept);
        free(made);
        return -1;
    }
    *made = (struct anonymous){ anonymous_copies, kept, path };
    anonymous_copies = made;
    return 0;
}

static int open_dir(const char *dir, bool *noexec, char *why, size_t why_size)
{
    struct stat stat_of;
    struct statvfs system;

    if (mkdir(dir, DIR_MODE) != 0 && errno != EEXIST) {
        snprintf(why, why_size, "cannot be copied: cannot make %s: %s", dir,
                 strerror(errno));
        return -1;
    }
    if (stat(dir, &stat_of) != 0 || statvfs(dir, &system) != 0) {
        snprintf(why, why_size, "cannot be copied to %s: %s", dir,
                 strerror(errno));
        return -1;
    }
    if ((stat_of.st_mode & 022) != 0) {
        snprintf(why, why_size,
                 "cannot be copied to %s: other users can write there: "
                 "chmod 700 %s",
                 dir, dir);
        return -1;
    }
    *noexec = (system.f_flag & ST_NOEXEC) != 0;
    return 0;
}

/* Sets hash, and *label to NAME.<hash>.so. */
static void name_copy(struct copy *copy, const char *name, const void *data,
                      size_t size, char *label, size_t label_size)
{
    *copy = (struct copy){ .fd = -1 };
    snprintf(copy->hash, sizeof copy->hash, "%016" PRIx64,
             fnv_hash(FNV_START, data, size));
    snprintf(label, label_size, "%.64s.%s.so", name, copy->hash);
}

static int make_file(struct copy *copy, const char *label, const void *data,
                     size_t size, const char *dir, char *why, size_t why_size)
{
    if (asprintf(&copy->path, "%s/%s", dir, label) < 0) {
        copy->path = NULL;
        snprintf(why, why_size, "cannot be copied: out of memory");
        return -1;
    }
    if (!is_there(copy->path, data, size) &&
        write_file(copy->path, data, size, why, why_size) != 0) {
        copy_finish(copy);
        return -1;
    }
    return 0;
}

static int make_anonymous(struct copy *copy, const char *label,
                          const void *data, size_t size, char *why,
                          size_t why_size)
{
    const struct anonymous *found = find_anonymous(label);

    if (found == NULL) {
        return write_anonymous(copy, label, data, size, why, why_size);
    }
    copy->path = strdup(found->path);
    if (copy->path == NULL) {
        snprintf(why, why_size, "cannot be copied: out of memory");
        return -1;
    }
    return 0;
}

int copy_make(struct copy *copy, const char *name, const void *data,
              size_t size, const char *dir, char *why, size_t why_size)
{
    char label[128];
    bool noexec;

    name_copy(copy, name, data, size, label, sizeof label);
    if (open_dir(dir, &noexec, why, why_size) != 0) {
        return -1;
    }
    return noexec ? make_anonymous(copy, label, data, size, why, why_size)
                  : make_file(copy, label, data, size, dir, why, why_size);
}

int copy_store(struct copy *copy, const char *name, const void *data,
               size_t size, const char *dir, char *why, size_t why_size)
{
    char label[128];
    bool noexec;

    name_copy(copy, name, data, size, label, sizeof label);
    if (open_dir(dir, &noexec, why, why_size) != 0) {
        return -1;
    }
    return make_file(copy, label, data, size, dir, why, why_size);
}

void copy_finish(struct copy *copy)
{
    free(copy->path);
    copy->path = NULL;
    if (copy->fd >= 0) {
        close(copy->fd);
    }
    copy->fd = -1;
}
