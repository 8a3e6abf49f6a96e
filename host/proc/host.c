/* host.c - what makes up the host that runs, for the parts of the master */
#include "proc/host.h"

#include <sys/prctl.h>

#include "proc/breaker.h"
#include "proc/tally.h"

static int dumpable; /* as it was */

void host_shield(void)
{
    dumpable = prctl(PR_GET_DUMPABLE);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

void host_forget(struct host *host)
{
    if (dumpable == 1) {
        (void)prctl(PR_SET_DUMPABLE, 1);
    }
    breaker_forget(host->breaker);
    tally_forget(host->tally);
    rundir_forget(&host->rundir);
    inherited_close(&host->inherited);
    crashes_forget(&host->crashes);
}
