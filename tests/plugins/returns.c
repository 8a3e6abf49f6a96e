/* returns.c - its message hook returns the number in the text: 0, an error, a
 * close code, or nonsense such as 42; before that it answers "returning N" */
#include <patchbay.h>

#include <stdlib.h>

static int message(bay_conn *conn, const bay_message *msg)
{
    int result = (int)strtol(msg->data, NULL, 10);

    bay_sendf(conn, "returning %d", result);
    return result;
}

BAY_PLUGIN = { BAY_INIT, .name = "returns", .message = message };
