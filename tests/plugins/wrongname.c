/* wrongname.c - a plugin whose file has another name than itself */
#include <patchbay.h>

static int echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

BAY_PLUGIN = { BAY_INIT, .name = "another", .message = echo };
