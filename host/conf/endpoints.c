/* endpoints.c - addresses to listen on, and those of trusted proxies */
#include "conf/endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/units.h"
#include "conf/text.h"

#define LISTEN_FORMS                                                         \
    "an address is NAME:PORT, IPV4:PORT, [IPV6]:PORT or unix:PATH, such as " \
    "localhost:9501, 0.0.0.0:9501, [::]:9501, unix:/run/x.sock"

#define PORT "9501"

/* ---- listen ------------------------------------------------------------ */

static int port_of(const struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)addr)->sin_port);
    }
    if (addr->ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)addr)->sin6_port);
    }
    return -1;
}

/* Port 0, for which the kernel chooses, may stand there several times. */
static const struct conf_listen *find_same(const struct conf *conf,
                                           const void *addr, socklen_t len)
{
    for (size_t i = 0; i < conf->listen_count; i++) {
        const struct conf_listen *known = &conf->listen[i];

        if (known->addr_len == len && memcmp(&known->addr, addr, len) == 0 &&
            port_of(&known->addr) != 0) {
            return known;
        }
    }
    return NULL;
}

static int add_listen(struct conf *conf, const char *item, const void *addr,
                      socklen_t len, bool optional, struct buf *why)
{
    const struct conf_listen *same = find_same(conf, addr, len);
    struct conf_listen *listen = &conf->listen[conf->listen_count];

    if (same != NULL) {
        buf_addf(why, "\"%s\" is the same address as \"%s\"", item, same->text);
        return -1;
    }
    if (conf->listen_count == CONF_MAX_LISTEN) {
        buf_addf(why, "more than %d addresses", CONF_MAX_LISTEN);
        return -1;
    }
    listen->text = strdup(item);
    if (listen->text == NULL) {
        buf_adds(why, "out of memory");
        return -1;
    }
    memcpy(&listen->addr, addr, len);
    listen->addr_len = len;
    listen->optional = optional;
    conf->listen_count++;
    return 0;
}

static int add_unix(struct conf *conf, const char *item, const char *folder,
                    struct buf *why)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char *path = text_absolute(folder, item + strlen("unix:"));
    size_t len = path == NULL ? 0 : strlen(path);
    int result = -1;

    if (path == NULL) {
        buf_adds(why, "out of memory");
    } else if (item[strlen("unix:")] == 0) {
        buf_addf(why, "\"%s\" has no path; " LISTEN_FORMS, item);
    } else if (len >= sizeof addr.sun_path) {
        buf_addf(why,
                 "\"%s\" is too long for a Unix socket: %s has %zu bytes, the "
                 "limit is %zu",
                 item, path, len, sizeof addr.sun_path - 1);
    } else {
        memcpy(addr.sun_path, path, len + 1);
        result = add_listen(
            conf, item, &addr,
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1),
            false, why);
    }
    free(path);
    return result;
}

static const struct addrinfo *first_of(const struct addrinfo *list, int family)
{
    while (list != NULL && list->ai_family != family) {
        list = list->ai_next;
    }
    return list;
}

static int add_host(struct conf *conf, const char *item, const char *host,
                    const char *port, struct buf *why)
{
    bool numeric = *item == '[';
    struct addrinfo hints = {
        .ai_family = numeric ? AF_INET6 : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0),
    };
    struct addrinfo *found = NULL;
    const struct addrinfo *v4;
    const struct addrinfo *v6;
    /* RFC 6761 section 6.3: localhost is the loopback of both families,
     * whatever /etc/hosts has; that is what no name at all stands for. */
    int result = getaddrinfo(
        !numeric && strcasecmp(host, "localhost") == 0 ? NULL : host, port,
        &hints, &found);

    if (result != 0 && numeric) {
        buf_addf(why, "\"%s\" holds no IPv6 address; " LISTEN_FORMS, item);
        return -1;
    }
    if (result != 0) {
        buf_addf(why, "\"%s\": the name %s has no address: %s", item, host,
                 result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
        return -1;
    }
    v4 = first_of(found, AF_INET);
    v6 = first_of(found, AF_INET6);
    if (v4 != NULL) {
        result =
            add_listen(conf, item, v4->ai_addr, v4->ai_addrlen, false, why);
    }
    if (v6 != NULL && result == 0) {
        result = add_listen(conf, item, v6->ai_addr, v6->ai_addrlen, v4 != NULL,
                            why);
    }
    freeaddrinfo(found);
    return result;
}

static int bad_listen(const char *item, const char *before, const char *meant,
                      const char *behind, struct buf *why)
{
    buf_addf(why, "\"%s\" is no address to listen on; " LISTEN_FORMS, item);
    if (meant != NULL) {
        buf_addf(why, "; did you mean \"%s%s%s\"?", before, meant, behind);
    }
    return -1;
}

static bool is_port(const char *text)
{
    int64_t port;

    return *text >= '0' && *text <= '9' && units_parse_int(text, &port) == 0 &&
           port <= 65535;
}

