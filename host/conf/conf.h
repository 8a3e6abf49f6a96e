/* conf.h - the configuration: what patchbay.ini says, checked */
#ifndef PATCHBAY_CONF_CONF_H
#define PATCHBAY_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/problems.h"
#include "conf/redis_url.h"

#define CONF_MAX_ROUTES       256
#define CONF_MAX_WORKERS      128
#define CONF_MAX_PLACES       (CONF_MAX_WORKERS + 1) /* conf_places */
#define CONF_MAX_LISTEN       32
#define CONF_MAX_CERTIFICATES 64 /* besides that of [tls] */
#define CONF_MAX_NAME         63 /* of a route or plugin, in bytes */

/* The longest name of a socket in run_dir; what is longer may not fit. */
#define CONF_MAX_RUN_NAME 24

/* One address of `listen`. "localhost:9501" makes two, one for each family. */
struct conf_listen {
    char *text; /* as written, for messages: "localhost:9501" */
    struct sockaddr_storage addr;
    socklen_t addr_len;
    bool optional; /* the IPv6 half of a name: a host without IPv6 skips it */
};

/* One address or network of `proxies`; family AF_UNIX stands for `unix`, every
 * peer of a Unix socket. */
struct conf_net {
    int family;
    unsigned char addr[16];
    unsigned prefix;
};

enum conf_slow_peer { CONF_SLOW_CLOSE = 1, CONF_SLOW_DROP = 2 };

enum conf_over_rate { CONF_RATE_WAIT = 1, CONF_RATE_CLOSE = 2 };

enum conf_on_reload {
    CONF_RELOAD_MIGRATE = 1,
    CONF_RELOAD_DRAIN = 2,
    CONF_RELOAD_CLOSE = 3
};

/* Those of [limits], or of a route: what it says, and [limits] for the rest. */
struct conf_limits {
    size_t max_message;
    uint32_t fragments; /* small ones, of one message */
    uint32_t rate;      /* messages a second; 0: unlimited */
    uint32_t burst;     /* of them, at once; 0: as many as in a second */
    size_t rate_bytes;  /* likewise */
    size_t burst_bytes;
    enum conf_over_rate over_rate;
    size_t send_queue;
    enum conf_slow_peer slow_peer;
    uint64_t handshake_ms; /* [limits] only: no route is known before its end */
    uint64_t ping_ms;      /* 0: never */
    uint64_t ping_wait_ms;
    uint64_t idle_ms; /* 0: never */
    uint64_t slow_hook_ms;
    uint64_t hook_timeout_ms; /* 0: never */
    bool compress;            /* permessage-deflate, if the client offers it */
    uint32_t compress_ratio;  /* 0: any */
    uint32_t connections;     /* per route, all workers; 0: unlimited */
    uint32_t per_address;     /* of them; likewise */
    /* Lower case, such as "https://example.org"; {"*"} for any; empty for the
     * same host only. */
    char **origins;
    size_t origin_count;
};

/* A plugin's own option as it stands in the file. */
struct conf_option {
    char *name; /* "history" */
    char *value;
    int line;
};

struct conf_options {
    struct conf_option *list;
    size_t count;
};

/* [plugin.NAME]: defaults for each route with that plugin. */
struct conf_plugin {
    char *name;
    int line;
    struct conf_options options;
};

struct conf_route {
    char *name;    /* "lobby" of [route.lobby] */
    int line;      /* of the section */
    unsigned slot; /* of its counters; its place in the file, until a reload */
    char *path;    /* as written: "/chat/lobby", "/rooms/" and a star */
    int path_line;
    bool prefix;     /* ends in a star */
    size_t path_len; /* without the star */
    char *plugin;    /* "chat" */
    int plugin_line;
    char *plugin_file; /* plugin_dir/chat.so; NULL by conf_read only */
    enum conf_on_reload on_reload;
    uint32_t history;        /* messages that are kept of a topic; 0: none */
    uint64_t history_for_ms; /* 0: for ever */
    struct conf_limits limits;
    struct conf_options options; /* of chat.* keys, without the "chat." */
};

/* [certificate.NAME]: what clients get that ask for one of its names. */
struct conf_certificate {
    char *name;   /* of the section */
    char **names; /* lower case: "a.example", "*.b.example" */
    size_t name_count;
    char *cert;
    char *key;
    int names_line;
    int cert_line;
    int key_line;
};

