/* discard.c - throws each message away and never answers */
#include <patchbay.h>

static int discard(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

BAY_PLUGIN = { BAY_INIT, .name = "discard", .message = discard };
