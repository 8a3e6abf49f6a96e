/* test_conf.c - the configuration: what patchbay.ini says, checked */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "ini_file.h"

/* A route that is right, for cases about other things: four lines */
#define ROUTE "[route.echo]\npath = /echo\nplugin = echo\n\n"

/* ---- what is right ----------------------------------------------------- */

/* As the document says */
static void defaults(void **state)
{
    struct conf *conf = ini_file_load("");
    cpu_set_t set;

    (void)state;
    assert_string_equal(conf->file, INI_FILE);
    assert_in_range(conf->listen_count, 1, 2);
    assert_string_equal(conf->listen[0].text, "localhost:9501");
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    assert_int_equal(conf->workers, CPU_COUNT(&set));
    assert_string_equal(conf->plugin_dir, "/usr/lib/patchbay");
    assert_string_equal(conf->run_dir, "/run/patchbay");
    assert_null(conf->user);
    assert_int_equal(conf->proxy_count, 0);
    assert_int_equal(conf->drain_ms, 30000);
    assert_false(conf->watch);
    assert_false(conf->log_trace);
    assert_null(conf->tls_cert);
    assert_null(conf->tls_key);
    assert_int_equal(conf->tls_min_version, 12);
    assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
    assert_string_equal(conf->log_file, "-");
    assert_int_equal(conf->log_format, LOG_FORMAT_TEXT);
    assert_false(conf->log_access);
    assert_int_equal(conf->limits.max_message, 1 << 20);
    assert_int_equal(conf->limits.send_queue, 1 << 20);
    assert_int_equal(conf->limits.slow_peer, CONF_SLOW_CLOSE);
    assert_int_equal(conf->limits.handshake_ms, 5000);
    assert_int_equal(conf->limits.ping_ms, 25000);
    assert_int_equal(conf->limits.ping_wait_ms, 20000);
    assert_int_equal(conf->limits.idle_ms, 0);
    assert_int_equal(conf->limits.slow_hook_ms, 20);
    assert_int_equal(conf->limits.connections, 10000);
    assert_int_equal(conf->limits.origin_count, 0);
    assert_int_equal(conf->jobs, 4);
    assert_int_equal(conf->crash_limit, 5);
    assert_int_equal(conf->crash_window_ms, 60000);
    assert_null(conf->http_root);
    assert_string_equal(conf->http_health, "/-/health");
    assert_string_equal(conf->http_metrics, "/-/metrics");
    assert_int_equal(conf->plugin_count, 0);
    assert_int_equal(conf->route_count, 0);
    conf_free(conf);
    conf_free(NULL);
}

static void make_file(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY, 0600);

    assert_true(fd >= 0);
    close(fd);
}

/* name in the folder of the file */
static void is_here(const char *path, const char *name)
{
    char expected[200];

    snprintf(expected, sizeof expected, "%s/%s", ini_folder, name);
    assert_string_equal(path, expected);
}

/* Every key, none with its default */
static const char every_key[] = "[server]\n"
                                "listen = 127.0.0.1:0, unix:web.sock\n"
                                "workers = 3\n"
                                "plugin_dir = plugins\n"
                                "run_dir = ./run\n"
                                "user = root\n"
                                "proxies = 10.0.0.0/8, unix\n"
                                "drain = 7s\n"
                                "watch = yes\n"
                                "[tls]\n"
                                "cert = cert.pem\n"
                                "key = key.pem\n"
                                "min_version = 1.3\n"
                                "[log]\n"
                                "level = debug\n"
                                "file = patchbay.log\n"
                                "format = json\n"
                                "access = yes\n"
                                "trace = yes\n"
                                "[limits]\n"
                                "max_message = 2m\n"
                                "send_queue = 3m\n"
                                "slow_peer = drop\n"
                                "handshake = 4s\n"
                                "ping = 5s\n"
                                "ping_wait = 6s\n"
                                "idle = 7s\n"
                                "connections = 8\n"
                                "slow_hook = 9ms\n"
                                "jobs = 10\n"
                                "origins = https://a.org\n"
                                "[http]\n"
                                "root = www\n"
                                "health = /health\n"
                                "metrics = /metrics\n"
                                "[plugin.chat]\n"
                                "history = 1\n"
                                "[route.a]\n"
                                "path = /a/*\n"
                                "plugin = chat\n"
                                "on_reload = drain\n"
                                "max_message = 12m\n"
                                "send_queue = 13m\n"
                                "slow_peer = close\n"
                                "ping = 15s\n"
                                "ping_wait = 16s\n"
                                "idle = 17s\n"
                                "connections = 18\n"
                                "slow_hook = 19ms\n"
                                "origins = *\n"
                                "chat.history = 2\n";

