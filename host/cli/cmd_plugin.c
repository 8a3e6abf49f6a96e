/* cmd_plugin.c - patchbay plugin: its commands */
#include "cli/cli.h"

static const struct cli_command *const commands[] = { &cmd_plugin_list,
                                                      &cmd_plugin_show,
                                                      &cmd_plugin_check, NULL };

const struct cli_command cmd_plugin = {
    .name = "plugin",
    .commands = commands,
    .summary = "list, show or check plugins",
    .help = "Each looks at the plugins in processes of their own: one that "
            "crashes, exits or\n"
            "hangs as it is loaded is told of, like any other fault.\n",
};
