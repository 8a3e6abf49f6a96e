/* pins.c - the plugins' files as they were when they were taken up */
#include "proc/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "plugin/copy.h"
#include "proc/reason.h"

#define READ_SIZE 65536

/* 0, or an errno. */
static int read_file(const char *path, struct buf *buf)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = 1;

    if (fd < 0) {
        return errno;
    }
    while (got != 0) {
        char *room = buf_reserve(buf, READ_SIZE);

        if (room == NULL) {
            close(fd);
            return ENOMEM;
        }
        got = read(fd, room, READ_SIZE);
        if (got < 0 && errno != EINTR) {
            int saved = errno;

            close(fd);
            return saved;
        }
        buf->len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return 0;
}

static char *pin(const struct conf_route *route, const char *dir, char *why,
                 size_t why_size)
{
    struct buf bytes = { 0 };
    struct copy copy = { 0 };
    char reason[REASON_SIZE];
    int error = read_file(route->plugin_file, &bytes);

    if (error != 0) {
        reason_set(why, why_size, "%s cannot be read: %s", route->plugin_file,
                   reason_errno(error));
    } else if (copy_store(&copy, route->plugin, bytes.data, bytes.len, dir,
                          reason, sizeof reason) != 0) {
        reason_set(why, why_size, "%s %s", route->plugin_file, reason);
    } else {
        /* The workers' user has to read it. */
        (void)chmod(copy.path, 0555);
    }
    buf_free(&bytes);
    return copy.path;
}

/* Routes of one plugin share a copy. */
static const char *find(const struct pins *pins, const struct conf *conf,
                        const char *file)
{
    for (size_t i = 0; i < pins->count; i++) {
        if (strcmp(conf->routes[i].plugin_file, file) == 0) {
            return pins->files[i];
        }
    }
    return NULL;
}

int pins_make(struct pins *pins, const struct conf *conf, const char *dir,
              char *why, size_t why_size)
{
    *pins = (struct pins){ 0 };
    pins->files = calloc(conf->route_count + 1, sizeof *pins->files);
    if (pins->files == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    for (size_t i = 0; i < conf->route_count; i++) {
        const struct conf_route *route = &conf->routes[i];
        const char *shared = find(pins, conf, route->plugin_file);
        char *file;

        if (shared != NULL) {
            file = strdup(shared);
            if (file == NULL) {
                reason_set(why, why_size, "out of memory");
            }
        } else {
            file = pin(route, dir, why, why_size);
        }
        if (file == NULL) {
            pins_free(pins);
            return -1;
        }
        pins->files[pins->count++] = file;
    }
    return 0;
}

bool pins_equal(const struct pins *a, const struct pins *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++) {
        equal = strcmp(a->files[i], b->files[i]) == 0;
    }
    return equal;
}

bool pins_hold(const struct pins *pins, const char *file)
{
    for (size_t i = 0; i < pins->count; i++) {
        const char *slash = strrchr(pins->files[i], '/');

        if (strcmp(slash != NULL ? slash + 1 : pins->files[i], file) == 0) {
            return true;
        }
    }
    return false;
}

bool pins_are_there(const struct pins *pins)
{
    for (size_t i = 0; i < pins->count; i++) {
        if (access(pins->files[i], F_OK) != 0) {
            return false;
        }
    }
    return true;
}

void pins_free(struct pins *pins)
{
    for (size_t i = 0; i < pins->count; i++) {
        free(pins->files[i]);
    }
    free(pins->files);
    *pins = (struct pins){ 0 };
}

const char *pins_hash(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *dot = strchr(slash != NULL ? slash : file, '.');

    return dot != NULL ? dot + 1 : "";
}
