/* tls.h - the certificate, checked before libwebsockets is given it */
#ifndef PATCHBAY_NET_TLS_H
#define PATCHBAY_NET_TLS_H

#include <libwebsockets.h>
#include <stddef.h>

#include "conf/conf.h"

/* Whether certificate and key can be read and belong together. 0, or -1, the
 * key of [tls] that is wrong in wrong, and a sentence that names the file. */
int tls_check(const char *cert, const char *key, const char **wrong, char *why,
              size_t why_size);

/* Sets up a vhost's TLS as [tls] says. */
void tls_configure(struct lws_context_creation_info *info,
                   const struct conf *conf);

#endif
