/* cmd_version.c - patchbay version: what this is */
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <patchbay.h>
#include <uv.h>

#include "cli/cli.h"
#include "net/server.h"

static int run(const struct cli_call *call)
{
    const char *library = server_library(); /* "4.1.6-", and more at times */
    int len = (int)strcspn(library, "-");

    if (cli_flag(call, "json")) {
        printf("{\"version\":\"%s\",\"abi\":\"%d.%d\",\"libwebsockets\":"
               "\"%.*s\",\"libuv\":\"%s\"}\n",
               PATCHBAY_VERSION, BAY_ABI_MAJOR, BAY_ABI_MINOR, len, library,
               uv_version_string());
    } else {
        printf("patchbay %s (plugin ABI %d.%d, libwebsockets %.*s, libuv %s, "
               "jansson %s)\n",
               PATCHBAY_VERSION, BAY_ABI_MAJOR, BAY_ABI_MINOR, len, library,
               uv_version_string(), jansson_version_str());
    }
    return CLI_DONE;
}

static const struct cli_option options[] = {
    CLI_OPTION_JSON,
    CLI_OPTIONS_END,
};

const struct cli_command cmd_version = {
    .name = "version",
    .options = options,
    .summary = "print the version",
    .help = "",
    .run = run,
};
