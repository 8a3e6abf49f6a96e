/* cmd_version.c - patchbay version: what this is */
#include <stdio.h>

#include <jansson.h>
#include <patchbay.h>
#include <uv.h>

#include "cli/cli.h"

static int run(const struct cli_call *call)
{
    if (call->json) {
        printf("{\"version\":\"%s\",\"abi\":\"%d.%d\",\"libuv\":\"%s\"}\n",
               PATCHBAY_VERSION, BAY_ABI_MAJOR, BAY_ABI_MINOR,
               uv_version_string());
    } else {
        printf("patchbay %s (plugin ABI %d.%d, libuv %s, jansson %s)\n",
               PATCHBAY_VERSION, BAY_ABI_MAJOR, BAY_ABI_MINOR,
               uv_version_string(), jansson_version_str());
    }
    return CLI_DONE;
}

const struct cli_command cmd_version = {
    .name = "version",
    .takes = CLI_TAKES_JSON,
    .summary = "print the version",
    .help = "",
    .run = run,
};
