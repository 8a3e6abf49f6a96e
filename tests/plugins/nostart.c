/* nostart.c - its start hook fails */
#include <patchbay.h>

static int start(bay_route *route)
{
    bay_log(route, BAY_ERROR, "nostart cannot start");
    return BAY_ENOMEM;
}

static int echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

BAY_PLUGIN = { BAY_INIT, .name = "nostart", .start = start, .message = echo };
