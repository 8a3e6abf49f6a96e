/* dev_space.h - the folder that `patchbay dev` serves from: links, INI, feed */
#ifndef PATCHBAY_CLI_DEV_SPACE_H
#define PATCHBAY_CLI_DEV_SPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

struct dev_space {
    char folder[64]; /* temporary */
    char ini[96];
    char feed[96];
    char plugin[192]; /* NAME.so in it: a link, or what was compiled */
    char name[64];
    char path[256]; /* of the route */
    unsigned port;
    const struct cli_call *call; /* for --set and --trace */
};

/*
 * The plugin's name from a file's: "build/dice.so" is "dice". NULL, all having
 * been said, if it is none.
 */
const char *dev_name_of(const struct cli_call *call, const char *file,
                        char name[64]);

/* Makes the folder. 0; or -1, all having been said. */
int dev_space_make(struct dev_space *space);

/* Writes the INI file, with the route of the plugin or without: as long as it
 * could not be compiled. 0; or -1, all having been said. */
int dev_space_write_ini(const struct dev_space *space, bool with_plugin);

/* Adds an event to the feed, for the page: {"event":"what", "text":"..."}. */
void dev_space_tell(const struct dev_space *space, const char *event,
                    const char *text);

void dev_space_remove(struct dev_space *space);

#endif
