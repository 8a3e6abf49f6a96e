/* single.c - counts messages of all connections in one process, and says so */
#include <patchbay.h>

struct state {
    unsigned count;
};

static int message(bay_conn *conn, const bay_message *msg)
{
    struct state *state = bay_route_data(bay_conn_route(conn));

    (void)msg;
    return bay_sendf(conn, "%u", ++state->count);
}

BAY_PLUGIN = { BAY_INIT, .name = "single", .route_size = sizeof(struct state),
               .flags = BAY_SINGLE_WORKER, .message = message };
