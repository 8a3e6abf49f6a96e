/* hang_ctor.c - its constructor starts a process and never returns */
#include <patchbay.h>

#include <unistd.h>

/* The process holds on to all descriptors it got, as a daemon of the plugin's
 * would: neither may outlive the probe. */
__attribute__((constructor)) static void construct(void)
{
    if (fork() < 0) {
        return;
    }
    for (;;) {
        pause();
    }
}

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

BAY_PLUGIN = { BAY_INIT, .name = "hang_ctor", .message = message };
