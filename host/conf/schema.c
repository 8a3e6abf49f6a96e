/* schema.c - every section and key of patchbay.ini, in one table */
#include "conf/schema.h"

#include <string.h>

#include "base/units.h"
#include "conf/conf.h"

#define KIB (INT64_C(1) << 10)
#define GIB (INT64_C(1) << 30)

#define MS   INT64_C(1)
#define SEC  (1000 * MS)
#define MIN  (60 * SEC)
#define HOUR (60 * MIN)
#define DAY  (24 * HOUR)

#define MAX_KEYS 32 /* of one section */

#define CONF(member) .offset = offsetof(struct conf, member)
#define LIMITS(member) \
    .in_route = true, .offset = offsetof(struct conf_limits, member)
#define ROUTE(member)       .offset = offsetof(struct conf_route, member)
#define CERTIFICATE(member) .offset = offsetof(struct conf_certificate, member)

const struct schema_section schema_sections[] = {
    { "server", false, "addresses, processes and folders" },
    { "tls", false, "TLS on every TCP address; on when cert is set" },
    { "certificate", true, "what clients get that ask for one of its names" },
    { "log", false, "where the log goes and what is in it" },
    { "limits", false,
      "each may be set in a route too, except queue_total, receive_total, "
      "handshake, jobs and connect_*" },
    { "http", false, "the host's own pages; empty: off" },
    { "cluster", false, "several machines; on when url is set" },
    { "plugin", true, "a plugin's options, for each route that has it" },
    { "route", true, "a URL path and the plugin that serves it" },
    { NULL, false, NULL },
};

static const struct schema_word tls_versions[] = { { "1.2", 12 },
                                                   { "1.3", 13 },
                                                   { NULL, 0 } };

static const struct schema_word verifies[] = {
    { "required", CONF_VERIFY_REQUIRED },
    { "optional", CONF_VERIFY_OPTIONAL },
    { NULL, 0 }
};

static const struct schema_word levels[] = { { "error", LOG_LEVEL_ERROR },
                                             { "warn", LOG_LEVEL_WARN },
                                             { "info", LOG_LEVEL_INFO },
                                             { "debug", LOG_LEVEL_DEBUG },
                                             { NULL, 0 } };

static const struct schema_word formats[] = { { "text", LOG_FORMAT_TEXT },
                                              { "json", LOG_FORMAT_JSON },
                                              { NULL, 0 } };

static const struct schema_word slow_peers[] = { { "close", CONF_SLOW_CLOSE },
                                                 { "drop", CONF_SLOW_DROP },
                                                 { NULL, 0 } };

static const struct schema_word over_rates[] = { { "wait", CONF_RATE_WAIT },
                                                 { "close", CONF_RATE_CLOSE },
                                                 { NULL, 0 } };

static const struct schema_word reloads[] = { { "migrate",
                                                CONF_RELOAD_MIGRATE },
                                              { "drain", CONF_RELOAD_DRAIN },
                                              { "close", CONF_RELOAD_CLOSE },
                                              { NULL, 0 } };

