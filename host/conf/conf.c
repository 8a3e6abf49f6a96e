/* conf.c - the configuration: what patchbay.ini says, checked */
#include "conf/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/load.h"
#include "conf/origins.h"
#include "conf/value.h"

void load_problem(struct load *load, int line, const char *section,
                  const char *key, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    problems_add(load->problems, load->conf->file, line, section, key, "%s",
                 text.failed ? "out of memory" : text.data);
    buf_free(&text);
}

void load_value(struct load *load, const struct schema_key *key,
                const struct ini_section *section, void *base)
{
    const struct ini_key *found =
        section == NULL ? NULL : ini_find_key(section, key->name);
    const char *text = found == NULL ? key->fallback : found->value;
    struct buf why = { 0 };

    if (text != NULL && (load->unseen ? value_store_unseen : value_store)(
                            key, text, load->folder, base, &why) != 0) {
        load_problem(load, found == NULL ? 0 : found->line,
                     section == NULL ? key->section : section->name, key->name,
                     "%s%s", why.failed ? "out of memory" : why.data,
                     found == NULL ? " (the default)" : "");
    }
    buf_free(&why);
}

void load_unknown(struct load *load, const char *section, const char *name,
                  const struct ini_key *key)
{
    const char *nearest = schema_nearest(section, key->name);
    const struct schema_key *other = schema_keys;
    struct buf names = { 0 };

    while (other->name != NULL && strcmp(other->name, key->name) != 0) {
        other++;
    }
    /* "name" where there is "names" is no key of [cluster] gone astray. */
    if (nearest != NULL &&
        strncmp(nearest, key->name, strlen(key->name)) == 0) {
        other = NULL;
    }
    if (other != NULL && other->name != NULL) {
        load_problem(load, key->line, name, key->name,
                     "unknown key here, it belongs in [%s%s]%s", other->section,
                     schema_find_section(other->section)->named ? ".NAME" : "",
                     other->in_route ? " or in a route" : "");
    } else if (nearest != NULL) {
        load_problem(load, key->line, name, key->name,
                     "unknown key, did you mean \"%s\"?", nearest);
    } else {
        schema_add_names(&names, section);
        load_problem(load, key->line, name, key->name,
                     "unknown key, [%s] has %s%s", name,
                     names.failed ? "others" : names.data,
                     strcmp(section, "route") == 0
                         ? ", and options of its plugin as PLUGIN.KEY"
                         : "");
    }
    buf_free(&names);
}

/* ---- sections ---------------------------------------------------------- */

static void unknown_section(struct load *load,
                            const struct ini_section *section)
{
    size_t len = strcspn(section->name, ". ");
    const char *rest = section->name + len;
    char *kind = strndup(section->name, len);
    const char *nearest = kind == NULL ? NULL : schema_nearest_section(kind);

    rest += *rest != 0;
    if (nearest == NULL) {
        load_problem(load, section->line, section->name, NULL,
                     "unknown section, there are [server], [tls], "
                     "[certificate.NAME], [log], [limits], [http], "
                     "[cluster], [plugin.NAME] and [route.NAME]");
    } else if (schema_find_section(nearest)->named) {
        load_problem(load, section->line, section->name, NULL,
                     "unknown section, did you mean [%s.%s]?", nearest,
                     *rest == 0 ? "NAME" : rest);
    } else {
        load_problem(load, section->line, section->name, NULL,
                     "unknown section, did you mean [%s]?", nearest);
    }
    free(kind);
}

static void check_sections(struct load *load)
{
    for (size_t i = 0; i < load->ini->count; i++) {
        const struct ini_section *section = &load->ini->sections[i];
        const struct schema_section *known = schema_find_section(section->name);

        if (strncmp(section->name, "route.", 6) == 0 ||
            strncmp(section->name, "certificate.", 12) == 0 ||
            strncmp(section->name, "plugin.", 7) == 0) {
            continue;
        }
        if (known == NULL || known->named) {
            unknown_section(load, section);
            continue;
        }
        for (size_t k = 0; k < section->count; k++) {
            const struct ini_key *key = &section->keys[k];

            if (schema_find(section->name, key->name) == NULL) {
                load_unknown(load, section->name, section->name, key);
            }
        }
    }
}

