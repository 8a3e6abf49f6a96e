/* misdeed.c - does what no plugin may, when told; everything else is sent back
 *
 * "exit 3", ...: what the message hook does. What begins with "crash" or
 * "poison" crashes it, whatever else it says. */
#include <patchbay.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

static int message(bay_conn *conn, const bay_message *msg)
{
    int number;

    if (strncmp(msg->data, "crash", 5) == 0 ||
        strncmp(msg->data, "poison", 6) == 0) {
        fault();
    }
    if (sscanf(msg->data, "exit %d", &number) == 1) {
        exit(number);
    }
    if (sscanf(msg->data, "_exit %d", &number) == 1) {
        _exit(number);
    }
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

static int http(bay_route *route, bay_request *req)
{
    (void)route;
    return bay_req_reply(req, 200, "text/plain", "well", 4);
}

BAY_PLUGIN = { BAY_INIT, .name = "misdeed", .message = message, .http = http };
