/* noisy.c - its constructor writes to every descriptor there is, but 3
 *
 * Loads well, then echoes. For the probe only: in a worker it would write to
 * the clients.
 */
#include <patchbay.h>

#include <unistd.h>

__attribute__((constructor)) static void construct(void)
{
    static const char text[] = "noisy was here\n";

    for (int fd = 1; fd < 64; fd++) {
        if (fd != 3 && write(fd, text, sizeof text - 1) < 0) {
            continue;
        }
    }
}

static int echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

BAY_PLUGIN = { BAY_INIT, .name = "noisy", .message = echo };
