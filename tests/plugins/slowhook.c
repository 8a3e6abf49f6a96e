/* slowhook.c - sleeps in its message hook for as many ms as the text says */
#include <patchbay.h>

#include <stdlib.h>
#include <time.h>

static int message(bay_conn *conn, const bay_message *msg)
{
    long ms = strtol(msg->data, NULL, 10);
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

    if (ms < 0) {
        return BAY_CLOSE_POLICY;
    }
    while (nanosleep(&left, &left) != 0) {
    }
    return bay_sendf(conn, "slept %ld", ms);
}

BAY_PLUGIN = { BAY_INIT, .name = "slowhook", .message = message };
