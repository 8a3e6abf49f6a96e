/* badoptions.c - the fallback of an option is outside its range */
#include <patchbay.h>

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

static const bay_option options[] = {
    { "title", BAY_OPT_STR, "none", "What to call it", 0, 0 },
    { "history", BAY_OPT_INT, "100", "Messages to keep", 0, 10 },
    { NULL, BAY_OPT_END, NULL, NULL, 0, 0 },
};

BAY_PLUGIN = { BAY_INIT, .name = "badoptions", .options = options,
               .message = message };
