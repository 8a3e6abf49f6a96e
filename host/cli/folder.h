/* folder.h - which folder of plugins a command means */
#ifndef PATCHBAY_CLI_FOLDER_H
#define PATCHBAY_CLI_FOLDER_H

#include "cli/cli.h"
#include "conf/conf.h"

struct folder {
    char *path;
    struct conf *conf; /* what could be read of it; NULL: no file is meant */
    const char *user;  /* with whose rights to look; NULL: the caller's */
};

/*
 * --dir; or the plugin_dir of --config, or of the configuration's usual place
 * if there is one; or else where the plugins are that came with this program.
 * With --dir a file is read only if --config names it. CLI_DONE; or another
 * exit status, all having been said. To be ended with folder_finish either way.
 */
int folder_find(struct folder *folder, const struct cli_call *call);
void folder_finish(struct folder *folder);

/* The options that it reads, for tables of commands. */
#define FOLDER_OPTION_DIR                                               \
    {                                                                   \
        "dir", 0, "DIR", false,                                         \
            "the folder of the plugins, rather than plugin_dir of FILE" \
    }

#endif
