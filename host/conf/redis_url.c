/* redis_url.c - where Redis is: [cluster] url, in its parts */
#include "conf/redis_url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/units.h"

#define DEFAULT_PORT 6379

static int refuse(struct buf *why, const char *what)
{
    buf_adds(why, what);
    buf_adds(why, ", allowed is redis://HOST:PORT/DB, with USER:PASSWORD@ in "
                  "front of the host, or unix:/PATH");
    return -1;
}

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    digit = (char)tolower((unsigned char)digit);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The text with its %XX replaced, on the heap; NULL: one is broken, or stands
 * for a 0. */
static char *decode(const char *text, size_t len)
{
    char *out = malloc(len + 1);
    size_t n = 0;

    for (size_t i = 0; out != NULL && i < len; i++) {
        int high, low;

        if (text[i] != '%') {
            out[n++] = text[i];
            continue;
        }
        high = i + 1 < len ? hex(text[i + 1]) : -1;
        low = i + 2 < len ? hex(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0) {
            free(out);
            return NULL;
        }
        out[n++] = (char)(high * 16 + low);
        i += 2;
    }
    if (out != NULL) {
        out[n] = 0;
    }
    return out;
}

/* "user:password" or ":password". */
static int parse_login(struct redis_url *url, const char *text, size_t len,
                       struct buf *why)
{
    const char *colon = memchr(text, ':', len);

    if (colon == NULL) {
        return refuse(why, "has a user without a password");
    }
    if (colon > text) {
        url->user = decode(text, (size_t)(colon - text));
    }
    url->password = decode(colon + 1, len - (size_t)(colon + 1 - text));
    if ((colon > text && url->user == NULL) || url->password == NULL) {
        return refuse(why, "has a % in its user or password without two "
                           "hexadecimal digits");
    }
    if (*url->password == 0) {
        return refuse(why, "has an empty password");
    }
    return 0;
}

static int parse_number(const char *text, size_t len, unsigned max,
                        unsigned *value)
{
    char copy[8];
    int64_t number;

    if (len == 0 || len >= sizeof copy) {
        return -1;
    }
    memcpy(copy, text, len);
    copy[len] = 0;
    if (units_parse_int(copy, &number) != 0 || number < 0 || number > max) {
        return -1;
    }
    *value = (unsigned)number;
    return 0;
}

/* "host", "host:port", "[::1]:port" */
static int parse_host(struct redis_url *url, const char *text, size_t len,
                      struct buf *why)
{
    const char *end = text + len;
    const char *colon;

    if (memchr(text, ',', len) != NULL) {
        return refuse(why, "is a list: patchbay uses one Redis, no Cluster "
                           "and no Sentinel");
    }
    if (*text == '[') {
        const char *bracket = memchr(text, ']', len);

        if (bracket == NULL || bracket == text + 1) {
            return refuse(why, "has a [ without an address and a ]");
        }
        url->host = strndup(text + 1, (size_t)(bracket - text - 1));
        colon = bracket + 1;
    } else {
        colon = memchr(text, ':', len);
        colon = colon == NULL ? end : colon;
        url->host = strndup(text, (size_t)(colon - text));
    }
    if (url->host == NULL || *url->host == 0) {
        return refuse(why, "has no host");
    }
    url->port = DEFAULT_PORT;
    if (colon < end && (*colon != ':' ||
                        parse_number(colon + 1, (size_t)(end - colon - 1),
                                     65535, &url->port) < 0 ||
                        url->port == 0)) {
        return refuse(why, "has a port that is none");
    }
    return 0;
}

static int parse_tcp(struct redis_url *url, const char *text, struct buf *why)
{
    size_t len = strcspn(text, "/?#");
    const char *at = NULL;
    struct buf shown = { 0 };

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '@') {
            at = text + i;
        }
    }
    if (at != NULL) {
        if (parse_login(url, text, (size_t)(at - text), why) < 0) {
            return -1;
        }
        len -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    if (len == 0) {
        return refuse(why, "has no host");
    }
    if (parse_host(url, text, len, why) < 0) {
        return -1;
    }
    text += len;
    if (*text == '/' && text[1] != 0 &&
        parse_number(text + 1, strlen(text + 1), 65535, &url->db) < 0) {
        return refuse(why, "has a database that is no number");
    }
    if (*text != 0 && *text != '/') {
        return refuse(why, "has a query or fragment");
    }
    buf_addf(&shown,
             strchr(url->host, ':') != NULL ? "redis://[%s]:%u"
                                            : "redis://%s:%u",
             url->host, url->port);
    if (url->db > 0) {
        buf_addf(&shown, "/%u", url->db);
    }
    url->shown = shown.failed ? NULL : shown.data;
    return 0;
}

static int parse_unix(struct redis_url *url, const char *text, struct buf *why)
{
    const struct sockaddr_un *addr = NULL;
    struct buf shown = { 0 };

    if (*text != '/') {
        return refuse(why, "has a path that does not start with a /");
    }
    if (strlen(text) >= sizeof addr->sun_path) {
        return refuse(why, "has too long a path for a socket");
    }
    url->path = strdup(text);
    buf_addf(&shown, "unix:%s", text);
    url->shown = shown.failed ? NULL : shown.data;
    return 0;
}

static bool begins(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

int redis_url_parse(struct redis_url *url, const char *text, struct buf *why)
{
    int status;

    if (begins(text, "redis://")) {
        status = parse_tcp(url, text + strlen("redis://"), why);
    } else if (begins(text, "unix:")) {
        status = parse_unix(url, text + strlen("unix:"), why);
    } else if (begins(text, "rediss:")) {
        status = refuse(why, "asks for TLS, which patchbay does not speak with "
                             "Redis: use a network of your own, or a tunnel");
    } else if (begins(text, "redis+sentinel:") ||
               begins(text, "redis-sentinel:") ||
               begins(text, "redis+cluster:") ||
               begins(text, "redis-cluster:")) {
        status = refuse(why, "is no single Redis: Cluster and Sentinel are not "
                             "spoken with");
    } else {
        status = refuse(why, "is not the URL of a Redis");
    }
    if (status == 0 && url->shown == NULL) {
        buf_adds(why, "out of memory");
        status = -1;
    }
    if (status < 0) {
        redis_url_free(url);
    }
    return status;
}

void redis_url_free(struct redis_url *url)
{
    free(url->shown);
    free(url->path);
    free(url->host);
    free(url->user);
    if (url->password != NULL) {
        explicit_bzero(url->password, strlen(url->password));
    }
    free(url->password);
    *url = (struct redis_url){ 0 };
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool redis_url_same(const struct redis_url *a, const struct redis_url *b)
{
    return same_text(a->shown, b->shown) && same_text(a->user, b->user) &&
           same_text(a->password, b->password);
}
