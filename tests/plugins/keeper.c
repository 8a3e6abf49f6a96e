/* keeper.c - one topic with history: what is said goes to all, and is kept */
#include <patchbay.h>
#include <stdlib.h>

#define TOPIC "said"

static int opened(bay_conn *conn)
{
    const char *history = bay_conn_query(conn, "history");
    int status = bay_subscribe(conn, TOPIC);

    if (status == BAY_OK && history != NULL) {
        status = bay_history(conn, TOPIC, (unsigned)atoi(history));
    }
    return status == BAY_OK ? bay_sendf(conn, "open") : status;
}

static int message(bay_conn *conn, const bay_message *msg)
{
    bool to_others = bay_conn_query(conn, "others") != NULL;

    return bay_publish(bay_conn_route(conn), TOPIC, msg->kind, msg->data,
                       msg->len, to_others ? bay_conn_id(conn) : 0);
}

BAY_PLUGIN = { BAY_INIT, .name = "keeper", .open = opened, .message = message };
