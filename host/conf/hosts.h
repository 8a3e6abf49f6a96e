/* hosts.h - the names of hosts a certificate is for: a list, with wildcards */
#ifndef PATCHBAY_CONF_HOSTS_H
#define PATCHBAY_CONF_HOSTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/conf.h"

/* Fills names from a comma separated list: lower case, without a dot at the
 * end; "*.example.org" stands for any one name in the place of the star. 0, or
 * -1 with what is wrong added to why. */
int hosts_parse(struct conf_certificate *certificate, const char *text,
                struct buf *why);
void hosts_free(struct conf_certificate *certificate);

/*
 * The certificate for the name that a client asks for (RFC 6066 section 3), in
 * any case: that with the very name, else that with a star for its first part;
 * NULL if there is none, or name is NULL.
 */
const struct conf_certificate *hosts_find(const struct conf *conf,
                                          const char *name);

#endif
