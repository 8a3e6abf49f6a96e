/* headers.c - reading a request that libwebsockets has parsed */
#include "net/headers.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "net/identity.h"
#include "net/link.h"
#include "net/server-t.h"

struct header_copy {
    struct header_copy *next;
    char text[];
};

static const struct {
    enum lws_token_indexes token;
    const char *method;
} methods[] = {
    { WSI_TOKEN_GET_URI, "GET" },         { WSI_TOKEN_POST_URI, "POST" },
    { WSI_TOKEN_HEAD_URI, "HEAD" },
#if defined(LWS_WITH_HTTP_UNCOMMON_HEADERS)
    { WSI_TOKEN_OPTIONS_URI, "OPTIONS" }, { WSI_TOKEN_PUT_URI, "PUT" },
    { WSI_TOKEN_PATCH_URI, "PATCH" },     { WSI_TOKEN_DELETE_URI, "DELETE" },
#endif
};

const char *headers_method(struct lws *wsi, char *path, size_t size)
{
    path[0] = '\0';
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (lws_hdr_total_length(wsi, methods[i].token) > 0) {
            return headers_known(wsi, methods[i].token, path, size) > 0
                       ? methods[i].method
                       : NULL;
        }
    }
    return NULL;
}

void headers_query(struct lws *wsi, struct buf *query)
{
    char part[SERVER_HEADERS_MAX];
    int len;

    for (int i = 0;
         (len = lws_hdr_copy_fragment(wsi, part, sizeof part,
                                      WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
         i++) {
        /* A decoded 0 byte would end the string early: cut there. An empty
         * parameter, as in "a=1&&b=2", would end the list. */
        if (part[0] != '\0') {
            buf_add(query, part, strlen(part) + 1);
        }
    }
    buf_add(query, "", 1);
}

int headers_known(struct lws *wsi, enum lws_token_indexes token, char *out,
                  size_t size)
{
    int len = lws_hdr_total_length(wsi, token);

    out[0] = '\0';
    if (len <= 0) {
        return 0;
    }
    if ((size_t)len >= size) {
        return -1;
    }
    len = lws_hdr_copy(wsi, out, (int)size, token);
    if (len < 0) {
        out[0] = '\0';
        return -1;
    }
    while (len > 0 && (out[len - 1] == ' ' || out[len - 1] == '\t')) {
        out[--len] = '\0';
    }
    return len;
}

bool headers_list_has(const char *list, const char *token)
{
    size_t len = strlen(token);

    for (;;) {
        size_t word;

        list += strspn(list, ", \t");
        word = strcspn(list, ", \t");
        if (word == 0) {
            return false;
        }
        if (word == len && strncasecmp(list, token, len) == 0) {
            return true;
        }
        list += word;
    }
}

/* "content-type:" for WSI_TOKEN_HTTP_CONTENT_TYPE: known headers are not found
 * by their names, so their table is searched. */
static int find_known(const char *name)
{
    size_t len = strlen(name);

    for (int t = 0; t < WSI_TOKEN_COUNT; t++) {
        const char *known =
            (const char *)lws_token_to_string((enum lws_token_indexes)t);

        if (known != NULL && strncasecmp(known, name, len) == 0 &&
            known[len] == ':' && known[len + 1] == '\0') {
            return t;
        }
    }
    return -1;
}

/* libwebsockets 4.1.6 joins repeated Cookie headers with two blanks; a cookie
 * holds no blank (RFC 6265 section 4.1.1), so they can be told. */
static void mend_cookies(char *text)
{
    char *at = text;

    while ((at = strstr(at, "  ")) != NULL) {
        at[0] = ';';
        at += 2;
    }
}

static struct header_copy *copy_alloc(int len)
{
    return malloc(sizeof(struct header_copy) + (size_t)len + 1);
}

static struct header_copy *copy_known(struct lws *wsi, int token)
{
    enum lws_token_indexes t = (enum lws_token_indexes)token;
    int len = lws_hdr_total_length(wsi, t);
    struct header_copy *copy = len > 0 ? copy_alloc(len) : NULL;

    if (copy != NULL && lws_hdr_copy(wsi, copy->text, len + 1, t) < 0) {
        free(copy);
        copy = NULL;
    }
    if (copy != NULL && t == WSI_TOKEN_HTTP_COOKIE) {
        mend_cookies(copy->text);
    }
    return copy;
}

static struct header_copy *copy_custom(struct lws *wsi, const char *name)
{
#if defined(LWS_WITH_CUSTOM_HEADERS)
    char lower[128];
    int len, size = snprintf(lower, sizeof lower, "%s:", name);
    struct header_copy *copy;

    if (size < 0 || (size_t)size >= sizeof lower) {
        return NULL;
    }
    for (char *at = lower; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    len = lws_hdr_custom_length(wsi, lower, size);
    copy = len >= 0 ? copy_alloc(len) : NULL;
    if (copy != NULL &&
        lws_hdr_custom_copy(wsi, copy->text, len + 1, lower, size) < 0) {
        free(copy);
        copy = NULL;
    }
    return copy;
#else
    (void)wsi;
    (void)name;
    return NULL;
#endif
}

static struct header_copy *copy_identity(struct link *link, const char *name)
{
    char *text = identity_text(link->tls ? lws_get_ssl(link->wsi) : NULL, name);
    struct header_copy *copy =
        text != NULL ? copy_alloc((int)strlen(text)) : NULL;

    if (copy != NULL) {
        strcpy(copy->text, text);
    }
    free(text);
    return copy;
}

static struct header_copy *make_copy(struct link *link, const char *name)
{
    int token;

    if (identity_has(name)) {
        return copy_identity(link, name);
    }
    token = find_known(name);
    return token >= 0 ? copy_known(link->wsi, token)
                      : copy_custom(link->wsi, name);
}

const char *headers_find(void *self, const char *name)
{
    struct link *link = self;
    struct header_copy *copy = make_copy(link, name);

    if (copy == NULL) {
        return NULL;
    }
    copy->next = link->headers;
    link->headers = copy;
    return copy->text;
}

void headers_forget(struct link *link)
{
    while (link->headers != NULL) {
        struct header_copy *next = link->headers->next;

        free(link->headers);
        link->headers = next;
    }
}

void headers_address(const struct sockaddr_storage *addr, char *out,
                     size_t size)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;

    if (addr->ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)size);
    } else if (addr->ss_family == AF_INET6 &&
               IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, out, (socklen_t)size);
    } else if (addr->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, out, (socklen_t)size);
    } else {
        snprintf(out, size, "unix");
    }
}