static void load_sections(struct load *load)
{
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        if (!schema_find_section(key->section)->named) {
            load_value(load, key, ini_find_section(load->ini, key->section),
                       key->in_route ? (void *)&load->conf->limits
                                     : (void *)load->conf);
        }
    }
}

/* The line of a key, or of its section, or 0. */
static int line_of(const struct load *load, const char *section,
                   const char *name)
{
    const struct ini_section *found = ini_find_section(load->ini, section);
    const struct ini_key *key;

    if (found == NULL) {
        return 0;
    }
    key = ini_find_key(found, name);
    return key == NULL ? found->line : key->line;
}

/* Whether the file says something for a key, even if it is not valid. */
static bool has_value(const struct load *load, const char *section,
                      const char *name)
{
    const struct ini_section *found = ini_find_section(load->ini, section);
    const struct ini_key *key =
        found == NULL ? NULL : ini_find_key(found, name);

    return key != NULL && (key->bad || *key->value != 0);
}

static void check_tls(struct load *load)
{
    bool cert = has_value(load, "tls", "cert");
    bool key = has_value(load, "tls", "key");

    load->conf->tls_cert_line = line_of(load, "tls", "cert");
    load->conf->tls_key_line = line_of(load, "tls", "key");
    load->conf->tls_ciphers_line = line_of(load, "tls", "ciphers");
    load->conf->tls_client_ca_line = line_of(load, "tls", "client_ca");
    if (cert && !key) {
        load_problem(load, line_of(load, "tls", "cert"), "tls", "cert",
                     "needs the private key, too: key = FILE");
    }
    if (key && !cert) {
        load_problem(load, line_of(load, "tls", "key"), "tls", "key",
                     "needs the certificate, too: cert = FILE");
    }
    if (!cert && has_value(load, "tls", "client_ca")) {
        load_problem(load, line_of(load, "tls", "client_ca"), "tls",
                     "client_ca", "needs TLS: cert = FILE and key = FILE");
    }
    if (load->conf->tls_client_verify == CONF_VERIFY_OPTIONAL &&
        !has_value(load, "tls", "client_ca")) {
        load_problem(load, line_of(load, "tls", "client_verify"), "tls",
                     "client_verify",
                     "needs the authorities of clients: client_ca = FILE");
    }
    if (!cert && !key && load->conf->certificate_count > 0) {
        const struct conf_certificate *first = &load->conf->certificates[0];

        load_problem(load, first->names_line, NULL, NULL,
                     "[certificate.%s]: needs a certificate for all other "
                     "names: cert = FILE and key = FILE in [tls]",
                     first->name);
    }
}

static void check_cluster(struct load *load)
{
    bool url = has_value(load, "cluster", "url");

    if (url && load->conf->cluster.node == 0) {
        load_problem(load, line_of(load, "cluster", "node"), "cluster", "node",
                     "each host of a cluster needs a number of its own: node = "
                     "1, from 1 to 255");
    }
    if (!url && load->conf->cluster.node > 0) {
        load_problem(load, line_of(load, "cluster", "node"), "cluster", "node",
                     "needs the Redis that the hosts share: url = "
                     "redis://HOST:PORT/DB");
    }
}

static void check_page(struct load *load, const char *name, const char *path)
{
    for (size_t i = 0; path != NULL && i < load->conf->route_count; i++) {
        const struct conf_route *route = &load->conf->routes[i];
        struct buf section = { 0 };

        if (route->path != NULL && strcmp(route->path, path) == 0) {
            buf_addf(&section, "route.%s", route->name);
            load_problem(load, route->path_line, section.data, "path",
                         "\"%s\" is the path of [http] %s, too", path, name);
        }
        buf_free(&section);
    }
}

static void check_pages(struct load *load)
{
    const struct conf *conf = load->conf;

    if (conf->http_health != NULL && conf->http_metrics != NULL &&
        strcmp(conf->http_health, conf->http_metrics) == 0) {
        load_problem(load, line_of(load, "http", "metrics"), "http", "metrics",
                     "\"%s\" is the path of health, too", conf->http_metrics);
    }
    check_page(load, "health", conf->http_health);
    check_page(load, "metrics", conf->http_metrics);
}

