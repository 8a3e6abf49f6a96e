/* watcher.c - tells when files that are watched have changed, and are whole */
#include "proc/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "plugin/elf.h"

#define AGAIN_MS 500 /* to look for a folder that is not there */
#define READ_MAX ((size_t)256 << 20)

/* All that can happen to a name in a folder, and to the folder. */
#define EVENTS                                                              \
    (IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | \
     IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* Tells contents apart without reading them. All zero: there is no file. */
struct look {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec time;
};

struct file {
    char *path;
    struct look known; /* what was told, or was there at first */
    struct look bad;   /* what was told to be broken */
    struct look last;  /* at the last look */
    bool pending;      /* may have changed */
    int folder;        /* watch descriptors; -1: none */
    int target;        /* of what it links to */
};

struct watcher {
    struct poller *poller;
    struct watch watch;
    struct alarm_clock alarm;
    void (*changed)(void *arg, const char *path);
    void (*broken)(void *arg, const char *path, const char *why);
    void *arg;
    struct file *files[WATCHER_FILES_MAX];
    size_t count;
};

static bool same(const struct look *a, const struct look *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->time.tv_sec == b->time.tv_sec &&
           a->time.tv_nsec == b->time.tv_nsec;
}

static struct look look_at(const char *path)
{
    struct look look;
    struct stat info;

    memset(&look, 0, sizeof look);
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        look.dev = info.st_dev;
        look.ino = info.st_ino;
        look.size = info.st_size;
        look.time = info.st_mtim;
    }
    return look;
}

static bool is_there(const struct look *look)
{
    return look->ino != 0;
}

/* The folder of a path, watched; -1 if it cannot be. The kernel gives a folder
 * that is watched already the same number again. */
static int watch_folder(const struct watcher *watcher, const char *path)
{
    char folder[PATH_MAX];
    char *slash;

    if (strlen(path) >= sizeof folder) {
        return -1;
    }
    strcpy(folder, path);
    slash = strrchr(folder, '/');
    if (slash == NULL) {
        strcpy(folder, ".");
    } else {
        slash[slash == folder] = '\0';
    }
    return inotify_add_watch(watcher->watch.fd, folder, EVENTS);
}

static void watch_folders(const struct watcher *watcher, struct file *file)
{
    char *target = realpath(file->path, NULL);

    file->folder = watch_folder(watcher, file->path);
    file->target = target != NULL ? watch_folder(watcher, target) : -1;
    free(target);
}

/* Never later than it was to ring: a folder in which something happens all the
 * time must not put it off. */
static void set_alarm(struct watcher *watcher, uint64_t after_ms)
{
    uint64_t at_ms = clock_now_ms() + after_ms;

    if (!watcher->alarm.set || at_ms < watcher->alarm.at_ms) {
        poller_set_alarm(watcher->poller, &watcher->alarm, at_ms);
    }
}

/* ---- is it whole? ------------------------------------------------------ */

static bool is_shared_object(const char *path)
{
    size_t len = strlen(path);

    return len > 3 && strcmp(path + len - 3, ".so") == 0;
}

/* 0, or -1 and why. */
static int check_whole(const char *path, char *why, size_t why_size)
{
    struct buf bytes = { 0 };
    ssize_t got = 1;
    int status = -1;
    int fd;

    if (!is_shared_object(path)) {
        return 0;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (fd >= 0 && got > 0 && bytes.len < READ_MAX) {
        char *room = buf_reserve(&bytes, 65536);

        got = room != NULL ? read(fd, room, 65536) : -1;
        bytes.len += got > 0 ? (size_t)got : 0;
    }
    if (fd < 0 || got != 0) {
        snprintf(why, why_size, "cannot be read: %s",
                 got > 0 ? "it is too big" : strerror(errno));
    } else {
        status = elf_check(bytes.data != NULL ? bytes.data : "", bytes.len, why,
                           why_size);
    }
    if (fd >= 0) {
        close(fd);
    }
    buf_free(&bytes);
    return status;
}

/* It has been steady for a moment. */
static void take(struct watcher *watcher, struct file *file)
{
    char why[512];

    file->pending = false;
    if (!is_there(&file->last) || same(&file->last, &file->known)) {
        return; /* gone: it may come back */
    }
    if (check_whole(file->path, why, sizeof why) == 0) {
        file->known = file->last;
        watcher->changed(watcher->arg, file->path);
    } else if (!same(&file->last, &file->bad)) {
        file->bad = file->last;
        watcher->broken(watcher->arg, file->path, why);
    }
}

static void look_again(struct alarm_clock *alarm)
{
    struct watcher *watcher = alarm->arg;
    bool pending = false, missing = false;

    for (size_t i = 0; i < watcher->count; i++) {
        struct file *file = watcher->files[i];
        struct look now;

        if (file->folder < 0) {
            watch_folders(watcher, file);
            missing = missing || file->folder < 0;
            file->pending = file->pending || file->folder >= 0;
        }
        if (!file->pending) {
            continue;
        }
        now = look_at(file->path);
        if (same(&now, &file->last)) {
            take(watcher, file);
        } else {
            file->last = now;
            pending = true;
        }
    }
    if (pending) {
        set_alarm(watcher, WATCHER_STEADY_MS);
    } else if (missing) {
        set_alarm(watcher, AGAIN_MS);
    }
}

/* ---- what the kernel tells --------------------------------------------- */

/* Which name it was does not matter much: a look at a file is cheap. */
static void note(struct watcher *watcher, const struct inotify_event *event)
{
    bool lost = (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF |
                                IN_Q_OVERFLOW)) != 0;

    for (size_t i = 0; i < watcher->count; i++) {
        struct file *file = watcher->files[i];

        if (event->wd >= 0 && event->wd != file->folder &&
            event->wd != file->target) {
            continue;
        }
        if (lost) {
            file->folder = -1; /* found again, if it is there again */
        }
        if (!file->pending) {
            file->pending = true;
            file->last = look_at(file->path);
            watch_folders(watcher, file);
        }
    }
}

