/* twin.h - twin_a and twin_b: a global variable and a global function of equal
 * names, which each must find its own of; built without hidden visibility
 *
 * Answers each message with its own name and how many it got: "twin_a 1". */
#include <patchbay.h>

extern int twin_count;
const char *twin_name(void);

int twin_count = 0;

const char *twin_name(void)
{
    return TWIN;
}

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    twin_count++;
    return bay_sendf(conn, "%s %d", twin_name(), twin_count);
}

BAY_PLUGIN = { BAY_INIT, .name = TWIN, .message = message };
