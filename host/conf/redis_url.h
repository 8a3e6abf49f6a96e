/* redis_url.h - where Redis is: [cluster] url, in its parts */
#ifndef PATCHBAY_CONF_REDIS_URL_H
#define PATCHBAY_CONF_REDIS_URL_H

#include <stdbool.h>

#include "base/buf.h"

struct redis_url {
    char *shown;    /* without user and password, for people; NULL: not set */
    char *path;     /* of a Unix socket; NULL: host and port */
    char *host;     /* a name or an address, without brackets */
    char *user;     /* NULL: none */
    char *password; /* NULL: none; never to be shown */
    unsigned port;
    unsigned db;
};

/* redis://[[user]:password@]host[:port][/db] or unix:/path, with %XX in user
 * and password. 0, or -1 with what is wrong added to why, which never has the
 * password in it. */
int redis_url_parse(struct redis_url *url, const char *text, struct buf *why);
void redis_url_free(struct redis_url *url);

/* Whether both lead to the same place as the same user. */
bool redis_url_same(const struct redis_url *a, const struct redis_url *b);

#endif
