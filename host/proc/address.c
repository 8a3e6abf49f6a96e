/* address.c - socket addresses as people write them */
#include "proc/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static char *format_unix(const struct sockaddr_un *un, socklen_t len, char *out,
                         size_t size)
{
    size_t path_len = len - offsetof(struct sockaddr_un, sun_path);

    if (path_len > 0 && un->sun_path[0] == 0) {
        snprintf(out, size, "unix:@%.*s", (int)path_len - 1, un->sun_path + 1);
    } else {
        snprintf(out, size, "unix:%.*s", (int)path_len, un->sun_path);
    }
    return out;
}

char *address_format(const struct sockaddr *addr, socklen_t len, char *out,
                     size_t size)
{
    char host[INET6_ADDRSTRLEN];

    if (addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)addr;

        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%u", host, ntohs(in->sin_port));
    } else if (addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)addr;

        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        format_unix((const void *)addr, len, out, size);
    }
    return out;
}

char *address_url(const char *text, uint16_t port, bool tls, char *out,
                  size_t size)
{
    const char *colon = strrchr(text, ':');
    size_t host_len = colon != NULL ? (size_t)(colon - text) : 0;
    char host[ADDRESS_SIZE];

    snprintf(host, sizeof host, "%.*s", (int)host_len, text);
    if (host_len == 0 || strcmp(host, "0.0.0.0") == 0 ||
        strcmp(host, "[::]") == 0 || strcmp(host, "*") == 0) {
        snprintf(host, sizeof host, "localhost");
    }
    snprintf(out, size, "%s://%s:%u", tls ? "https" : "http", host, port);
    return out;
}

uint16_t address_port(const struct sockaddr *addr)
{
    if (addr->sa_family == AF_INET) {
        return ntohs(
            ((const struct sockaddr_in *)(const void *)addr)->sin_port);
    }
    if (addr->sa_family == AF_INET6) {
        return ntohs(
            ((const struct sockaddr_in6 *)(const void *)addr)->sin6_port);
    }
    return 0;
}

void address_set_port(struct sockaddr *addr, uint16_t port)
{
    if (addr->sa_family == AF_INET) {
        ((struct sockaddr_in *)(void *)addr)->sin_port = htons(port);
    } else if (addr->sa_family == AF_INET6) {
        ((struct sockaddr_in6 *)(void *)addr)->sin6_port = htons(port);
    }
}
