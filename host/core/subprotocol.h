/* subprotocol.h - which subprotocol a connection speaks (RFC 6455 1.9) */
#ifndef PATCHBAY_CORE_SUBPROTOCOL_H
#define PATCHBAY_CORE_SUBPROTOCOL_H

#include <patchbay.h>

/* The first of the plugin's subprotocols that is in the client's list, which
 * may be NULL; or "". */
const char *subprotocol_choose(const bay_plugin *plugin, const char *offered);

#endif
