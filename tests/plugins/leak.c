/* leak.c - takes memory and never gives it back: "leak 1024" (KiB); and does not
 * start as long as there is a file
 */
#include <patchbay.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Held by nobody but this, so that no sanitizer finds a leak in a leak. */
static void **last;

static int start(bay_route *route)
{
    const char *gate = bay_conf_str(route, "gate");
    const struct timespec moment = { .tv_nsec = 5000000 };

    while (*gate != 0 && access(gate, F_OK) == 0) {
        nanosleep(&moment, NULL);
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
    { "gate", BAY_OPT_STR, "", "It starts when there is no such file", 0, 0 },
    { NULL, BAY_OPT_END, NULL, NULL, 0, 0 },
};

BAY_PLUGIN = { BAY_INIT, .name = "leak", .options = options, .start = start,
               .message = message };
