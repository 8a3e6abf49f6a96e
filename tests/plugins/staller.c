/* staller.c - never returns from the hook that its option names, else it
 * echoes */
#include <patchbay.h>

#include <string.h>

static volatile int sink;

static void stall(bay_route *route, const char *hook)
{
    while (strcmp(bay_conf_str(route, "in"), hook) == 0) {
        sink++;
    }
}

static int start(bay_route *route)
{
    stall(route, "start");
    return BAY_OK;
}

static void reload(bay_route *route)
{
    stall(route, "reload");
}

static int message(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

static const bay_option options[] = {
    { .name = "in", .type = BAY_OPT_STR, .fallback = "" },
    { .type = BAY_OPT_END },
};

BAY_PLUGIN = {
    BAY_INIT,       .name = "staller", .version = "1.0",   .options = options,
    .start = start, .reload = reload,  .message = message,
};