static void check_server(const struct conf *conf)
{
    struct sockaddr_un addr;
    struct sockaddr_storage peer = { .ss_family = AF_UNIX };

    assert_int_equal(conf->listen_count, 2);
    assert_int_equal(conf->listen[0].addr.ss_family, AF_INET);
    assert_int_equal(conf->listen[1].addr.ss_family, AF_UNIX);
    memcpy(&addr, &conf->listen[1].addr, sizeof addr);
    is_here(addr.sun_path, "web.sock");
    assert_int_equal(conf->workers, 3);
    is_here(conf->plugin_dir, "plugins");
    is_here(conf->run_dir, "run");
    assert_string_equal(conf->user, "root");
    assert_int_equal(conf->proxy_count, 2);
    assert_true(conf_net_match(conf->proxies, conf->proxy_count,
                               (const struct sockaddr *)&peer));
    assert_int_equal(conf->drain_ms, 7000);
    is_here(conf->tls_cert, "cert.pem");
    is_here(conf->tls_key, "key.pem");
    assert_int_equal(conf->tls_min_version, 13);
    assert_int_equal(conf->log_level, LOG_LEVEL_DEBUG);
    is_here(conf->log_file, "patchbay.log");
    assert_int_equal(conf->log_format, LOG_FORMAT_JSON);
    assert_true(conf->log_access);
    assert_true(conf->log_trace);
    assert_true(conf->watch);
    is_here(conf->http_root, "www");
    assert_string_equal(conf->http_health, "/health");
    assert_string_equal(conf->http_metrics, "/metrics");
}

static void check_limits(const struct conf *conf)
{
    const struct conf_limits *limits = &conf->limits;

    assert_int_equal(limits->max_message, 2 << 20);
    assert_int_equal(limits->send_queue, 3 << 20);
    assert_int_equal(limits->slow_peer, CONF_SLOW_DROP);
    assert_int_equal(limits->handshake_ms, 4000);
    assert_int_equal(limits->ping_ms, 5000);
    assert_int_equal(limits->ping_wait_ms, 6000);
    assert_int_equal(limits->idle_ms, 7000);
    assert_int_equal(limits->connections, 8);
    assert_int_equal(limits->slow_hook_ms, 9);
    assert_int_equal(conf->jobs, 10);
    assert_int_equal(limits->origin_count, 1);
    assert_string_equal(limits->origins[0], "https://a.org");
    assert_int_equal(conf->plugins[0].options.count, 1);
}

static void check_route(const struct conf_route *route)
{
    const struct conf_limits *limits = &route->limits;

    assert_string_equal(route->path, "/a/*");
    assert_true(route->prefix);
    assert_int_equal(route->on_reload, CONF_RELOAD_DRAIN);
    is_here(route->plugin_file, "plugins/chat.so");
    assert_int_equal(limits->max_message, 12 << 20);
    assert_int_equal(limits->send_queue, 13 << 20);
    assert_int_equal(limits->slow_peer, CONF_SLOW_CLOSE);
    assert_int_equal(limits->ping_ms, 15000);
    assert_int_equal(limits->ping_wait_ms, 16000);
    assert_int_equal(limits->idle_ms, 17000);
    assert_int_equal(limits->connections, 18);
    assert_int_equal(limits->slow_hook_ms, 19);
    assert_string_equal(limits->origins[0], "*");
    assert_int_equal(route->options.count, 1);
    assert_string_equal(route->options.list[0].value, "2");
}

static void all_keys(void **state)
{
    struct conf *conf;

    (void)state;
    make_file("cert.pem");
    make_file("key.pem");
    assert_int_equal(mkdir("www", 0700), 0);
    conf = ini_file_load(every_key);
    check_server(conf);
    check_limits(conf);
    check_route(&conf->routes[0]);
    conf_free(conf);
    unlink("cert.pem");
    unlink("key.pem");
    rmdir("www");
}

