/* undefsym.c - calls a function that exists nowhere */
#include <patchbay.h>

int undefsym_missing_function(void);

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return undefsym_missing_function();
}

BAY_PLUGIN = { BAY_INIT, .name = "undefsym", .message = message };
