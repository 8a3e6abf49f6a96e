/* sockets.c - the sockets that listen: made by the master, used by workers */
#include "proc/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/local.h"
#include "proc/address.h"
#include "proc/reason.h"
#include "proc/unix.h"

#define PORT_TRIES 20

static struct sockaddr *addr_of(struct endpoint *endpoint)
{
    return (struct sockaddr *)&endpoint->addr;
}

/* Addresses of one name belong together: "localhost:0" gets one port. */
static bool same_text(const struct conf *conf, size_t a, size_t b)
{
    return strcmp(conf->listen[a].text, conf->listen[b].text) == 0;
}

static size_t group_end(const struct conf *conf, size_t first)
{
    size_t end = first + 1;

    while (end < conf->listen_count && same_text(conf, first, end)) {
        end++;
    }
    return end;
}

static void drop_after(struct sockets *sockets, size_t kept)
{
    while (sockets->count > kept) {
        endpoint_close(&sockets->list[--sockets->count]);
    }
}

/* An IPv6 half that this machine cannot have. */
static bool can_skip(const struct conf_listen *conf, int error)
{
    return conf->optional && (error == EADDRNOTAVAIL || error == EAFNOSUPPORT);
}

/* Whether the service manager has opened it: 1, 0, or -1 with errno set. */
static int take_inherited(struct sockets *sockets, struct endpoint *endpoint,
                          const struct conf_listen *listen)
{
    int fd = sockets->inherited != NULL
                 ? inherited_dup(sockets->inherited, listen)
                 : -1;

    if (fd < 0) {
        return 0;
    }
    return endpoint_take(endpoint, fd) == 0 ? 1 : -1;
}

static int open_tcp(struct sockets *sockets, struct endpoint *endpoint,
                    const struct conf_listen *listen)
{
    int taken = take_inherited(sockets, endpoint, listen);

    return taken != 0 ? (taken < 0 ? -1 : 0)
                      : endpoint_open_tcp(endpoint, sockets->workers,
                                          sockets->at_once);
}

/* One try at the addresses of one text; taken tells that it is worth another,
 * since the port that one family got is taken in the other. */
static int open_group(struct sockets *sockets, const struct conf *conf,
                      size_t first, size_t end, bool *taken, char *why,
                      size_t why_size)
{
    size_t kept = sockets->count;
    uint16_t port = 0;

    *taken = false;
    for (size_t i = first; i < end; i++) {
        struct endpoint *endpoint = &sockets->list[sockets->count++];

        *endpoint = (struct endpoint){ .text = conf->listen[i].text,
                                       .addr = conf->listen[i].addr,
                                       .addr_len = conf->listen[i].addr_len,
                                       .tls = conf->tls_cert != NULL };
        if (address_port(addr_of(endpoint)) == 0 && port != 0) {
            address_set_port(addr_of(endpoint), port);
            *taken = true;
        }
        if (open_tcp(sockets, endpoint, &conf->listen[i]) == 0) {
            port = address_port(addr_of(endpoint));
            continue;
        }
        int error = errno;
        drop_after(sockets, sockets->count - 1);
        if (can_skip(&conf->listen[i], error)) {
            continue;
        }
        *taken = *taken && error == EADDRINUSE;
        sockets->list[sockets->count].text = conf->listen[i].text;
        endpoint_cannot(&sockets->list[sockets->count], error, why, why_size);
        drop_after(sockets, kept);
        return -1;
    }
    if (sockets->count == kept) {
        return reason_set(why, why_size,
                          "cannot listen on %s: this machine has none of its "
                          "addresses",
                          conf->listen[first].text);
    }
    return 0;
}

static int open_address(struct sockets *sockets, const struct conf *conf,
                        size_t first, size_t end, const struct account *account,
                        char *why, size_t why_size)
{
    bool again = true;
    int taken;

    if (conf->listen[first].addr.ss_family == AF_UNIX) {
        struct endpoint *endpoint = &sockets->list[sockets->count++];

        *endpoint =
            (struct endpoint){ .text = conf->listen[first].text,
                               .addr = conf->listen[first].addr,
                               .addr_len = conf->listen[first].addr_len };
        taken = take_inherited(sockets, endpoint, &conf->listen[first]);
        if (taken != 0) {
            return taken > 0 ? 0
                             : endpoint_cannot(endpoint, errno, why, why_size);
        }
        return endpoint_open_unix(endpoint, account, why, why_size);
    }
    for (int i = 0; i < PORT_TRIES && again; i++) {
        if (open_group(sockets, conf, first, end, &again, why, why_size) == 0) {
            return 0;
        }
    }
    return -1;
}

static int bus_address(struct sockaddr_un *addr, const char *dir,
                       unsigned worker)
{
    *addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
    return local_bus_path(addr->sun_path, sizeof addr->sun_path, dir, worker);
}

