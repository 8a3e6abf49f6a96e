/* mend.c - a run_dir that somebody has removed is made again */
#include "proc/mend.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/log.h"
#include "proc/reason.h"

static int make(struct host *host, struct control *control, char *why,
                size_t why_size)
{
    if (rundir_restore(&host->rundir, why, why_size) < 0) {
        return -1;
    }
    if (mkdir(host->images_dir, 0755) < 0 && errno != EEXIST) {
        return reason_set(why, why_size, "cannot make %s: %s", host->images_dir,
                          reason_errno(errno));
    }
    return control_restore(control, why, why_size);
}

bool mend_rundir(struct host *host, struct control *control,
                 struct renewal *renewal)
{
    bool there = rundir_is_there(&host->rundir);
    char why[REASON_SIZE];

    if (board_draining(host->now->board) ||
        (there && pins_are_there(&host->now->pins))) {
        return false;
    }
    if (!there || !host->rundir.anew) {
        log_error("run_dir %s has been removed, in part at least: it is made "
                  "again, and new workers take over",
                  host->rundir.path);
        if (make(host, control, why, sizeof why) < 0) {
            log_error("%s", why);
            return false;
        }
    }
    renewal_request(renewal, 0);
    return true;
}
