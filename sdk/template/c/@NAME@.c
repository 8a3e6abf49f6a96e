/* @NAME@.c - what the plugin does, in one line */
#include <patchbay.h>

/* One for each connection, zeroed at first. If you change it, raise
 * state_version below: until then a reload keeps it under the new code. */
struct talk {
    unsigned count;
};

/* What the INI file may set: @NAME@.greeting in a [route.*] section. */
static const bay_option options[] = {
    { "greeting", BAY_OPT_STR, "hello", "what a client is greeted with", 0, 0 },
    { 0 },
};

/* A client has connected. */
static int @IDENT@_open(bay_conn *conn)
{
    bay_route *route = bay_conn_route(conn);

    return bay_sendf(conn, "%s from @NAME@", bay_conf_str(route, "greeting"));
}

/* A client says something: 0 goes on, a close code ends the connection. */
static int @IDENT@_message(bay_conn *conn, const bay_message *msg)
{
    struct talk *talk = bay_conn_data(conn);

    if (msg->kind != BAY_TEXT) {
        return BAY_CLOSE_UNSUPPORTED;
    }
    return bay_sendf(conn, "%u: %s", ++talk->count, msg->data);
}

/* The connection has ended, one way or another. */
static void @IDENT@_close(bay_conn *conn, int code, const char *reason)
{
    const struct talk *talk = bay_conn_data(conn);

    bay_conn_log(conn, BAY_DEBUG, "closed with %d %s after %u messages", code,
                 reason, talk->count);
}

BAY_PLUGIN = {
    BAY_INIT,
    .name = "@NAME@",
    .version = "0.1.0",
    .summary = "greets, and counts what a client says",
    .conn_size = sizeof(struct talk),
    .options = options,
    .state_version = 1,
    .open = @IDENT@_open,
    .message = @IDENT@_message,
    .close = @IDENT@_close,
};