static int open_bus(struct sockets *sockets, const struct account *account,
                    char *why, size_t why_size)
{
    sockets->bus = malloc(sockets->places * sizeof *sockets->bus);
    if (sockets->bus == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    for (unsigned i = 0; i < sockets->places; i++) {
        sockets->bus[i] = -1;
    }
    for (unsigned i = 0; i < sockets->places; i++) {
        struct sockaddr_un addr;

        if (bus_address(&addr, sockets->bus_dir, i) < 0) {
            return reason_set(why, why_size,
                              "[server] run_dir: %s is too long for the name "
                              "of a socket",
                              sockets->bus_dir);
        }
        sockets->bus[i] = unix_listen(&addr, sizeof addr, 0600);
        if (sockets->bus[i] < 0) {
            return reason_set(why, why_size, "cannot listen on %s: %s",
                              addr.sun_path, reason_errno(errno));
        }
        if (account_give(account, addr.sun_path, why, why_size) < 0) {
            return -1;
        }
    }
    return 0;
}

static int begin(struct sockets *sockets, const struct conf *conf,
                 const char *bus_dir, bool at_once, char *why, size_t why_size)
{
    *sockets = (struct sockets){ .workers = conf->workers,
                                 .places = conf_places(conf),
                                 .at_once = at_once,
                                 .bus_dir = strdup(bus_dir) };
    return sockets->bus_dir != NULL
               ? 0
               : reason_set(why, why_size, "out of memory");
}

static int end(struct sockets *sockets, const struct account *account,
               char *why, size_t why_size)
{
    return sockets->places > 1 ? open_bus(sockets, account, why, why_size) : 0;
}

int sockets_open(struct sockets *sockets, const struct conf *conf,
                 const struct account *account,
                 const struct inherited *inherited, char *why, size_t why_size)
{
    int status = begin(sockets, conf, conf->run_dir, true, why, why_size);

    sockets->inherited = inherited;
    for (size_t i = 0; status == 0 && i < conf->listen_count;) {
        size_t last = group_end(conf, i);

        status = open_address(sockets, conf, i, last, account, why, why_size);
        i = last;
    }
    if (status == 0) {
        status = end(sockets, account, why, why_size);
    }
    if (status < 0) {
        sockets_close(sockets);
    }
    return status;
}

/* ---- from one crew to the next ----------------------------------------- */

static struct endpoint *find_same(struct sockets *old,
                                  const struct conf_listen *conf)
{
    for (size_t i = 0; i < old->count; i++) {
        if (endpoint_is_same(&old->list[i], conf)) {
            return &old->list[i];
        }
    }
    return NULL;
}

/* The addresses of one text: those that are there, or all of them anew. */
static int succeed_group(struct sockets *sockets, struct sockets *old,
                         const struct conf *conf, size_t first, size_t last,
                         const struct account *account, char *why,
                         size_t why_size)
{
    bool found = false;

    for (size_t i = first; i < last; i++) {
        const struct endpoint *same = find_same(old, &conf->listen[i]);

        if (same != NULL) {
            found = true;
            if (endpoint_borrow(&sockets->list[sockets->count++], same, conf,
                                &conf->listen[i], account, why, why_size) < 0) {
                return -1;
            }
        }
    }
    return found ? 0
                 : open_address(sockets, conf, first, last, account, why,
                                why_size);
}

int sockets_succeed(struct sockets *sockets, struct sockets *old,
                    const struct conf *conf, const struct account *account,
                    const char *bus_dir, char *why, size_t why_size)
{
    int status = begin(sockets, conf, bus_dir, false, why, why_size);

    sockets->inherited = old->inherited;
    for (size_t i = 0; status == 0 && i < conf->listen_count;) {
        size_t last = group_end(conf, i);

        status =
            succeed_group(sockets, old, conf, i, last, account, why, why_size);
        i = last;
    }
    if (status == 0) {
        status = end(sockets, account, why, why_size);
    }
    if (status < 0) {
        sockets_close(sockets);
    }
    return status;
}

int sockets_listen(const struct sockets *sockets, char *why, size_t why_size)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct endpoint *endpoint = &sockets->list[i];

        for (size_t k = endpoint->lent; k < endpoint->fd_count; k++) {
            if (listen(endpoint->fds[k], SOMAXCONN) < 0) {
                return endpoint_cannot(endpoint, errno, why, why_size);
            }
        }
    }
    return 0;
}

void sockets_take_over(struct sockets *sockets, struct sockets *old)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct endpoint *endpoint = &sockets->list[i];

        for (size_t k = 0; endpoint->lent > 0 && k < old->count; k++) {
            struct endpoint *other = &old->list[k];

            if (other->fd_count > 0 && other->fds[0] == endpoint->fds[0]) {
                other->lent = other->fd_count;
                other->ino = 0;
            }
        }
        endpoint->lent = 0;
    }
    sockets_retire(old);
}

/* ---- in the worker ----------------------------------------------------- */

