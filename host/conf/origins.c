/* origins.c - the pages that may connect: a list of origins (RFC 6454) */
#include "conf/origins.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/text.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static int add(struct conf_limits *limits, const char *origin)
{
    char **list = realloc(limits->origins,
                          (limits->origin_count + 1) * sizeof *limits->origins);
    char *copy = strdup(origin);

    if (list != NULL) {
        limits->origins = list;
    }
    if (list == NULL || copy == NULL) {
        free(copy);
        return -1;
    }
    list[limits->origin_count++] = copy;
    return 0;
}

static bool is_host(const char *host, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;

    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        if (len - 2 >= sizeof text) {
            return false;
        }
        memcpy(text, host + 1, len - 2);
        text[len - 2] = 0;
        return inet_pton(AF_INET6, text, &addr) == 1;
    }
    return len > 0 && strspn(host, LOWER DIGITS ".-_") >= len;
}

static bool is_default_port(const char *scheme, size_t len, int64_t port)
{
    return (port == 80 && len == 4 && memcmp(scheme, "http", 4) == 0) ||
           (port == 443 && len == 5 && memcmp(scheme, "https", 5) == 0);
}

/* Adds to out the origin that item, in lower case, starts with. Returns what
 * is behind it, or NULL if it is none. */
static const char *read_origin(const char *item, struct buf *out)
{
    size_t scheme = strspn(item, LOWER DIGITS "+.-");
    const char *host = item + scheme + strlen("://");
    size_t len;
    size_t digits;
    int64_t port = 0;

    if (scheme == 0 || strncmp(item + scheme, "://", 3) != 0) {
        return NULL;
    }
    len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#@");
    if (len > strlen(host) || !is_host(host, len)) {
        return NULL;
    }
    buf_add(out, item, scheme + 3 + len);
    host += len;
    if (*host != ':') {
        return host;
    }
    digits = strspn(++host, DIGITS);
    for (size_t i = 0; i < digits && port <= 65535; i++) {
        port = port * 10 + (host[i] - '0');
    }
    if (port < 1 || port > 65535) {
        return NULL;
    }
    if (!is_default_port(item, scheme, port)) {
        buf_addf(out, ":%d", (int)port);
    }
    return host + digits;
}

static int bad_origin(const char *item, struct buf *why)
{
    struct buf meant = { 0 };
    struct buf origin = { 0 };
    const char *behind;

    buf_addf(&meant, "https://%s", item);
    behind = meant.failed ? NULL : read_origin(meant.data, &origin);
    buf_addf(why,
             "\"%s\" is no origin, such as https://example.org or "
             "http://localhost:8080, and not * for any",
             item);
    if (behind != NULL && strpbrk(item, ".:") != NULL && !origin.failed) {
        text_suggest(why, origin.data);
    }
    buf_free(&meant);
    buf_free(&origin);
    return -1;
}

/* item is made lower case. */
static int parse_origin(struct conf_limits *limits, char *item, struct buf *why)
{
    struct buf origin = { 0 };
    const char *behind;
    int result = -1;

    for (char *at = item; *at != 0; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    if (strcmp(item, "*") == 0) {
        return add(limits, item);
    }
    behind = read_origin(item, &origin);
    if (behind == NULL || (*behind != 0 && strchr("/?#", *behind) == NULL)) {
        bad_origin(item, why);
    } else if (*behind != 0) {
        buf_addf(why, "\"%s\": an origin ends with the host or port", item);
        text_suggest(why, origin.failed ? NULL : origin.data);
    } else if (!origin.failed) {
        result = add(limits, origin.data);
    }
    buf_free(&origin);
    return result;
}

int origins_parse(struct conf_limits *limits, const char *text, struct buf *why)
{
    struct buf item = { 0 };
    bool any = false;
    int result = 0;

    origins_free(limits);
    while (result == 0 && text_next(&text, &item)) {
        any = any || strcmp(item.data, "*") == 0;
        result = parse_origin(limits, item.data, why);
    }
    if (result == 0 && any && limits->origin_count > 1) {
        buf_adds(why, "* allows any origin and stands alone");
        result = -1;
    }
    if (item.failed || (result != 0 && why->len == 0)) {
        buf_adds(why, "out of memory");
        result = -1;
    }
    buf_free(&item);
    return result;
}

int origins_copy(struct conf_limits *to, const struct conf_limits *from)
{
    origins_free(to);
    for (size_t i = 0; i < from->origin_count; i++) {
        if (add(to, from->origins[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

void origins_free(struct conf_limits *limits)
{
    for (size_t i = 0; i < limits->origin_count; i++) {
        free(limits->origins[i]);
    }
    free(limits->origins);
    limits->origins = NULL;
    limits->origin_count = 0;
}