/* An address as it stands in X-Forwarded-For: with or without a port. */
static bool parse_address(char *text, struct sockaddr_storage *addr)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;
    char *end;

    memset(addr, 0, sizeof *addr);
    if (*text == '[' && (end = strchr(text, ']')) != NULL) {
        *end = '\0';
        text++;
    } else if ((end = strchr(text, ':')) != NULL &&
               strchr(end + 1, ':') == NULL) {
        *end = '\0';
    }
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        addr->ss_family = AF_INET;
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        addr->ss_family = AF_INET6;
        return true;
    }
    return false;
}

static bool is_proxy(const struct conf *conf,
                     const struct sockaddr_storage *addr)
{
    return conf_net_match(conf->proxies, conf->proxy_count,
                          (const struct sockaddr *)addr);
}

/* From the last to the first: each proxy appends whom it heard from. */
static void follow_proxies(const struct link *link,
                           struct sockaddr_storage *addr)
{
    const struct conf *conf = link->server->conf;
    char list[SERVER_HEADERS_MAX];
    int len =
        headers_known(link->wsi, WSI_TOKEN_X_FORWARDED_FOR, list, sizeof list);

    while (len > 0 && is_proxy(conf, addr)) {
        struct sockaddr_storage next;
        char *comma = strrchr(list, ',');
        char *last = comma != NULL ? comma + 1 : list;

        last += strspn(last, " \t");
        last[strcspn(last, " \t")] = '\0';
        if (!parse_address(last, &next)) {
            return;
        }
        *addr = next;
        if (comma == NULL) {
            return;
        }
        *comma = '\0';
    }
}

/* AF_UNSPEC: it was reset while it waited. */
static void find_peer(const struct link *link, struct sockaddr_storage *addr)
{
    socklen_t len = sizeof *addr;

    memset(addr, 0, sizeof *addr);
    addr->ss_family = AF_UNIX;
    if (!link->unix_peer && getpeername(lws_get_socket_fd(link->wsi),
                                        (struct sockaddr *)addr, &len) != 0) {
        addr->ss_family = AF_UNSPEC;
    }
}

bool headers_proxied(const struct link *link)
{
    struct sockaddr_storage addr;

    find_peer(link, &addr);
    return is_proxy(link->server->conf, &addr);
}

void headers_remote(const struct link *link, char *out, size_t size)
{
    struct sockaddr_storage addr;

    find_peer(link, &addr);
    if (link->server->conf->proxy_count > 0) {
        follow_proxies(link, &addr);
    }
    if (addr.ss_family == AF_UNSPEC) {
        snprintf(out, size, "unknown");
    } else {
        headers_address(&addr, out, size);
    }
}