/* Not that of the process; and whether the file is named with or without one */
static void folder_of_the_file(void **state)
{
    struct problems problems = { 0 };
    struct conf *conf;
    char file[100];

    (void)state;
    ini_file_write("[server]\nrun_dir = ../run\n");
    snprintf(file, sizeof file, "%s/" INI_FILE, ini_folder);
    assert_int_equal(chdir("/"), 0);
    conf = conf_load(file, &problems);
    assert_int_equal(chdir(ini_folder), 0);
    said(&problems, "");
    assert_string_equal(conf->file, file);
    assert_string_equal(conf->run_dir, "/tmp/run");
    conf_free(conf);
    conf = conf_load("./" INI_FILE, &problems);
    said(&problems, "");
    assert_string_equal(conf->run_dir, "/tmp/run");
    conf_free(conf);
}

/* The file that comes along */
static void the_demo(void **state)
{
    struct problems problems = { 0 };
    struct conf *conf = conf_load(SOURCE_DIR "/etc/patchbay.ini", &problems);

    (void)state;
    said(&problems, "");
    assert_true(conf->route_count >= 3);
    assert_string_equal(conf->plugin_dir, SOURCE_DIR "/build/plugins");
    conf_free(conf);
}

/* ---- what is wrong ----------------------------------------------------- */

struct wrong {
    const char *text;
    const char *says;
};

#define FORMS                                                                \
    "an address is NAME:PORT, IPV4:PORT, [IPV6]:PORT or unix:PATH, such as " \
    "localhost:9501, 0.0.0.0:9501, [::]:9501, unix:/run/x.sock"
#define SECTIONS                                                       \
    "unknown section, there are [server], [tls], [certificate.NAME], " \
    "[log], [limits], [http], [cluster], [plugin.NAME] and [route.NAME]"

#define OPTIONS ", and options of its plugin as PLUGIN.KEY"
#define IN_ROUTE                                                           \
    "max_message, fragments, rate, burst, rate_bytes, burst_bytes, "       \
    "over_rate, send_queue, slow_peer, compress, compress_ratio, ping, "   \
    "ping_wait, idle, connections, per_address, slow_hook, hook_timeout, " \
    "origins, path, plugin, on_reload, history and history_for" OPTIONS

static const struct wrong names[] = {
    { "[servr]\n",
      "p.ini:1: [servr]: unknown section, did you mean [server]?\n" },
    { "[database]\n", "p.ini:1: [database]: " SECTIONS "\n" },
    { "[route]\n",
      "p.ini:1: [route]: unknown section, did you mean [route.NAME]?\n" },
    { "[routes.chat]\n",
      "p.ini:1: [routes.chat]: unknown section, did you mean [route.chat]?\n" },
    { "[route chat]\n",
      "p.ini:1: [route chat]: unknown section, did you mean [route.chat]?\n" },
    { "[server]\n\nlisen = x\n",
      "p.ini:3: [server] lisen: unknown key, did you mean \"listen\"?\n" },
    { "[log]\nsqueeze = yes\n",
      "p.ini:2: [log] squeeze: unknown key, [log] has level, file, format, "
      "access, trace, crash_reports and crash_messages\n" },
    { "[server]\nmax_message = 1m\n",
      "p.ini:2: [server] max_message: unknown key here, it belongs in [limits] "
      "or in a route\n" },
    { "[server]\ncert = x\n",
      "p.ini:2: [server] cert: unknown key here, it belongs in [tls]\n" },
    { "[limits]\npath = /x\n", "p.ini:2: [limits] path: unknown key here, it "
                               "belongs in [route.NAME]\n" },
    { ROUTE "[route.b]\npath = /b\nplugin = echo\njobs = 3\n",
      "p.ini:8: [route.b] jobs: unknown key here, it belongs in [limits]\n" },
    { ROUTE "[route.b]\npath = /b\nplugin = echo\nhandshake = 3s\n",
      "p.ini:8: [route.b] handshake: unknown key here, it belongs in "
      "[limits]\n" },
    { ROUTE "[route.b]\npath = /b\nplugin = echo\nmax_mesage = 3\n",
      "p.ini:8: [route.b] max_mesage: unknown key, did you mean "
      "\"max_message\"?\n" },
    { ROUTE "[route.b]\npath = /b\nplugin = echo\nstorage = 3\n",
      "p.ini:8: [route.b] storage: unknown key, [route.b] has " IN_ROUTE "\n" },
};

