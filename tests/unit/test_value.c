/* test_value.c - the text of a value: parsed, checked and put into the conf */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pwd.h>
#include <sched.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/origins.h"
#include "conf/value.h"

/* Where any key's value may go. A key finds its struct by its section. */
static struct {
    struct conf conf;
    struct conf_route route;
} to;

static void *base_of(const struct schema_key *key)
{
    if (strcmp(key->section, "route") == 0) {
        return &to.route;
    }
    return key->in_route ? (void *)&to.conf.limits : (void *)&to.conf;
}

static const struct schema_key *key_of(const char *section, const char *name)
{
    const struct schema_key *key = schema_find(section, name);

    assert_non_null(key);
    return key;
}

static void stores(const char *section, const char *name, const char *text)
{
    const struct schema_key *key = key_of(section, name);
    struct buf why = { 0 };
    int result = value_store(key, text, "/etc", base_of(key), &why);

    if (result != 0) {
        print_error("%s: %s\n", name, why.data);
    }
    assert_int_equal(result, 0);
    assert_int_equal(why.len, 0);
}

static void refuses(const char *section, const char *name, const char *text,
                    const char *expected)
{
    const struct schema_key *key = key_of(section, name);
    struct buf why = { 0 };

    assert_int_equal(value_store(key, text, "/etc", base_of(key), &why), -1);
    assert_string_equal(why.data, expected);
    buf_free(&why);
}

/* Frees a text that was stored, once it was seen to be what it should. */
static void takes(char **member, const char *expected)
{
    if (expected == NULL) {
        assert_null(*member);
        return;
    }
    assert_non_null(*member);
    assert_string_equal(*member, expected);
    free(*member);
    *member = NULL;
}

static void sizes(void **state)
{
    (void)state;
    stores("limits", "max_message", "16m");
    assert_int_equal(to.conf.limits.max_message, 16 << 20);
    stores("limits", "max_message", "1");
    stores("limits", "max_message", "1g");
    refuses("limits", "max_message", "0",
            "\"0\" is out of range, allowed is from 1 to 1g");
    refuses("limits", "max_message", "1073741825",
            "\"1073741825\" is out of range, allowed is from 1 to 1g");
    refuses("limits", "max_message", "99999999999999999999g",
            "\"99999999999999999999g\" is out of range, allowed is from 1 to "
            "1g");
    refuses("limits", "max_message", "1 MB",
            "\"1 MB\" is not a size such as 512, 64k, 16m or 1g, allowed is "
            "from 1 to 1g, did you mean \"1m\"?");
    refuses("limits", "max_message", "64KiB",
            "\"64KiB\" is not a size such as 512, 64k, 16m or 1g, allowed is "
            "from 1 to 1g, did you mean \"64k\"?");
    refuses("limits", "max_message", "b",
            "\"b\" is not a size such as 512, 64k, 16m or 1g, allowed is from "
            "1 to 1g");
    refuses("limits", "send_queue", "4095",
            "\"4095\" is out of range, allowed is from 4k to 1g");
    assert_int_equal(to.conf.limits.max_message, 1 << 30);
}

static void times(void **state)
{
    (void)state;
    stores("limits", "ping", "90s");
    assert_int_equal(to.conf.limits.ping_ms, 90000);
    stores("limits", "ping", "0");
    assert_int_equal(to.conf.limits.ping_ms, 0);
    stores("limits", "ping", "0s");
    refuses("limits", "ping", "999ms",
            "\"999ms\" is out of range, allowed is 0 or from 1s to 1h");
    refuses("limits", "ping", "2h",
            "\"2h\" is out of range, allowed is 0 or from 1s to 1h");
    refuses("limits", "ping", "25",
            "\"25\" is not a time such as 250ms, 30s, 5m or 1h, allowed is 0 "
            "or from 1s to 1h, did you mean \"25s\"?");
    refuses("limits", "ping", "25 S",
            "\"25 S\" is not a time such as 250ms, 30s, 5m or 1h, allowed is 0 "
            "or from 1s to 1h, did you mean \"25s\"?");
    refuses("limits", "handshake", "0",
            "\"0\" is out of range, allowed is from 100ms to 5m");
}

