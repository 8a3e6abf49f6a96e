/* crasher.c - crashes when told: the text "crash" is a SIGSEGV in the message
 * hook, "abort" an abort; everything else is sent back */
#include <patchbay.h>

#include <stdlib.h>
#include <string.h>

#include "fault.h"

static int message(bay_conn *conn, const bay_message *msg)
{
    if (strcmp(msg->data, "crash") == 0) {
        fault();
    }
    if (strcmp(msg->data, "abort") == 0) {
        abort();
    }
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

BAY_PLUGIN = { BAY_INIT, .name = "crasher", .message = message };
