/* leak.c - takes memory and never gives it back: "leak 1024" (KiB); and may take
 * its time to start
 */
#include <patchbay.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Held by nobody but this, so that no sanitizer finds a leak in a leak. */
static void **last;

static int start(bay_route *route)
{
    long ms = (long)bay_conf_int(route, "start");
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) != 0) {
    }
    return BAY_OK;
}

static int message(bay_conn *conn, const bay_message *msg)
{
    size_t size = strncmp(msg->data, "leak ", 5) == 0
                      ? strtoul((const char *)msg->data + 5, NULL, 10) * 1024
                      : 0;

    if (size >= sizeof *last) {
        void **piece = malloc(size);

        if (piece == NULL) {
            return BAY_ENOMEM;
        }
        memset(piece, 1, size);
        *piece = last;
        last = piece;
    }
    return bay_sendf(conn, "leaked %zu", size);
}

static const bay_option options[] = {
    { "start", BAY_OPT_MS, "0", "How long its start takes", 0, 60000 },
    { NULL, BAY_OPT_END, NULL, NULL, 0, 0 },
};

BAY_PLUGIN = { BAY_INIT, .name = "leak", .options = options, .start = start,
               .message = message };