static void ready(struct watch *watch, short revents)
{
    struct watcher *watcher = watch->arg;
    union {
        struct inotify_event event;
        char bytes[16384];
    } room;
    ssize_t got;

    (void)revents;
    while ((got = read(watch->fd, &room, sizeof room)) > 0) {
        for (char *at = room.bytes; at < room.bytes + got;) {
            struct inotify_event event;

            memcpy(&event, at, sizeof event);
            note(watcher, &event);
            at += sizeof event + event.len;
        }
    }
    set_alarm(watcher, WATCHER_STEADY_MS);
}

/* ---- begin and end ----------------------------------------------------- */

struct watcher *watcher_create(
    struct poller *poller, void (*changed)(void *arg, const char *path),
    void (*broken)(void *arg, const char *path, const char *why), void *arg)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);

    if (watcher == NULL) {
        return NULL;
    }
    watcher->poller = poller;
    watcher->changed = changed;
    watcher->broken = broken;
    watcher->arg = arg;
    watcher->alarm = (struct alarm_clock){ .ring = look_again, .arg = watcher };
    watcher->watch.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watcher->watch.events = POLLIN;
    watcher->watch.ready = ready;
    watcher->watch.arg = watcher;
    if (watcher->watch.fd < 0 || poller_add(poller, &watcher->watch) < 0) {
        if (watcher->watch.fd >= 0) {
            close(watcher->watch.fd);
        }
        free(watcher);
        return NULL;
    }
    return watcher;
}

static struct file *find(const struct watcher *watcher, const char *path)
{
    for (size_t i = 0; i < watcher->count; i++) {
        if (strcmp(watcher->files[i]->path, path) == 0) {
            return watcher->files[i];
        }
    }
    return NULL;
}

int watcher_add(struct watcher *watcher, const char *path)
{
    struct file *file;

    if (find(watcher, path) != NULL) {
        return 0;
    }
    if (watcher->count == WATCHER_FILES_MAX) {
        errno = ENOSPC;
        return -1;
    }
    file = calloc(1, sizeof *file);
    if (file == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        return -1;
    }
    /* Watched before it is looked at: no change falls in between. */
    watch_folders(watcher, file);
    file->known = look_at(path);
    watcher->files[watcher->count++] = file;
    if (file->folder < 0) {
        set_alarm(watcher, AGAIN_MS);
    }
    return 0;
}

void watcher_forgive(struct watcher *watcher, const char *path)
{
    struct file *file = find(watcher, path);

    if (file != NULL) {
        file->known = look_at(path);
    }
}

void watcher_clear(struct watcher *watcher)
{
    for (size_t i = 0; i < watcher->count; i++) {
        struct file *file = watcher->files[i];

        (void)inotify_rm_watch(watcher->watch.fd, file->folder);
        (void)inotify_rm_watch(watcher->watch.fd, file->target);
        free(file->path);
        free(file);
    }
    watcher->count = 0;
    poller_clear_alarm(watcher->poller, &watcher->alarm);
}

void watcher_forget(struct watcher *watcher)
{
    if (watcher != NULL) {
        close(watcher->watch.fd);
    }
}

void watcher_destroy(struct watcher *watcher)
{
    if (watcher == NULL) {
        return;
    }
    watcher_clear(watcher);
    poller_remove(watcher->poller, &watcher->watch);
    close(watcher->watch.fd);
    free(watcher);
}
