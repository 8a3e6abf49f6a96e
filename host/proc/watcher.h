/* watcher.h - tells when files that are watched have changed, and are whole
 *
 * What is still being written is waited for: a file counts once its size and
 * time stay the same for a moment, and a .so once its bytes are those of a
 * whole shared object.
 */
#ifndef PATCHBAY_PROC_WATCHER_H
#define PATCHBAY_PROC_WATCHER_H

#include "proc/poller.h"

#define WATCHER_FILES_MAX 1024
#define WATCHER_STEADY_MS 40

struct watcher;

/*
 * changed is called when a file has other content than when it was added, or
 * when changed was last called for it. broken is called, once for each content,
 * with why it was not taken: the end of a sentence that begins with the path.
 * NULL with errno set on failure.
 */
struct watcher *watcher_create(
    struct poller *poller, void (*changed)(void *arg, const char *path),
    void (*broken)(void *arg, const char *path, const char *why), void *arg);

/* Watches a file, whether it is there or not, and what it links to. One that
 * is watched already stays as it is. 0, or -1 with errno set. */
int watcher_add(struct watcher *watcher, const char *path);

/* Takes what the file holds now for known: nothing is told of it. */
void watcher_forgive(struct watcher *watcher, const char *path);

/* Watches none any more. Not from inside of a callback. */
void watcher_clear(struct watcher *watcher);

/* In a child: closes its descriptor. */
void watcher_forget(struct watcher *watcher);

/* NULL is allowed. */
void watcher_destroy(struct watcher *watcher);

#endif