static const struct wrong values[] = {
    { "[limits]\njobs = many\n",
      "p.ini:2: [limits] jobs: \"many\" is not a number, allowed is from 1 to "
      "64\n" },
    { "[limits]\nmax_message = 1mb\n",
      "p.ini:2: [limits] max_message: \"1mb\" is not a size such as 512, 64k, "
      "16m or 1g, allowed is from 1 to 1g, did you mean \"1m\"?\n" },
    { "[server]\ndrain = 30\n",
      "p.ini:2: [server] drain: \"30\" is not a time such as 250ms, 30s, 5m or "
      "1h, allowed is 0 or from 100ms to 1h, did you mean \"30s\"?\n" },
    { "[log]\naccess = some\n",
      "p.ini:2: [log] access: \"some\" is neither yes nor no, allowed is yes "
      "or no\n" },
    { "[limits]\nsend_queue = 1k\n",
      "p.ini:2: [limits] send_queue: \"1k\" is out of range, allowed is from "
      "4k to 1g\n" },
    { "[server]\nworkers = 0\n",
      "p.ini:2: [server] workers: \"0\" is out of range, allowed is auto, or "
      "from 1 to 128\n" },
    { "[limits]\nidle = 500ms\n",
      "p.ini:2: [limits] idle: \"500ms\" is out of range, allowed is 0 or from "
      "1s to 30d\n" },
    { "[limits]\nping =\n",
      "p.ini:2: [limits] ping: is empty, allowed is 0 or from 1s to 1h\n" },
    { "[limits]\nslow_peer = clos\n",
      "p.ini:2: [limits] slow_peer: \"clos\" is unknown, allowed is close or "
      "drop, did you mean \"close\"?\n" },
    { "[log]\nlevel = Warn\n",
      "p.ini:2: [log] level: \"Warn\" is unknown, allowed is error, warn, info "
      "or debug, did you mean \"warn\"?\n" },
    { "[log]\nformat = xml\n",
      "p.ini:2: [log] format: \"xml\" is unknown, allowed is text or json\n" },
    { "[tls]\nmin_version = 1.0\n",
      "p.ini:2: [tls] min_version: \"1.0\" is unknown, allowed is 1.2 or 1.3, "
      "did you mean \"1.2\"?\n" },
    { "[route.a]\npath = /a\nplugin = echo\non_reload = keep\n",
      "p.ini:4: [route.a] on_reload: \"keep\" is unknown, allowed is migrate, "
      "drain or close\n" },
    { "[server]\nlisten = 9501\n",
      "p.ini:2: [server] listen: \"9501\" is no address to listen on; " FORMS
      "; did you mean \"localhost:9501\"?\n" },
    { "[server]\nlisten = 127.0.0.1:99999\n",
      "p.ini:2: [server] listen: \"127.0.0.1:99999\" has no port from 0 to "
      "65535; " FORMS "\n" },
    { "[server]\nproxies = 10.0.0.0/40\n",
      "p.ini:2: [server] proxies: \"10.0.0.0/40\": behind the / stands a "
      "number from 0 to 32\n" },
    { "[server]\nuser = nobody-at-all\n",
      "p.ini:2: [server] user: \"nobody-at-all\" is not a user of this "
      "machine\n" },
    { "[server]\nrun_dir = /run/"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xx"
      "xxxx\n",
      "p.ini:2: [server] run_dir: /run/"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xx"
      "xxxx has 83 bytes, too long for the sockets in it, allowed are 82\n" },
    { "[limits]\norigins = example.org\n",
      "p.ini:2: [limits] origins: \"example.org\" is no origin, such as "
      "https://example.org or http://localhost:8080, and not * for any, did "
      "you mean \"https://example.org\"?\n" },
    { "[route.a]\npath = /a\nplugin = echo\norigins = https://a.org/\n",
      "p.ini:4: [route.a] origins: \"https://a.org/\": an origin ends with the "
      "host or port, did you mean \"https://a.org\"?\n" },
    { "[http]\nroot = /nowhere/www\n",
      "p.ini:2: [http] root: /nowhere/www does not exist\n" },
    { "[http]\nhealth = up\n",
      "p.ini:2: [http] health: \"up\" does not start with a /, did you mean "
      "\"/up\"?\n" },
};

