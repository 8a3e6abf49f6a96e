/* vigil.c - [server] watch: tells when a file that is served by changes */
#include "proc/vigil.h"

#include <errno.h>

#include "base/log.h"
#include "net/pems.h"
#include "proc/reason.h"
#include "proc/watcher.h"

static void changed(void *arg, const char *path)
{
    struct vigil *vigil = arg;

    log_debug("%s has changed", path);
    vigil->changed(vigil->arg);
}

static void broken(void *arg, const char *path, const char *why)
{
    (void)arg;
    log_warn("%s %s; it is not taken up", path, why);
}

static void add(struct vigil *vigil, const char *path)
{
    if (watcher_add(vigil->watcher, path) < 0) {
        log_warn("cannot watch %s: %s", path, reason_errno(errno));
    }
}

/* None is taken off: what changed in between would not be seen. */
void vigil_keep(struct vigil *vigil, const struct conf *conf)
{
    const char *files[PEMS_MAX];
    size_t count;

    if (!conf->watch) {
        vigil_end(vigil);
        return;
    }
    if (vigil->watcher == NULL) {
        vigil->watcher = watcher_create(vigil->poller, changed, broken, vigil);
    }
    if (vigil->watcher == NULL) {
        log_warn("cannot watch files: %s", reason_errno(errno));
        return;
    }
    add(vigil, conf->file);
    for (size_t i = 0; i < conf->route_count; i++) {
        add(vigil, conf->routes[i].plugin_file);
    }
    count = pems_files(conf, files);
    for (size_t i = 0; i < count; i++) {
        add(vigil, files[i]);
    }
}

void vigil_forget(struct vigil *vigil)
{
    if (vigil->watcher != NULL) {
        watcher_forget(vigil->watcher);
    }
}

void vigil_end(struct vigil *vigil)
{
    watcher_destroy(vigil->watcher);
    vigil->watcher = NULL;
}
