/* fan.c - publishes each message to every connection of its route; answers a
 * plain GET with 20 bytes. What the other servers of the comparison do, too. */
#include <patchbay.h>

static int join(bay_conn *conn)
{
    return bay_subscribe(conn, "fan");
}

static int publish(bay_conn *conn, const bay_message *msg)
{
    return bay_publish(bay_conn_route(conn), "fan", msg->kind, msg->data,
                       msg->len, 0);
}

static int hello(bay_route *route, bay_request *req)
{
    static const char body[] = "hello from a server\n";

    (void)route;
    return bay_req_reply(req, 200, "text/plain", body, sizeof body - 1);
}

BAY_PLUGIN = { BAY_INIT, .name = "fan", .open = join, .message = publish,
               .http = hello };
