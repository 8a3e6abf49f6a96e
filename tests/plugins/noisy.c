/* noisy.c - its constructor writes to standard output and error, loads well
 * and echoes */
#include <patchbay.h>

#include <stdio.h>

__attribute__((constructor)) static void construct(void)
{
    puts("noisy: on standard output");
    fputs("noisy: on standard error\n", stderr);
}

static int echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

BAY_PLUGIN = { BAY_INIT, .name = "noisy", .message = echo };
