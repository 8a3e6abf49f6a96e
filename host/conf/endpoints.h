/* endpoints.h - addresses to listen on, and those of trusted proxies */
#ifndef PATCHBAY_CONF_ENDPOINTS_H
#define PATCHBAY_CONF_ENDPOINTS_H

#include "base/buf.h"
#include "conf/conf.h"

/* Each fills its members of conf from a comma separated list. 0, or -1 with
 * what is wrong added to why. What was filled in is conf_free's in any case.
 * Names are resolved here. */
int endpoints_parse_listen(struct conf *conf, const char *text,
                           const char *folder, struct buf *why);
int endpoints_parse_proxies(struct conf *conf, const char *text,
                            struct buf *why);

#endif