/* item is cut to pieces; its text is that of whole. */
static int add_item(struct conf *conf, const char *whole, char *item,
                    const char *folder, struct buf *why)
{
    char *colon = strrchr(item, ':');
    char *scheme = strstr(item, "://");
    char *host = item;

    if (strncmp(item, "unix:", 5) == 0) {
        return add_unix(conf, item, folder, why);
    }
    if (scheme != NULL) {
        scheme[3 + strcspn(scheme + 3, "/")] = 0;
        return bad_listen(whole, "", scheme + 3, "", why);
    }
    if (is_port(item)) {
        return bad_listen(whole, "localhost:", item, "", why);
    }
    if (colon == NULL) {
        return bad_listen(whole, "", *item == 0 ? NULL : item, ":" PORT, why);
    }
    if (*item == '[' && colon > item && colon[-1] == ']') {
        host++;
        colon[-1] = 0;
    } else if (*item == '[' || memchr(item, ':', (size_t)(colon - item))) {
        struct in6_addr addr;

        if (*item != '[' && inet_pton(AF_INET6, item, &addr) == 1) {
            return bad_listen(whole, "[", item, "]:" PORT, why);
        }
        return bad_listen(whole, "", NULL, "", why);
    }
    *colon = 0;
    if (!is_port(colon + 1)) {
        buf_addf(why, "\"%s\" has no port from 0 to 65535; " LISTEN_FORMS,
                 whole);
        return -1;
    }
    if (*host == 0 || strcmp(host, "*") == 0) {
        return bad_listen(whole, "0.0.0.0:", colon + 1, "", why);
    }
    return add_host(conf, whole, host, colon + 1, why);
}

int endpoints_parse_listen(struct conf *conf, const char *text,
                           const char *folder, struct buf *why)
{
    struct buf item = { 0 };
    int result = 0;

    while (result == 0 && text_next(&text, &item)) {
        char *copy = strdup(item.data);

        if (copy == NULL) {
            buf_adds(why, "out of memory");
            result = -1;
        } else {
            result = add_item(conf, item.data, copy, folder, why);
        }
        free(copy);
    }
    if (item.failed) {
        buf_adds(why, "out of memory");
        result = -1;
    }
    buf_free(&item);
    return result;
}

/* ---- proxies ----------------------------------------------------------- */

static bool same_prefix(const unsigned char *a, const unsigned char *b,
                        unsigned bits)
{
    unsigned rest = bits % 8;

    return memcmp(a, b, bits / 8) == 0 &&
           (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0);
}

static void clear_behind(unsigned char *addr, size_t size, unsigned bits)
{
    for (unsigned i = bits; i < size * 8; i++) {
        addr[i / 8] &= (unsigned char)~(0x80u >> i % 8);
    }
}

static int bad_net(const char *item, struct buf *why)
{
    buf_addf(why,
             "\"%s\" is no address, such as 10.0.0.1 or ::1, no network, such "
             "as 10.0.0.0/8 or fd00::/8, and not unix",
             item);
    return -1;
}

static int parse_net(struct conf_net *net, const char *item, struct buf *why)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(item, "/");
    unsigned char first[16];
    size_t size = 4;
    int64_t prefix;

    *net = (struct conf_net){ .family = AF_INET };
    if (strcmp(item, "unix") == 0) {
        net->family = AF_UNIX;
        return 0;
    }
    if (len >= sizeof address) {
        return bad_net(item, why);
    }
    memcpy(address, item, len);
    address[len] = 0;
    if (inet_pton(AF_INET, address, net->addr) != 1) {
        net->family = AF_INET6;
        size = 16;
        if (inet_pton(AF_INET6, address, net->addr) != 1) {
            return bad_net(item, why);
        }
    }
    net->prefix = (unsigned)size * 8;
    if (item[len] == 0) {
        return 0;
    }
    if (units_parse_int(item + len + 1, &prefix) != 0 || prefix < 0 ||
        prefix > (int64_t)size * 8) {
        buf_addf(why, "\"%s\": behind the / stands a number from 0 to %zu",
                 item, size * 8);
        return -1;
    }
    net->prefix = (unsigned)prefix;
    memcpy(first, net->addr, sizeof first);
    clear_behind(first, size, net->prefix);
    if (memcmp(first, net->addr, size) != 0) {
        inet_ntop(net->family, first, address, sizeof address);
        buf_addf(why,
                 "\"%s\" is not the first address of its network, did you mean "
                 "\"%s/%u\"?",
                 item, address, net->prefix);
        return -1;
    }
    return 0;
}

int endpoints_parse_proxies(struct conf *conf, const char *text,
                            struct buf *why)
{
    struct buf item = { 0 };
    int result = 0;

    while (result == 0 && text_next(&text, &item)) {
        struct conf_net *nets = realloc(
            conf->proxies, (conf->proxy_count + 1) * sizeof *conf->proxies);

        if (nets == NULL) {
            item.failed = true;
            break;
        }
        conf->proxies = nets;
        result = parse_net(&nets[conf->proxy_count], item.data, why);
        conf->proxy_count += result == 0;
    }
    if (item.failed) {
        buf_adds(why, "out of memory");
        result = -1;
    }
    buf_free(&item);
    return result;
}

bool conf_net_match(const struct conf_net *nets, size_t count,
                    const struct sockaddr *addr)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    unsigned char bytes[16] = { 0 };
    int family = addr->sa_family;

    if (family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, addr, sizeof v4);
        memcpy(bytes, &v4.sin_addr, 4);
    } else if (family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, addr, sizeof v6);
        memcpy(bytes, &v6.sin6_addr, 16);
        if (memcmp(bytes, mapped, sizeof mapped) == 0) {
            family = AF_INET;
            memmove(bytes, bytes + 12, 4);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (nets[i].family == family &&
            same_prefix(nets[i].addr, bytes, nets[i].prefix)) {
            return true;
        }
    }
    return false;
}