static const struct wrong lines[] = {
    { "[log]\nlevel = info\nlevel = warn\n",
      "p.ini:3: [log] level: duplicate key, first on line 2\n" },
    { "[log]\n\n[log]\n",
      "p.ini:3: [log]: duplicate section, first on line 1\n" },
    { "[log]\nlevel info\n",
      "p.ini:2: [log]: no \"=\" in \"level info\", a line is key = value\n" },
    { "[log]\nfile = \"a b\n",
      "p.ini:2: [log] file: the quote \" is not closed on this line\n" },
    { "[log]\nfile = /a#b\n",
      "p.ini:2: [log] file: the # cuts the value to \"/a\"; write \"/a#b\" "
      "with quotes, or a blank on both sides of the # if a comment starts "
      "there\n" },
    { "[log\nlevel = info\n", "p.ini:1: [log]: \"]\" is missing\n" },
    { "level = info\n", "p.ini:1: level: a key before the first [section]\n" },
    { "[log]\nfile = \"a\" b\n",
      "p.ini:2: [log] file: text behind the closing quote: b; quote the value "
      "as a whole, with the other kind of quote if it holds one\n" },
    { "[log]\nlevel = info \\",
      "p.ini:2: [log]: the last line ends in \"\\\" and would be lost\n" },
    { "\xef\xbb\xbf[log]\n",
      "p.ini:1: the file starts with a byte order mark; save it as UTF-8 "
      "without one\n" },
    { "[log]\nfile = \x1b[31m\n",
      "p.ini:2: [log]: a control character, 0x1b, at byte 8\n" },
};

static const struct wrong routes[] = {
    { "[route.a]\npath = /x\nplugin = echo\n[route.b]\nplugin = echo\n"
      "path = /x\n",
      "p.ini:6: [route.b] path: \"/x\" is the path of [route.a], too (line "
      "2)\n" },
    { "[route.a]\nplugin = echo\n",
      "p.ini:1: [route.a] path: is missing, as in path = /echo\n" },
    { "[route.a]\npath = /a\n",
      "p.ini:1: [route.a] plugin: is missing, as in plugin = echo\n" },
    { "[route.a]\npath = a\nplugin = echo\n",
      "p.ini:2: [route.a] path: \"a\" does not start with a /, did you mean "
      "\"/a\"?\n" },
    { "[route.a]\npath = /a*\nplugin = echo\n",
      "p.ini:2: [route.a] path: \"/a*\": a * stands only at the end, behind a "
      "/, as in /rooms/*\n" },
    { "[route.my chat]\npath = /a\nplugin = echo\n",
      "p.ini:1: [route.my chat]: \"my chat\" is not a name, which has 1 to 63 "
      "lower case letters, digits, _ and -\n" },
    { "[route.]\npath = /a\nplugin = echo\n",
      "p.ini:1: [route.]: \"\" is not a name, which has 1 to 63 lower case "
      "letters, digits, _ and -\n" },
    { "[route.Chat]\npath = /a\nplugin = echo\n",
      "p.ini:1: [route.chat]: names are lower case, write [route.chat]\n" },
    { "[route.a]\npath = /a\nplugin = echo.so\n",
      "p.ini:3: [route.a] plugin: \"echo.so\" is not the name of a plugin, "
      "which has 1 to 63 lower case letters, digits, _ and -, did you mean "
      "\"echo\"?\n" },
    { "[route.a]\npath = /a\nplugin = chat\nchta.history = 1\n",
      "p.ini:4: [route.a] chta.history: an option of another plugin, this "
      "route has plugin = chat, did you mean \"chat.history\"?\n" },
    { "[route.a]\npath = /a\nplugin = chat\nchat. = 1\n",
      "p.ini:4: [route.a] chat.: the name of the option is missing\n" },
    { ROUTE "[plugin.ecko]\nx = 1\n",
      "p.ini:5: [plugin.ecko]: no route has plugin = ecko, did you mean "
      "\"echo\"?\n" },
    { ROUTE "[plugin.chat]\n",
      "p.ini:5: [plugin.chat]: no route has plugin = chat\n" },
    { ROUTE "[plugin.echo]\necho.x = 1\n",
      "p.ini:6: [plugin.echo] echo.x: in this section without the \"echo.\", "
      "did you mean \"x\"?\n" },
    { ROUTE "[plugin.My]\n",
      "p.ini:5: [plugin.my]: names are lower case, write [plugin.my]\n"
      "p.ini:5: [plugin.my]: no route has plugin = my\n" },
    { ROUTE "[http]\nhealth = /echo\n",
      "p.ini:2: [route.echo] path: \"/echo\" is the path of [http] health, "
      "too\n" },
    { "[route.a]\npath = /-/metrics\nplugin = echo\n",
      "p.ini:2: [route.a] path: \"/-/metrics\" is the path of [http] metrics, "
      "too\n" },
    { "[http]\nhealth = /up\nmetrics = /up\n",
      "p.ini:3: [http] metrics: \"/up\" is the path of health, too\n" },
    { "[tls]\ncert = /etc/passwd\n",
      "p.ini:2: [tls] cert: needs the private key, too: key = FILE\n" },
    { "[tls]\nkey = /etc/passwd\n",
      "p.ini:2: [tls] key: needs the certificate, too: cert = FILE\n" },
    /* What follows from one fault is not another. */
    { "[route.a]\npath /a\nplugin = echo\n",
      "p.ini:2: [route.a]: no \"=\" in \"path /a\", a line is key = value\n" },
    { "[route.a]\npath = /a\nplugin = \"chat\n[plugin.chat]\n",
      "p.ini:3: [route.a] plugin: the quote \" is not closed on this line\n" },
    { "[tls]\ncert = \"x\nkey = /etc/passwd\n",
      "p.ini:2: [tls] cert: the quote \" is not closed on this line\n" },
};

