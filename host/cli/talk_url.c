/* talk_url.c - the URL of a WebSocket, in its parts (RFC 6455 section 3) */
#include "cli/talk_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    bool tls;
} schemes[] = {
    { "ws", false }, { "wss", true }, { "http", false }, { "https", true }
};

static int take_scheme(struct talk_url *url, const char **at, char *why,
                       size_t why_size)
{
    const char *end = strstr(*at, "://");
    size_t len = end != NULL ? (size_t)(end - *at) : 0;

    url->tls = false;
    if (end == NULL) {
        return 0; /* "localhost:9501/echo" */
    }
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strlen(schemes[i].name) == len &&
            strncasecmp(*at, schemes[i].name, len) == 0) {
            url->tls = schemes[i].tls;
            *at = end + 3;
            return 0;
        }
    }
    snprintf(why, why_size,
             "begins with %.*s://, but only ws:// and wss:// "
             "are spoken",
             (int)(len < 20 ? len : 20), *at);
    return -1;
}

static int take_host(struct talk_url *url, const char **at, char *why,
                     size_t why_size)
{
    bool brackets = **at == '[';
    const char *from = *at + brackets;
    size_t len = strcspn(from, brackets ? "]" : ":/?#");

    if (len == 0 || len >= sizeof url->host || (brackets && from[len] != ']')) {
        snprintf(why, why_size, "has no host");
        return -1;
    }
    if (memchr(from, '@', len) != NULL) {
        snprintf(why, why_size,
                 "has a user in it: send that with --header instead");
        return -1;
    }
    memcpy(url->host, from, len);
    url->host[len] = '\0';
    *at = from + len + brackets;
    return 0;
}

static int take_port(struct talk_url *url, const char **at, char *why,
                     size_t why_size)
{
    char *end = NULL;
    unsigned long port;

    url->port = url->tls ? 443 : 80;
    if (**at != ':') {
        return 0;
    }
    port = strtoul(*at + 1, &end, 10);
    if (end == *at + 1 || (*at)[1] < '0' || (*at)[1] > '9' || port == 0 ||
        port > 65535) {
        snprintf(why, why_size, "has a port that is not from 1 to 65535");
        return -1;
    }
    url->port = (unsigned)port;
    *at = end;
    return 0;
}

int talk_url_parse(struct talk_url *url, const char *text, char *why,
                   size_t why_size)
{
    const char *at = text;
    const char *host;

    if (strpbrk(text, " \t\r\n") != NULL) {
        snprintf(why, why_size, "has blanks in it");
        return -1;
    }
    if (take_scheme(url, &at, why, why_size) != 0) {
        return -1;
    }
    host = at;
    if (take_host(url, &at, why, why_size) != 0 ||
        take_port(url, &at, why, why_size) != 0) {
        return -1;
    }
    snprintf(url->authority, sizeof url->authority, "%.*s", (int)(at - host),
             host);
    if (*at != '\0' && *at != '/' && *at != '?') {
        snprintf(why, why_size,
                 *at == '#' ? "has a #, which a WebSocket's may not have"
                            : "does not go on with a path behind the host");
        return -1;
    }
    if (strlen(at) + 2 > sizeof url->target) {
        snprintf(why, why_size, "is too long");
        return -1;
    }
    if (strchr(at, '#') != NULL) {
        snprintf(why, why_size, "has a #, which a WebSocket's may not have");
        return -1;
    }
    snprintf(url->target, sizeof url->target, "%s%s", *at == '/' ? "" : "/",
             at);
    return 0;
}
