/* newabi.c - a plugin of the next minor ABI version, with a field more */
#define BAY_PLUGIN_SYMBOL newabi_unused
#include <patchbay.h>

static int echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

struct later_plugin {
    bay_plugin plugin;
    void (*later)(bay_conn *conn);
};

extern BAY_EXPORT const struct later_plugin bay_plugin_descriptor;

const struct later_plugin bay_plugin_descriptor = {
    .plugin = { .magic = BAY_MAGIC,
                .size = sizeof(struct later_plugin),
                .abi_major = BAY_ABI_MAJOR,
                .abi_minor = BAY_ABI_MINOR + 1,
                .option_size = sizeof(bay_option),
                .name = "newabi",
                .message = echo },
};