/* ---- the whole --------------------------------------------------------- */

/* Unseen, it may be one that this user may not look into. */
static char *folder_of(const char *file, bool unseen)
{
    const char *slash = strrchr(file, '/');
    char *folder =
        slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + 1);
    char *real = folder == NULL ? NULL : realpath(folder, NULL);

    if (real == NULL && unseen) {
        return folder;
    }
    free(folder);
    return real;
}

static size_t count(const struct problems *problems)
{
    return problems->count + problems->lost;
}

/* A misspelt plugin_dir is one mistake, not one more for each plugin that is
 * not in the default one; and a plugin that is to be loaded as some user is not
 * loaded as root because there is no such user. */
static bool finds_plugins(const struct load *load)
{
    const struct conf *conf = load->conf;

    if (conf->user == NULL && has_value(load, "server", "user")) {
        return false;
    }
    return count(load->problems) == load->before ||
           (conf->plugin_dir != NULL &&
            has_value(load, "server", "plugin_dir"));
}

static void load_all(struct load *load, const char *file)
{
    struct conf *conf = load->conf;

    conf->file = strdup(file);
    load->folder = folder_of(file, load->unseen);
    if (conf->file == NULL || load->folder == NULL) {
        problems_add(load->problems, file, 0, NULL, NULL,
                     "its folder cannot be found: %s", strerror(errno));
        return;
    }
    check_sections(load);
    load_sections(load);
    load->finds_plugins = finds_plugins(load);
    load_routes(load);
    load_certificates(load);
    check_tls(load);
    check_cluster(load);
    check_pages(load);
}

static struct conf *read_ini(const char *file, struct ini *ini, size_t before,
                             bool unseen, struct problems *problems)
{
    struct load load = {
        .ini = ini, .problems = problems, .before = before, .unseen = unseen
    };

    if (ini == NULL) {
        return NULL;
    }
    load.conf = calloc(1, sizeof *load.conf);
    if (load.conf == NULL) {
        problems_add(problems, file, 0, NULL, NULL, "out of memory");
    } else {
        load_all(&load, file);
    }
    free(load.folder);
    ini_free(ini);
    return load.conf;
}

struct conf *conf_read(const char *file, struct problems *problems)
{
    size_t before = count(problems);

    return read_ini(file, ini_load(file, problems), before, false, problems);
}

struct conf *conf_load_text(const char *file, const char *text, size_t len,
                            struct problems *problems)
{
    size_t before = count(problems);
    struct conf *conf;

    conf = read_ini(file, ini_load_text(file, text, len, problems), before,
                    true, problems);
    if (count(problems) > before) {
        conf_free(conf);
        return NULL;
    }
    return conf;
}

struct conf *conf_load(const char *file, struct problems *problems)
{
    size_t before = count(problems);
    struct conf *conf = conf_read(file, problems);

    if (count(problems) > before) {
        conf_free(conf);
        return NULL;
    }
    return conf;
}

void conf_free(struct conf *conf)
{
    if (conf == NULL) {
        return;
    }
    for (size_t i = 0; i < conf->listen_count; i++) {
        free(conf->listen[i].text);
    }
    load_free_routes(conf);
    load_free_certificates(conf);
    origins_free(&conf->limits);
    free(conf->file);
    free(conf->plugin_dir);
    free(conf->run_dir);
    free(conf->user);
    free(conf->control_group);
    free(conf->proxies);
    free(conf->tls_cert);
    free(conf->tls_key);
    free(conf->tls_ciphers);
    free(conf->tls_client_ca);
    free(conf->log_file);
    free(conf->http_root);
    free(conf->http_health);
    free(conf->http_metrics);
    redis_url_free(&conf->cluster.url);
    free(conf->cluster.name);
    free(conf);
}

const struct conf_plugin *conf_find_plugin(const struct conf *conf,
                                           const char *name)
{
    for (size_t i = 0; i < conf->plugin_count; i++) {
        if (strcmp(conf->plugins[i].name, name) == 0) {
            return &conf->plugins[i];
        }
    }
    return NULL;
}
