/* images.c - the copies of plugins in run_dir: those nobody uses are removed */
#include "proc/images.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* Code that runs stays mapped without its file, and the next worker opens what
 * is pinned: so nothing can be removed too early, only too late. */
void images_sweep(const char *dir, bool (*is_used)(void *arg, const char *name),
                  void *arg)
{
    DIR *list = opendir(dir);
    struct dirent *entry;

    if (list == NULL) {
        return;
    }
    while ((entry = readdir(list)) != NULL) {
        if (entry->d_name[0] != '.' && !is_used(arg, entry->d_name) &&
            unlinkat(dirfd(list), entry->d_name, 0) == 0) {
            log_debug("removed %s/%s: nobody uses it", dir, entry->d_name);
        }
    }
    closedir(list);
}