/* Of more sockets than workers each worker has several. */
static bool has(const struct sockets *sockets, const struct endpoint *endpoint,
                unsigned worker, size_t index)
{
    return endpoint->shared || index % sockets->workers == worker;
}

size_t sockets_count(const struct sockets *sockets, unsigned worker)
{
    size_t count = 0;

    for (size_t i = 0; i < sockets->count; i++) {
        const struct endpoint *endpoint = &sockets->list[i];

        for (size_t k = 0; k < endpoint->fd_count; k++) {
            count += has(sockets, endpoint, worker, k);
        }
    }
    return count;
}

void sockets_of(const struct sockets *sockets, unsigned worker, int *fds,
                bool *tls)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct endpoint *endpoint = &sockets->list[i];

        for (size_t k = 0; k < endpoint->fd_count; k++) {
            if (has(sockets, endpoint, worker, k)) {
                *fds++ = endpoint->fds[k];
                *tls++ = endpoint->tls;
            }
        }
    }
}

void sockets_keep(struct sockets *sockets, unsigned worker, unsigned place)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct endpoint *endpoint = &sockets->list[i];

        for (size_t k = 0; k < endpoint->fd_count; k++) {
            if (!has(sockets, endpoint, worker, k)) {
                close(endpoint->fds[k]);
                endpoint->fds[k] = -1;
            }
        }
    }
    for (unsigned i = 0; sockets->bus != NULL && i < sockets->places; i++) {
        if (i != place) {
            close(sockets->bus[i]);
            sockets->bus[i] = -1;
        }
    }
}

static void close_bus(struct sockets *sockets)
{
    for (unsigned i = 0; sockets->bus != NULL && i < sockets->places; i++) {
        if (sockets->bus[i] >= 0) {
            close(sockets->bus[i]);
        }
    }
    free(sockets->bus);
    sockets->bus = NULL;
    free(sockets->bus_dir);
    sockets->bus_dir = NULL;
}

static bool is_among(const struct sockets *sockets, int fd)
{
    for (size_t i = 0; i < sockets->count; i++) {
        for (size_t k = 0; k < sockets->list[i].fd_count; k++) {
            if (sockets->list[i].fds[k] == fd) {
                return true;
            }
        }
    }
    return false;
}

/* Call it before sockets_keep. */
void sockets_drop(const struct sockets *sockets, struct sockets *other)
{
    for (size_t i = 0; i < other->count; i++) {
        struct endpoint *endpoint = &other->list[i];

        for (size_t k = 0; k < endpoint->fd_count; k++) {
            if (!is_among(sockets, endpoint->fds[k])) {
                close(endpoint->fds[k]);
            }
        }
        endpoint->lent = endpoint->fd_count;
        endpoint_close(endpoint);
    }
    other->count = 0;
    close_bus(other);
}

void sockets_forget(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        endpoint_close(&sockets->list[i]);
    }
    sockets->count = 0;
    close_bus(sockets);
}

void sockets_list(const struct sockets *sockets, struct buf *buf)
{
    for (size_t i = 0; i < sockets->count; i++) {
        char text[ADDRESS_SIZE];

        address_format((const struct sockaddr *)&sockets->list[i].addr,
                       sockets->list[i].addr_len, text, sizeof text);
        buf_addf(buf, "%s\n", text);
    }
}

void sockets_announce(const struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count;) {
        const struct endpoint *first = &sockets->list[i];
        struct buf real = { 0 };
        char url[ADDRESS_SIZE * 2];
        char text[ADDRESS_SIZE];

        if (first->addr.ss_family == AF_UNIX) {
            log_info("listening on %s", first->text);
            i++;
            continue;
        }
        address_url(first->text,
                    address_port((const struct sockaddr *)&first->addr),
                    first->tls, url, sizeof url);
        for (; i < sockets->count &&
               strcmp(sockets->list[i].text, first->text) == 0;
             i++) {
            const struct endpoint *endpoint = &sockets->list[i];

            address_format((const struct sockaddr *)&endpoint->addr,
                           endpoint->addr_len, text, sizeof text);
            buf_addf(&real, "%s%s", real.len > 0 ? ", " : "", text);
        }
        log_info("listening on %s (%s)", url,
                 real.failed ? "out of memory" : real.data);
        buf_free(&real);
    }
}

void sockets_retire(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->list[i].lent == 0) {
            endpoint_remove_file(&sockets->list[i]);
        }
        endpoint_close(&sockets->list[i]);
    }
}

void sockets_close(struct sockets *sockets)
{
    sockets_retire(sockets);
    sockets->count = 0;
    for (unsigned i = 0; sockets->bus != NULL && i < sockets->places; i++) {
        struct sockaddr_un addr;

        if (sockets->bus[i] >= 0 &&
            bus_address(&addr, sockets->bus_dir, i) == 0) {
            unlink(addr.sun_path);
        }
    }
    close_bus(sockets);
}
