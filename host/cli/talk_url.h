/* talk_url.h - the URL of a WebSocket, in its parts (RFC 6455 section 3) */
#ifndef PATCHBAY_CLI_TALK_URL_H
#define PATCHBAY_CLI_TALK_URL_H

#include <stdbool.h>
#include <stddef.h>

struct talk_url {
    bool tls;
    char host[256];      /* without the brackets of an IPv6 address */
    char authority[264]; /* for the Host header */
    unsigned port;
    char target[2048]; /* path and query, "/" at least */
};

/* ws, wss, http and https are taken, and none for ws. 0; or -1 and in why what
 * is wrong, the end of a sentence. */
int talk_url_parse(struct talk_url *url, const char *text, char *why,
                   size_t why_size);

#endif
