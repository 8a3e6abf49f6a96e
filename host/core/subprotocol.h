/* subprotocol.h - which subprotocol a connection speaks (RFC 6455 1.9) */
#ifndef PATCHBAY_CORE_SUBPROTOCOL_H
#define PATCHBAY_CORE_SUBPROTOCOL_H

#include <patchbay.h>

/* The first of the plugin's subprotocols that is in the client's list, which
 * may be NULL; or "". */
const char *subprotocol_choose(const bay_plugin *plugin, const char *offered);

/*
 * The client's offer to resume (resume.h), with one of the plugin's behind it
 * if there is such: written to out, and where the plugin's begins is returned, at
 * its end if there is none. NULL: there is no such offer.
 */
#define SUBPROTOCOL_MAX 256
const char *subprotocol_resuming(const bay_plugin *plugin, const char *offered,
                                 char out[SUBPROTOCOL_MAX]);

#endif