/* clang-format off */
const struct schema_key schema_keys[] = {
    { "server", "listen", SCHEMA_LISTEN, "localhost:9501", CONF(listen),
      .help = "addresses, comma separated: NAME:PORT, 0.0.0.0:PORT, "
              "[::]:PORT, unix:PATH" },
    { "server", "workers", SCHEMA_WORKERS, "auto", CONF(workers),
      .min = 1, .max = CONF_MAX_WORKERS,
      .help = "processes; auto: one per processor" },
    { "server", "plugin_dir", SCHEMA_PATH, "/usr/lib/patchbay",
      CONF(plugin_dir),
      .help = "where plugin = NAME looks for NAME.so" },
    { "server", "run_dir", SCHEMA_RUN_DIR, "/run/patchbay", CONF(run_dir),
      .help = "control socket, pid file, plugin images" },
    { "server", "user", SCHEMA_USER, "", CONF(user),
      .help = "drop to this user once the addresses are open" },
    { "server", "control_group", SCHEMA_GROUP, "", CONF(control_group),
      .help = "who may give commands besides root and the user that runs it" },
    { "server", "proxies", SCHEMA_PROXIES, "", CONF(proxies),
      .help = "addresses, networks, or unix, whose X-Forwarded-For is "
              "believed" },
    { "server", "drain", SCHEMA_TIME, "30s", CONF(drain_ms),
      .min = 100 * MS, .max = HOUR, .zero = true,
      .help = "how long stop and restart wait for clients" },
    { "server", "history_memory", SCHEMA_SIZE, "64m", CONF(history_memory),
      .min = 1024 * KIB, .max = 64 * GIB,
      .help = "for the messages that routes keep, on this machine" },
    { "server", "max_memory", SCHEMA_SIZE, "0", CONF(max_memory),
      .min = 1024 * KIB, .max = 1024 * GIB, .zero = true,
      .help = "a worker with more resident memory is recycled: a new one takes "
              "over, its clients are told to come again (1012); 0: never" },
    { "server", "max_requests", SCHEMA_COUNT, "0", CONF(max_requests),
      .min = 1, .max = 1000000000, .zero = true,
      .help = "a worker that has taken so many requests, handshakes included, "
              "is recycled likewise; 0: never" },
    { "server", "recycle_interval", SCHEMA_TIME, "60s",
      CONF(recycle_interval_ms),
      .min = SEC, .max = DAY,
      .help = "a worker serves so long at least before it is recycled" },
    { "server", "watch", SCHEMA_BOOL, "no", CONF(watch),
      .help = "reload when a plugin, this file or one of TLS is replaced" },

    { "tls", "cert", SCHEMA_FILE, "", CONF(tls_cert),
      .help = "certificate and chain, PEM" },
    { "tls", "key", SCHEMA_FILE, "", CONF(tls_key),
      .help = "private key, PEM" },
    { "tls", "min_version", SCHEMA_WORD, "1.2", CONF(tls_min_version),
      .words = tls_versions,
      .help = "the oldest version of TLS that is accepted" },
    { "tls", "ciphers", SCHEMA_TEXT, "ECDHE+AESGCM:ECDHE+CHACHA20",
      CONF(tls_ciphers),
      .help = "of TLS 1.2, as a list of OpenSSL; those of 1.3 are all good" },
    { "tls", "client_ca", SCHEMA_FILE, "", CONF(tls_client_ca),
      .help = "who signs clients' certificates, PEM; empty: none are asked "
              "for" },
    { "tls", "client_verify", SCHEMA_WORD, "required", CONF(tls_client_verify),
      .words = verifies,
      .help = "optional: a client without a certificate may connect, too" },

    { "certificate", "names", SCHEMA_NAMES, NULL, CERTIFICATE(names),
      .help = "of hosts, comma separated: www.example.org, *.example.com" },
    { "certificate", "cert", SCHEMA_FILE, NULL, CERTIFICATE(cert),
      .help = "certificate and chain, PEM" },
    { "certificate", "key", SCHEMA_FILE, NULL, CERTIFICATE(key),
      .help = "private key, PEM" },

    { "log", "level", SCHEMA_WORD, "info", CONF(log_level), .words = levels,
      .help = "the least important lines that are written" },
    { "log", "file", SCHEMA_LOG_FILE, "-", CONF(log_file),
      .help = "- is standard error" },
    { "log", "format", SCHEMA_WORD, "text", CONF(log_format),
      .words = formats,
      .help = "text, or one JSON object a line" },
    { "log", "access", SCHEMA_BOOL, "no", CONF(log_access),
      .help = "a line for each connection and its end" },
    { "log", "trace", SCHEMA_BOOL, "no", CONF(log_trace),
      .help = "a line for each hook, with its time; for development" },
    { "log", "crash_reports", SCHEMA_COUNT, "20", CONF(crash_reports),
      .min = 1, .max = 1000, .zero = true,
      .help = "how many are kept in run_dir/crashes; 0: none are written" },
    { "log", "crash_messages", SCHEMA_BOOL, "yes", CONF(crash_messages),
      .help = "the connection's last messages in crash reports" },

    { "limits", "max_message", SCHEMA_SIZE, "1m", LIMITS(max_message),
      .min = 1, .max = GIB,
      .help = "longer messages: closed with 1009" },
    { "limits", "fragments", SCHEMA_COUNT, "1024", LIMITS(fragments),
      .min = 1, .max = 1000000000,
      .help = "of less than 64 bytes, in one message; more: closed with 1009" },
    { "limits", "rate", SCHEMA_COUNT, "0", LIMITS(rate),
      .min = 1, .max = 1000000, .zero = true,
      .help = "messages a second from a client; 0: unlimited" },
    { "limits", "burst", SCHEMA_COUNT, "0", LIMITS(burst),
      .min = 1, .max = 1000000, .zero = true,
      .help = "messages it may send at once; 0: as many as in a second" },
    { "limits", "rate_bytes", SCHEMA_SIZE, "0", LIMITS(rate_bytes),
      .min = 1 * KIB, .max = GIB, .zero = true,
      .help = "payload a second from a client; 0: unlimited" },
    { "limits", "burst_bytes", SCHEMA_SIZE, "0", LIMITS(burst_bytes),
      .min = 1 * KIB, .max = GIB, .zero = true,
      .help = "payload it may send at once; 0: as much as in a second" },
    { "limits", "over_rate", SCHEMA_WORD, "wait", LIMITS(over_rate),
      .words = over_rates,
      .help = "faster than that: wait, reading nothing; or close (1008)" },
    { "limits", "send_queue", SCHEMA_SIZE, "1m", LIMITS(send_queue),
      .min = 4 * KIB, .max = GIB,
      .help = "what may wait to be sent, per connection" },
    { "limits", "slow_peer", SCHEMA_WORD, "close", LIMITS(slow_peer),
      .words = slow_peers,
      .help = "send queue full: close (1013), or drop the message" },
    { "limits", "queue_total", SCHEMA_SIZE, "256m", CONF(queue_total),
      .min = 1024 * KIB, .max = 1024 * GIB, .zero = true,
      .help = "what may wait for all clients of a worker; beyond, those with "
              "the longest queues are closed (1013); 0: unlimited" },
    { "limits", "receive_total", SCHEMA_SIZE, "256m", CONF(receive_total),
      .min = 1024 * KIB, .max = 1024 * GIB, .zero = true,
      .help = "what may have come of messages that are not whole yet, per "
              "worker; beyond, those begun first are given up (1013); 0: "
              "unlimited" },
    { "limits", "compress", SCHEMA_BOOL, "no", LIMITS(compress),
      .help = "permessage-deflate, with clients that offer it" },
    { "limits", "compress_ratio", SCHEMA_COUNT, "200", LIMITS(compress_ratio),
      .min = 1, .max = 10000, .zero = true,
      .help = "messages over 256k that inflate to more times their length: "
              "closed with 1009; 0: any" },
    { "limits", "handshake", SCHEMA_TIME, "5s",
      CONF(limits.handshake_ms),
      .min = 100 * MS, .max = 5 * MIN,
      .help = "from connect to the end of the request; in whole seconds, "
              "rounded up" },
    { "limits", "ping", SCHEMA_TIME, "25s", LIMITS(ping_ms),
      .min = SEC, .max = HOUR, .zero = true,
      .help = "after silence for this long; 0: never" },
    { "limits", "ping_wait", SCHEMA_TIME, "20s", LIMITS(ping_wait_ms),
      .min = 100 * MS, .max = HOUR,
      .help = "how long a peer may take to answer a ping" },
    { "limits", "idle", SCHEMA_TIME, "0s", LIMITS(idle_ms),
      .min = SEC, .max = 30 * DAY, .zero = true,
      .help = "closed with 1001 after no message for this long; 0: never" },
    { "limits", "connections", SCHEMA_COUNT, "10000", LIMITS(connections),
      .min = 1, .max = 10000000, .zero = true,
      .help = "per route, all workers together; 0: unlimited" },
    { "limits", "per_address", SCHEMA_COUNT, "0", LIMITS(per_address),
      .min = 1, .max = 10000000, .zero = true,
      .help = "of one client address; 0: unlimited" },
    { "limits", "connect_rate", SCHEMA_COUNT, "0", CONF(connect_rate),
      .min = 1, .max = 100000, .zero = true,
      .help = "new sockets a second from one address; 0: unlimited" },
    { "limits", "connect_burst", SCHEMA_COUNT, "0", CONF(connect_burst),
      .min = 1, .max = 100000, .zero = true,
      .help = "of them, at once; 0: as many as in a second" },
    { "limits", "slow_hook", SCHEMA_TIME, "20ms", LIMITS(slow_hook_ms),
      .min = MS, .max = HOUR,
      .help = "hooks that run longer are logged" },
    { "limits", "hook_timeout", SCHEMA_TIME, "10s", LIMITS(hook_timeout_ms),
      .min = 100 * MS, .max = HOUR, .zero = true,
      .help = "a hook that runs longer ends its worker; 0: never" },
    { "limits", "jobs", SCHEMA_COUNT, "4", CONF(jobs), .min = 1, .max = 64,
      .help = "threads for deferred work, per worker" },
    { "limits", "crash_limit", SCHEMA_COUNT, "5", CONF(crash_limit),
      .min = 1, .max = 100, .zero = true,
      .help = "a plugin that ends so many workers within crash_window is "
              "quarantined: 503; 0: never" },
    { "limits", "crash_window", SCHEMA_TIME, "60s", CONF(crash_window_ms),
      .min = SEC, .max = DAY,
      .help = "how long a crash counts" },
    { "limits", "origins", SCHEMA_ORIGINS, "", LIMITS(origins),
      .help = "pages that may connect, comma separated: "
              "https://example.org; * is any, empty the same host only" },

    { "http", "root", SCHEMA_FOLDER, "", CONF(http_root),
      .help = "a folder of static files" },
    { "http", "health", SCHEMA_PAGE, "/-/health", CONF(http_health),
      .help = "path of the health page" },
    { "http", "metrics", SCHEMA_PAGE, "/-/metrics", CONF(http_metrics),
      .help = "path of the metrics, in Prometheus' text format" },

    { "cluster", "url", SCHEMA_REDIS, "", CONF(cluster.url),
      .help = "Redis: redis://USER:PASSWORD@HOST:PORT/DB, or unix:/PATH" },
    { "cluster", "name", SCHEMA_NAME, "patchbay", CONF(cluster.name),
      .help = "hosts with the same name and Redis are one cluster" },
    { "cluster", "node", SCHEMA_COUNT, "0", CONF(cluster.node),
      .min = 1, .max = 255, .zero = true,
      .help = "this host's number, of its own in the cluster; with url" },
    { "cluster", "ttl", SCHEMA_TIME, "10s", CONF(cluster.ttl_ms),
      .min = SEC, .max = HOUR,
      .help = "a host of which nothing is heard for so long is gone" },
    { "cluster", "queue", SCHEMA_SIZE, "64m", CONF(cluster.queue),
      .min = 64 * KIB, .max = GIB,
      .help = "what may wait for Redis, per worker; beyond, it is not sent" },

    { "route", "path", SCHEMA_ROUTE, NULL, ROUTE(path),
      .help = "/chat, or a prefix: /rooms/*; the longest match wins" },
    { "route", "plugin", SCHEMA_PLUGIN, NULL, ROUTE(plugin),
      .help = "chat is chat.so in plugin_dir" },
    { "route", "on_reload", SCHEMA_WORD, "migrate", ROUTE(on_reload),
      .words = reloads,
      .help = "open connections: migrate if the plugin can, else drain; "
              "or drain, or close" },
    { "route", "history", SCHEMA_COUNT, "0", ROUTE(history),
      .min = 1, .max = 100000, .zero = true,
      .help = "messages that are kept of each topic; 0: none" },
    { "route", "history_for", SCHEMA_TIME, "1h", ROUTE(history_for_ms),
      .min = SEC, .max = 30 * DAY, .zero = true,
      .help = "how long they are kept; 0: for ever" },
    { .name = NULL },
};
/* clang-format on */

