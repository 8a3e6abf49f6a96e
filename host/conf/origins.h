/* origins.h - the pages that may connect: a list of origins (RFC 6454) */
#ifndef PATCHBAY_CONF_ORIGINS_H
#define PATCHBAY_CONF_ORIGINS_H

#include "base/buf.h"
#include "conf/conf.h"

/* Fills origins from a comma separated list, each as browsers send it: lower
 * case, without the default port. 0, or -1 with what is wrong added to why. */
int origins_parse(struct conf_limits *limits, const char *text,
                  struct buf *why);

/* Replaces what is in to. -1: out of memory. */
int origins_copy(struct conf_limits *to, const struct conf_limits *from);
void origins_free(struct conf_limits *limits);

#endif
