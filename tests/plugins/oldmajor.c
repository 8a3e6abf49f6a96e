/* oldmajor.c - a plugin of the major ABI version before */
#include <patchbay.h>

static int echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

BAY_PLUGIN = { .magic = BAY_MAGIC,
               .size = sizeof(bay_plugin),
               .abi_major = BAY_ABI_MAJOR - 1,
               .abi_minor = 7,
               .option_size = sizeof(bay_option),
               .name = "oldmajor",
               .message = echo };
