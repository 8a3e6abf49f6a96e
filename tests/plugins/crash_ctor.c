/* crash_ctor.c - its constructor crashes, before the host can look at it */
#include <patchbay.h>

#include "fault.h"

__attribute__((constructor)) static void construct(void)
{
    fault();
}

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

BAY_PLUGIN = { BAY_INIT, .name = "crash_ctor", .message = message };