static void refuse_all(const struct wrong *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ini_file_refuse(list[i].text, list[i].says);
    }
}

static void wrong_names(void **state)
{
    (void)state;
    refuse_all(names, sizeof names / sizeof *names);
}

static void wrong_values(void **state)
{
    (void)state;
    refuse_all(values, sizeof values / sizeof *values);
}

static void wrong_lines(void **state)
{
    (void)state;
    refuse_all(lines, sizeof lines / sizeof *lines);
}

static void wrong_routes(void **state)
{
    (void)state;
    refuse_all(routes, sizeof routes / sizeof *routes);
}

static void too_many_addresses(void **state)
{
    char text[1024] = "[server]\nlisten = 127.0.0.1:0";

    (void)state;
    for (int i = 0; i < CONF_MAX_LISTEN; i++) {
        strcat(text, ",127.0.0.1:0");
    }
    ini_file_refuse(text, "p.ini:2: [server] listen: more than 32 addresses\n");
}

static void no_file(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    assert_null(conf_load("nothing.ini", &problems));
    said(&problems,
         "nothing.ini: cannot be opened: No such file or directory\n");
    assert_null(conf_load("/tmp", &problems));
    said(&problems, "/tmp: is a folder, not a file\n");
}

static void all_at_once(void **state)
{
    (void)state;
    ini_file_refuse("[server]\n"
                    "workers = none\n"
                    "listen localhost:9501\n"
                    "[route.a]\n"
                    "path = /a\n"
                    "plugin = \"echo\n"
                    "[log]\n"
                    "levl = info\n"
                    "[route.b]\n"
                    "path = /a\n"
                    "[log]\n",
                    "p.ini:2: [server] workers: \"none\" is not a number, "
                    "allowed is auto, or from 1 to 128\n"
                    "p.ini:3: [server]: no \"=\" in \"listen localhost:9501\", "
                    "a line is key = value\n"
                    "p.ini:6: [route.a] plugin: the quote \" is not closed on "
                    "this line\n"
                    "p.ini:8: [log] levl: unknown key, did you mean "
                    "\"level\"?\n"
                    "p.ini:9: [route.b] plugin: is missing, as in plugin = "
                    "echo\n"
                    "p.ini:10: [route.b] path: \"/a\" is the path of "
                    "[route.a], too (line 5)\n"
                    "p.ini:11: [log]: duplicate section, first on line 7\n");
}

/* Problems of another file are kept, and are none of this one. */
static void adds_to_problems(void **state)
{
    struct problems problems = { 0 };
    struct conf *conf;

    (void)state;
    ini_file_write("");
    problems_add(&problems, "other", 1, NULL, NULL, "x");
    conf = conf_load(INI_FILE, &problems);
    assert_non_null(conf);
    conf_free(conf);
    ini_file_write("[route.a]\npath = /a\nplugin = echo\n");
    conf = conf_load(INI_FILE, &problems);
    assert_non_null(conf);
    assert_string_equal(conf->routes[0].plugin_file,
                        "/usr/lib/patchbay/echo.so");
    conf_free(conf);
    said(&problems, "other:1: x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(all_keys),
        cmocka_unit_test(folder_of_the_file),
        cmocka_unit_test(the_demo),
        cmocka_unit_test(wrong_names),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(wrong_lines),
        cmocka_unit_test(wrong_routes),
        cmocka_unit_test(too_many_addresses),
        cmocka_unit_test(no_file),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(adds_to_problems),
    };

    return cmocka_run_group_tests(tests, ini_file_set_up, ini_file_tear_down);
}