static bool belongs(const struct schema_key *key, const char *section)
{
    return strcmp(key->section, section) == 0 ||
           (key->in_route && strcmp(section, "route") == 0);
}

const struct schema_key *schema_find(const char *section, const char *name)
{
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        if (belongs(key, section) && strcmp(key->name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

const struct schema_section *schema_find_section(const char *name)
{
    for (const struct schema_section *section = schema_sections;
         section->name != NULL; section++) {
        if (strcmp(section->name, name) == 0) {
            return section;
        }
    }
    return NULL;
}

static size_t list_names(const char *section, const char **names)
{
    size_t count = 0;

    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        if (belongs(key, section) && count < MAX_KEYS - 1) {
            names[count++] = key->name;
        }
    }
    names[count] = NULL;
    return count;
}

const char *schema_nearest(const char *section, const char *name)
{
    const char *names[MAX_KEYS];

    list_names(section, names);
    return units_nearest(name, names);
}

const char *schema_nearest_section(const char *name)
{
    const char *names[MAX_KEYS];
    size_t count = 0;

    for (; schema_sections[count].name != NULL; count++) {
        names[count] = schema_sections[count].name;
    }
    names[count] = NULL;
    return units_nearest(name, names);
}

/* "a", "b", "c": "a, b and c" */
static void add_item(struct buf *out, size_t at, size_t count, const char *and,
                     const char *item)
{
    if (at > 0) {
        buf_adds(out, at + 1 == count ? and : ", ");
    }
    buf_adds(out, item);
}

void schema_add_names(struct buf *out, const char *section)
{
    const char *names[MAX_KEYS];
    size_t count = list_names(section, names);

    for (size_t i = 0; i < count; i++) {
        add_item(out, i, count, " and ", names[i]);
    }
}

static void add_range(struct buf *out, const struct schema_key *key,
                      char *format(int64_t value, char *text, size_t size))
{
    char low[32];
    char high[32];

    buf_addf(out, "%sfrom %s to %s", key->zero ? "0 or " : "",
             format(key->min, low, sizeof low),
             format(key->max, high, sizeof high));
}

static char *format_number(int64_t value, char *text, size_t size)
{
    snprintf(text, size, "%lld", (long long)value);
    return text;
}

static void add_words(struct buf *out, const struct schema_word *words)
{
    size_t count = 0;

    while (words[count].name != NULL) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        add_item(out, i, count, " or ", words[i].name);
    }
}

void schema_add_allowed(struct buf *out, const struct schema_key *key)
{
    switch (key->type) {
    case SCHEMA_BOOL: buf_adds(out, "yes or no"); break;
    case SCHEMA_COUNT: add_range(out, key, format_number); break;
    case SCHEMA_WORKERS:
        buf_adds(out, "auto, or ");
        add_range(out, key, format_number);
        break;
    case SCHEMA_SIZE: add_range(out, key, units_format_bytes); break;
    case SCHEMA_TIME: add_range(out, key, units_format_ms); break;
    case SCHEMA_WORD: add_words(out, key->words); break;
    default: break;
    }
}

static void print_keys(FILE *out, const char *section, const char *mark)
{
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        struct buf allowed = { 0 };

        if (strcmp(key->section, section) != 0) {
            continue;
        }
        schema_add_allowed(&allowed, key);
        fprintf(out, "\n; %s\n", key->help);
        if (allowed.len > 0) {
            fprintf(out, "; %s\n", allowed.data);
        }
        if (key->fallback == NULL) {
            fputs("; required\n", out);
        }
        fprintf(out, "%s%s =%s%s\n", mark, key->name,
                key->fallback == NULL || *key->fallback == 0 ? "" : " ",
                key->fallback == NULL ? "" : key->fallback);
        buf_free(&allowed);
    }
}

void schema_print(FILE *out)
{
    fputs(
        "; patchbay.ini - every key of the host, with its default\n"
        ";\n"
        "; Names are lower case. A value that holds a ; or a # needs \"double "
        "quotes\".\n"
        "; Sizes: 512, 64k, 16m. Times: 250ms, 30s, 5m, 1h.\n"
        "; Check with: patchbay check -c patchbay.ini\n",
        out);
    for (const struct schema_section *section = schema_sections;
         section->name != NULL; section++) {
        fprintf(out, "\n; %s\n", section->help);
        if (section->named) {
            fprintf(out, ";[%s.NAME]\n", section->name);
            print_keys(out, section->name, ";");
        } else {
            fprintf(out, "[%s]\n", section->name);
            print_keys(out, section->name, "");
        }
    }
}
