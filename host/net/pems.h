/* pems.h - the PEM files that a configuration names, and their texts
 *
 * In this order: certificate and key of [tls], those of each [certificate.NAME],
 * and the authorities of clients, if there are any.
 */
#ifndef PATCHBAY_NET_PEMS_H
#define PATCHBAY_NET_PEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/conf.h"

#define PEMS_MAX (3 + 2 * CONF_MAX_CERTIFICATES)

/* A zeroed struct is empty. Each text ends in a 0, which counts. */
struct pems {
    struct buf texts[PEMS_MAX];
    size_t count;
};

/* How many files there are, 0 without TLS; and fills them in. */
size_t pems_files(const struct conf *conf, const char *files[PEMS_MAX]);

/* Reads them. 0, or -1 and one sentence in why, and pems is empty. */
int pems_read(struct pems *pems, const struct conf *conf, char *why,
              size_t why_size);

/* Adds a text that was read already. 0, or -1 when out of memory, or if there
 * are too many. */
int pems_add(struct pems *pems, const char *text);

bool pems_equal(const struct pems *a, const struct pems *b);

/* Leaves from empty. */
void pems_move(struct pems *to, struct pems *from);
void pems_free(struct pems *pems);

#endif
