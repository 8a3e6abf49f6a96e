/* describe.h - what a plugin says of itself, as JSON and in words */
#ifndef PATCHBAY_CLI_DESCRIBE_H
#define PATCHBAY_CLI_DESCRIBE_H

#include <jansson.h>
#include <patchbay.h>

/* version, summary, abi, hooks, subprotocols, options, workers, messages and
 * reload of an accepted descriptor. */
json_t *describe_plugin(const bay_plugin *plugin);

#endif