enum conf_client_verify { CONF_VERIFY_REQUIRED = 1, CONF_VERIFY_OPTIONAL = 2 };

/* [cluster] */
struct conf_cluster {
    struct redis_url url; /* shown is NULL: one machine alone */
    char *name;
    uint32_t node; /* from 1 to 255; 0 without url */
    uint64_t ttl_ms;
    size_t queue; /* bytes that may wait for Redis, in a worker */
};

struct conf {
    char *file; /* as given, for messages */

    /* [server]; relative paths are taken from the folder of the file */
    struct conf_listen listen[CONF_MAX_LISTEN];
    size_t listen_count;
    unsigned workers; /* `auto` resolved to the number of processors */
    char *plugin_dir;
    char *run_dir;
    char *user;          /* NULL: none */
    char *control_group; /* NULL: none */
    struct conf_net *proxies;
    size_t proxy_count;
    uint64_t drain_ms;
    size_t history_memory;        /* for all that is kept on this machine */
    size_t max_memory;            /* resident, of a worker; 0: unlimited */
    uint32_t max_requests;        /* that a worker takes; 0: unlimited */
    uint64_t recycle_interval_ms; /* it serves so long at least */
    bool watch;                   /* reload when a file changes */

    /* [tls]; on for every TCP address when cert is set */
    char *tls_cert; /* NULL: off */
    int tls_cert_line;
    char *tls_key;
    int tls_key_line;
    int tls_min_version; /* 12 or 13 */
    char *tls_ciphers;   /* of TLS 1.2, as OpenSSL writes lists of them */
    int tls_ciphers_line;
    char *tls_client_ca; /* NULL: clients are asked for no certificate */
    int tls_client_ca_line;
    enum conf_client_verify tls_client_verify;
    struct conf_certificate *certificates;
    size_t certificate_count;

    /* [log] */
    enum log_level log_level;
    char *log_file; /* "-" or a path */
    enum log_format log_format;
    bool log_access;
    bool log_trace;
    uint32_t crash_reports; /* that are kept */
    bool crash_messages;

    /* [limits] */
    struct conf_limits limits;
    unsigned jobs;        /* threads for deferred work, per worker */
    unsigned crash_limit; /* of a plugin within crash_window_ms; 0: none */
    uint64_t crash_window_ms;
    uint32_t connect_rate;  /* new ones a second of an address; 0: unlimited */
    uint32_t connect_burst; /* of them, at once; 0: as many as in a second */
    size_t queue_total;     /* bytes that wait for all clients of a worker */
    size_t receive_total;   /* bytes of messages that came in part, likewise */

    /* [http] */
    char *http_root;    /* NULL: no files */
    char *http_health;  /* NULL: off */
    char *http_metrics; /* NULL: off */

    struct conf_cluster cluster;

    struct conf_plugin *plugins;
    size_t plugin_count;
    struct conf_route *routes;
    size_t route_count;
};

/*
 * Reads and checks a file. Returns NULL, with at least one problem added, if
 * anything in it is wrong; all that can be found is reported in one go. Names
 * of hosts and users are resolved here. Nothing is said about the plugins'
 * files and options: that takes the plugins (plugin/probe.h).
 */
struct conf *conf_load(const char *file, struct problems *problems);

/*
 * The same, but what could be read is returned even if the file has errors, so
 * that what it names can be checked as well; not to be served from. What was
 * wrong may be NULL or 0. A route has a plugin_file only if its plugin can be
 * looked at without taking one mistake for another. NULL: nothing was read.
 */
struct conf *conf_read(const char *file, struct problems *problems);

/*
 * As conf_load, of a text that was read already and is that of file. Asks
 * nothing of the system: no name is resolved, files, folders and users are
 * taken to be there, and listen stays empty.
 */
struct conf *conf_load_text(const char *file, const char *text, size_t len,
                            struct problems *problems);
void conf_free(struct conf *conf);

/* How many worker processes there can be at a time: one more than serve, if
 * workers are recycled, since the new one comes first. */
static inline unsigned conf_places(const struct conf *conf)
{
    return conf->workers + (conf->max_memory > 0 || conf->max_requests > 0);
}

/* [plugin.NAME], or NULL. */
const struct conf_plugin *conf_find_plugin(const struct conf *conf,
                                           const char *name);

/* Whether an address is in a list of networks. */
bool conf_net_match(const struct conf_net *nets, size_t count,
                    const struct sockaddr *addr);

#endif
