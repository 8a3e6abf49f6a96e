/* hosts.c - the names of hosts a certificate is for: a list, with wildcards */
#include "conf/hosts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/text.h"

#define MAX_HOST  253 /* RFC 1035 section 2.3.4 */
#define MAX_LABEL 63

static int add(struct conf_certificate *certificate, const char *name)
{
    char **list = realloc(certificate->names,
                          (certificate->name_count + 1) * sizeof *list);
    char *copy = strdup(name);

    if (list != NULL) {
        certificate->names = list;
    }
    if (list == NULL || copy == NULL) {
        free(copy);
        return -1;
    }
    list[certificate->name_count++] = copy;
    return 0;
}

static bool is_host(const char *name)
{
    if (*name == 0 || strlen(name) > MAX_HOST) {
        return false;
    }
    for (;;) {
        size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

        if (len == 0 || len > MAX_LABEL || name[0] == '-' ||
            name[len - 1] == '-') {
            return false;
        }
        if (name[len] != '.') {
            return name[len] == 0;
        }
        name += len + 1;
    }
}

/* Clients ask for names only, never for addresses. */
static bool is_address(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && (strspn(name, "0123456789.") == len ||
                       (strchr(name, ':') != NULL &&
                        strspn(name, "0123456789abcdef:.[]") == len));
}

/* name is made lower case. */
static int parse_one(struct conf_certificate *certificate, char *name,
                     struct buf *why)
{
    bool wild = strncmp(name, "*.", 2) == 0;
    size_t len = strlen(name);

    for (char *at = name; *at != 0; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    if (is_address(name)) {
        buf_addf(why,
                 "\"%s\" is an address, and clients ask for names: the "
                 "certificate of [tls] is the one for addresses",
                 name);
        return -1;
    }
    if (len > 1 && name[len - 1] == '.') {
        name[len - 1] = 0;
    }
    if (!is_host(name + (wild ? 2 : 0))) {
        buf_addf(why,
                 "\"%s\" is not the name of a host, such as www.example.org, "
                 "or *.example.org for each name below that one",
                 name);
        return -1;
    }
    return add(certificate, name);
}

int hosts_parse(struct conf_certificate *certificate, const char *text,
                struct buf *why)
{
    struct buf item = { 0 };
    int result = 0;

    hosts_free(certificate);
    while (result == 0 && text_next(&text, &item)) {
        result = parse_one(certificate, item.data, why);
    }
    if (item.failed || (result != 0 && why->len == 0)) {
        buf_adds(why, "out of memory");
        result = -1;
    }
    buf_free(&item);
    return result;
}

void hosts_free(struct conf_certificate *certificate)
{
    for (size_t i = 0; i < certificate->name_count; i++) {
        free(certificate->names[i]);
    }
    free(certificate->names);
    certificate->names = NULL;
    certificate->name_count = 0;
}

static bool equal(const char *a, const char *b, size_t len)
{
    return strlen(a) == len && strncasecmp(a, b, len) == 0;
}

const struct conf_certificate *hosts_find(const struct conf *conf,
                                          const char *name)
{
    const struct conf_certificate *wild = NULL;
    size_t len = name != NULL ? strlen(name) : 0;
    const char *rest;

    if (len > 0 && name[len - 1] == '.') {
        len--;
    }
    if (len == 0) {
        return NULL;
    }
    rest = memchr(name, '.', len);
    for (size_t i = 0; i < conf->certificate_count; i++) {
        const struct conf_certificate *certificate = &conf->certificates[i];

        for (size_t k = 0; k < certificate->name_count; k++) {
            const char *own = certificate->names[k];

            if (equal(own, name, len)) {
                return certificate;
            }
            if (own[0] == '*' && rest != NULL && rest != name &&
                equal(own + 1, rest, len - (size_t)(rest - name))) {
                wild = certificate;
            }
        }
    }
    return wild;
}
