/* tls.h - the files of TLS, checked before a server is given them */
#ifndef PATCHBAY_NET_TLS_H
#define PATCHBAY_NET_TLS_H

#include <stddef.h>

#include "base/problems.h"
#include "conf/conf.h"

/* Whether certificate and key can be read and belong together. 0, or -1, the
 * key of the section that is wrong in wrong, and a sentence that names the
 * file. */
int tls_check(const char *cert, const char *key, const char **wrong, char *why,
              size_t why_size);

/* Adds all that is wrong with [tls] and each [certificate.NAME], as far as conf
 * has them. */
void tls_check_all(const struct conf *conf, struct problems *problems);

/* Logs a warning for each key that every user of this machine can read. */
void tls_warn(const struct conf *conf);

#endif
