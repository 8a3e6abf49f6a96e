/* folder.c - which folder of plugins a command means */
#include "cli/folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/places.h"
#include "conf/schema.h"

/* The file need not be right: it is not to be served from. */
static int read_conf(struct folder *folder, const char *file)
{
    struct problems problems = { 0 };
    int status = CLI_DONE;

    folder->conf = conf_read(file, &problems);
    if (folder->conf == NULL ||
        (folder->path == NULL && folder->conf->plugin_dir == NULL)) {
        problems_print(&problems, stderr);
        status = CLI_CONFIGURATION;
    }
    problems_free(&problems);
    return status;
}

/* Of the plugins that came with this program, or of the schema. */
static char *find_default(void)
{
    char *path = places_plugins();

    return path != NULL ? path
                        : strdup(schema_find("server", "plugin_dir")->fallback);
}

int folder_find(struct folder *folder, const struct cli_call *call)
{
    const char *dir = cli_option(call, "dir");
    const char *file = cli_option(call, "config");
    int status = CLI_DONE;

    *folder = (struct folder){ 0 };
    if (file == NULL && dir == NULL && access(CLI_DEFAULT_FILE, F_OK) == 0) {
        file = CLI_DEFAULT_FILE;
    }
    if (dir != NULL) {
        folder->path = strdup(dir);
    }
    if (file != NULL) {
        status = read_conf(folder, file);
    }
    if (status != CLI_DONE) {
        return status;
    }
    if (folder->path == NULL) {
        folder->path = folder->conf != NULL ? strdup(folder->conf->plugin_dir)
                                            : find_default();
    }
    if (folder->conf != NULL && geteuid() == 0) {
        folder->user = folder->conf->user;
    }
    if (folder->path == NULL) {
        fputs("patchbay: out of memory\n", stderr);
        return CLI_FAILED;
    }
    return CLI_DONE;
}

void folder_finish(struct folder *folder)
{
    free(folder->path);
    conf_free(folder->conf);
}
