/* greeter.c - answers every message with "this is server" */
#include <patchbay.h>

#include <inttypes.h>

static int greeter_open(bay_conn *conn)
{
    bay_conn_log(conn, BAY_INFO, "server: handshake success with fd%" PRIu64,
                 bay_conn_id(conn));
    return BAY_OK;
}

static int greeter_message(bay_conn *conn, const bay_message *msg)
{
    static const char answer[] = "this is server";

    /* Cut, so that opcode and fin are still in the line of a long message. */
    bay_conn_log(conn, BAY_INFO,
                 "receive from %" PRIu64 ":%.1000s,opcode:%d,fin:%d",
                 bay_conn_id(conn), msg->data, msg->kind, msg->fin);
    return bay_send_text(conn, answer, sizeof answer - 1);
}

static void greeter_close(bay_conn *conn, int code, const char *reason)
{
    (void)code;
    (void)reason;
    bay_conn_log(conn, BAY_INFO, "client %" PRIu64 " closed",
                 bay_conn_id(conn));
}

BAY_PLUGIN = {
    BAY_INIT,
    .name = "greeter",
    .version = "1.0.0",
    .summary = "answers every message with \"this is server\", and logs it",
    .open = greeter_open,
    .message = greeter_message,
    .close = greeter_close,
};
