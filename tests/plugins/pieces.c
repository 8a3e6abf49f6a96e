/* pieces.c - takes messages as they arrive, and says what each piece is */
#include <patchbay.h>

static int message(bay_conn *conn, const bay_message *msg)
{
    return bay_sendf(conn, "%s %zu %s %.*s",
                     msg->kind == BAY_TEXT ? "text" : "binary", msg->len,
                     msg->fin ? "end" : "more", msg->kind == BAY_TEXT ? 8 : 0,
                     msg->data);
}

BAY_PLUGIN = { BAY_INIT, .name = "pieces", .flags = BAY_PIECES,
               .message = message };