static void counts(void **state)
{
    (void)state;
    stores("limits", "connections", "500000");
    assert_int_equal(to.conf.limits.connections, 500000);
    stores("limits", "connections", "0");
    refuses("limits", "connections", "-1",
            "\"-1\" is out of range, allowed is 0 or from 1 to 10000000");
    refuses("limits", "jobs", "many",
            "\"many\" is not a number, allowed is from 1 to 64");
    refuses("limits", "jobs", "0x4",
            "\"0x4\" is not a number, allowed is from 1 to 64");
    refuses("limits", "jobs", "65",
            "\"65\" is out of range, allowed is from 1 to 64");
}

static void workers(void **state)
{
    cpu_set_t all;
    cpu_set_t one;
    size_t cpu = 0;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    stores("server", "workers", "auto");
    assert_int_equal(to.conf.workers, CPU_COUNT(&all));
    while (!CPU_ISSET(cpu, &all)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    stores("server", "workers", "auto");
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(to.conf.workers, 1);
    stores("server", "workers", "128");
    assert_int_equal(to.conf.workers, 128);
    refuses("server", "workers", "129",
            "\"129\" is out of range, allowed is auto, or from 1 to 128");
    refuses("server", "workers", "Auto",
            "\"Auto\" is not a number, allowed is auto, or from 1 to 128");
}

static void words(void **state)
{
    (void)state;
    stores("limits", "slow_peer", "drop");
    assert_int_equal(to.conf.limits.slow_peer, CONF_SLOW_DROP);
    stores("log", "level", "debug");
    assert_int_equal(to.conf.log_level, LOG_LEVEL_DEBUG);
    stores("tls", "min_version", "1.3");
    assert_int_equal(to.conf.tls_min_version, 13);
    stores("route", "on_reload", "drain");
    assert_int_equal(to.route.on_reload, CONF_RELOAD_DRAIN);
    refuses("log", "format", "jsn",
            "\"jsn\" is unknown, allowed is text or "
            "json, did you mean \"json\"?");
    refuses("log", "level", "loud",
            "\"loud\" is unknown, allowed is error, warn, info or debug");
}

static void bools(void **state)
{
    (void)state;
    stores("log", "access", "yes");
    assert_true(to.conf.log_access);
    stores("log", "access", "off");
    assert_false(to.conf.log_access);
    refuses("log", "access", "maybe",
            "\"maybe\" is neither yes nor no, allowed is yes or no");
}

static void paths(void **state)
{
    (void)state;
    stores("server", "plugin_dir", "../lib/");
    takes(&to.conf.plugin_dir, "/lib");
    stores("http", "root", "/tmp");
    takes(&to.conf.http_root, "/tmp");
    stores("http", "root", "");
    takes(&to.conf.http_root, NULL);
    refuses("http", "root", "/nowhere/www", "/nowhere/www does not exist");
    takes(&to.conf.http_root, NULL);
    refuses("http", "root", "passwd", "/etc/passwd is not a folder");
    takes(&to.conf.http_root, NULL);
    stores("tls", "cert", "passwd");
    takes(&to.conf.tls_cert, "/etc/passwd");
    refuses("tls", "cert", "none.pem", "/etc/none.pem does not exist");
    takes(&to.conf.tls_cert, NULL);
    refuses("tls", "cert", "..", "/ is a folder, not a file");
    refuses("tls", "cert", "/dev/null", "/dev/null is not a regular file");
    takes(&to.conf.tls_cert, NULL);
    refuses("server", "plugin_dir", "", "is empty");
    stores("log", "file", "-");
    takes(&to.conf.log_file, "-");
    stores("log", "file", "a.log");
    takes(&to.conf.log_file, "/etc/a.log");
}

/* With the longest name of a socket in it, 107 bytes */
static void run_dir(void **state)
{
    char path[90] = "/";
    char expected[300];

    (void)state;
    memset(path + 1, 'x', 81);
    stores("server", "run_dir", path);
    takes(&to.conf.run_dir, path);
    path[82] = 'x';
    snprintf(expected, sizeof expected,
             "%s has 83 bytes, too long for the sockets in it, allowed are 82",
             path);
    refuses("server", "run_dir", path, expected);
    takes(&to.conf.run_dir, NULL);
}

static void user(void **state)
{
    (void)state;
    stores("server", "user", "root");
    takes(&to.conf.user, "root");
    stores("server", "user", "");
    takes(&to.conf.user, NULL);
    refuses("server", "user", "nobody-at-all",
            "\"nobody-at-all\" is not a user of this machine");
    stores("server", "control_group", "root");
    takes(&to.conf.control_group, "root");
    stores("server", "control_group", "");
    takes(&to.conf.control_group, NULL);
    refuses("server", "control_group", "nobody-at-all",
            "\"nobody-at-all\" is not a group of this machine");
}

static void pages(void **state)
{
    (void)state;
    stores("http", "health", "/up");
    takes(&to.conf.http_health, "/up");
    stores("http", "health", "");
    takes(&to.conf.http_health, NULL);
    refuses("http", "health", "/up/*",
            "\"/up/*\": this page has one path, without a *");
    refuses("http", "health", "up",
            "\"up\" does not start with a /, did you mean \"/up\"?");
}

static void routes(void **state)
{
    static const char *const good[] = { "/",      "/chat", "/a/b-c.d/",
                                        "/a/*",   "/*",    "/caf\xc3\xa9",
                                        "/100%",  "/...",  "/a b",
                                        "/.well", "/a:b" };
    static const struct {
        const char *path;
        const char *why;
    } bad[] = {
        { "chat", "\"chat\" does not start with a /, did you mean \"/chat\"?" },
        { "/a?b", "\"/a?b\": a path has no query, plugins see it at open" },
        { "/a#b", "\"/a#b\": a path has no fragment, browsers do not send it" },
        { "/a*", "\"/a*\": a * stands only at the end, behind a /, as in "
                 "/rooms/*" },
        { "/*/a", "\"/*/a\": a * stands only at the end, behind a /, as in "
                  "/rooms/*" },
        { "/a/**", "\"/a/**\": a * stands only at the end, behind a /, as in "
                   "/rooms/*" },
        { "//", "\"//\": a path has no //, since requests arrive with a single "
                "/" },
        { "/a//b", "\"/a//b\": a path has no //, since requests arrive with a "
                   "single /" },
        { "/a/../b", "\"/a/../b\": a path has no . or .. between slashes, "
                     "since requests arrive without" },
        { "/.", "\"/.\": a path has no . or .. between slashes, since requests "
                "arrive without" },
        { "/a/..", "\"/a/..\": a path has no . or .. between slashes, since "
                   "requests arrive without" },
        { "/caf%C3%A9", "\"/caf%C3%A9\": write the character itself, requests "
                        "arrive decoded" },
        { "", "is empty" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        stores("route", "path", good[i]);
        takes(&to.route.path, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refuses("route", "path", bad[i].path, bad[i].why);
    }
}

static void plugins(void **state)
{
#define RULE                                                               \
    " is not the name of a plugin, which has 1 to 63 lower case letters, " \
    "digits, _ and -"
    (void)state;
    stores("route", "plugin", "my-chat_2");
    takes(&to.route.plugin, "my-chat_2");
    refuses("route", "plugin", "Chat",
            "\"Chat\"" RULE ", did you mean \"chat\"?");
    refuses("route", "plugin", "/usr/lib/patchbay/chat.so",
            "\"/usr/lib/patchbay/chat.so\"" RULE ", did you mean \"chat\"?");
    refuses("route", "plugin", "a b", "\"a b\"" RULE);
    refuses("route", "plugin", "", "is empty");
}

static void empty_values(void **state)
{
    (void)state;
    refuses("limits", "ping", "", "is empty, allowed is 0 or from 1s to 1h");
    refuses("log", "level", "",
            "is empty, allowed is error, warn, info or debug");
    refuses("server", "listen", "", "is empty");
    stores("server", "proxies", "");
    stores("limits", "origins", "");
}

static void lists(void **state)
{
    (void)state;
    stores("server", "listen", "127.0.0.1:1");
    assert_int_equal(to.conf.listen_count, 1);
    free(to.conf.listen[0].text);
    stores("server", "proxies", "unix");
    assert_int_equal(to.conf.proxy_count, 1);
    free(to.conf.proxies);
    stores("limits", "origins", "*");
    assert_int_equal(to.conf.limits.origin_count, 1);
    origins_free(&to.conf.limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),        cmocka_unit_test(times),
        cmocka_unit_test(counts),       cmocka_unit_test(workers),
        cmocka_unit_test(words),        cmocka_unit_test(bools),
        cmocka_unit_test(paths),        cmocka_unit_test(run_dir),
        cmocka_unit_test(user),         cmocka_unit_test(pages),
        cmocka_unit_test(routes),       cmocka_unit_test(plugins),
        cmocka_unit_test(empty_values), cmocka_unit_test(lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
