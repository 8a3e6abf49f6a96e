/* test_endpoints.c - addresses to listen on, and those of trusted proxies */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "conf/endpoints.h"

#define FORMS                                                                \
    "an address is NAME:PORT, IPV4:PORT, [IPV6]:PORT or unix:PATH, such as " \
    "localhost:9501, 0.0.0.0:9501, [::]:9501, unix:/run/x.sock"

static void free_conf(struct conf *conf)
{
    for (size_t i = 0; i < conf->listen_count; i++) {
        free(conf->listen[i].text);
    }
    free(conf->proxies);
    free(conf);
}

static struct conf *new_conf(void)
{
    struct conf *conf = calloc(1, sizeof *conf);

    assert_non_null(conf);
    return conf;
}

static struct conf *listens(const char *text)
{
    struct conf *conf = new_conf();
    struct buf why = { 0 };
    int result = endpoints_parse_listen(conf, text, "/etc", &why);

    if (result != 0) {
        print_error("%s\n", why.data);
    }
    assert_int_equal(result, 0);
    assert_int_equal(why.len, 0);
    return conf;
}

static void refuses(const char *text, const char *expected)
{
    struct conf *conf = new_conf();
    struct buf why = { 0 };

    assert_int_equal(endpoints_parse_listen(conf, text, "/etc", &why), -1);
    assert_string_equal(why.data, expected);
    free_conf(conf);
    buf_free(&why);
}

static void is_v4(const struct conf_listen *listen, const char *ip, int port)
{
    const struct sockaddr_in *addr = (const void *)&listen->addr;
    struct in_addr expected;

    assert_int_equal(inet_pton(AF_INET, ip, &expected), 1);
    assert_int_equal(addr->sin_family, AF_INET);
    assert_int_equal(addr->sin_addr.s_addr, expected.s_addr);
    assert_int_equal(ntohs(addr->sin_port), port);
    assert_int_equal(listen->addr_len, sizeof *addr);
    assert_false(listen->optional);
}

static void is_v6(const struct conf_listen *listen, const char *ip, int port)
{
    const struct sockaddr_in6 *addr = (const void *)&listen->addr;
    struct in6_addr expected;

    assert_int_equal(inet_pton(AF_INET6, ip, &expected), 1);
    assert_int_equal(addr->sin6_family, AF_INET6);
    assert_memory_equal(&addr->sin6_addr, &expected, 16);
    assert_int_equal(ntohs(addr->sin6_port), port);
    assert_int_equal(listen->addr_len, sizeof *addr);
}

static void is_unix(const struct conf_listen *listen, const char *path)
{
    const struct sockaddr_un *addr = (const void *)&listen->addr;

    assert_int_equal(addr->sun_family, AF_UNIX);
    assert_string_equal(addr->sun_path, path);
    assert_int_equal(listen->addr_len,
                     offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static void forms(void **state)
{
    struct conf *conf = listens("0.0.0.0:9501, [::]:80 ,127.0.0.1:0,[::1]:1, "
                                "unix:/run/x.sock, unix:../run/y");

    (void)state;
    assert_int_equal(conf->listen_count, 6);
    is_v4(&conf->listen[0], "0.0.0.0", 9501);
    is_v6(&conf->listen[1], "::", 80);
    assert_false(conf->listen[1].optional);
    is_v4(&conf->listen[2], "127.0.0.1", 0);
    is_v6(&conf->listen[3], "::1", 1);
    is_unix(&conf->listen[4], "/run/x.sock");
    is_unix(&conf->listen[5], "/run/y");
    assert_string_equal(conf->listen[0].text, "0.0.0.0:9501");
    assert_string_equal(conf->listen[5].text, "unix:../run/y");
    free_conf(conf);
}

/* Machines differ in whether localhost has an IPv6 address. */
static void a_name(void **state)
{
    struct conf *conf = listens("localhost:9501");

    (void)state;
    assert_in_range(conf->listen_count, 1, 2);
    is_v4(&conf->listen[0], "127.0.0.1", 9501);
    if (conf->listen_count == 2) {
        is_v6(&conf->listen[1], "::1", 9501);
        assert_true(conf->listen[1].optional);
        assert_string_equal(conf->listen[1].text, "localhost:9501");
    }
    free_conf(conf);
}

/* So the name "both" is made up, with two addresses of each family. */
static struct sockaddr_in6 both_v6[2] = {
    { .sin6_family = AF_INET6, .sin6_addr.s6_addr = { [15] = 1 } },
    { .sin6_family = AF_INET6, .sin6_addr.s6_addr = { [15] = 2 } }
};
static struct sockaddr_in both_v4[2] = { { .sin_family = AF_INET },
                                         { .sin_family = AF_INET } };
static struct addrinfo both[4];

int getaddrinfo(const char *name, const char *service,
                const struct addrinfo *req, struct addrinfo **pai)
{
    int (*real)(const char *, const char *, const struct addrinfo *,
                struct addrinfo **);

    if (name == NULL || strcmp(name, "both") != 0) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(name, service, req, pai);
    }
    for (unsigned i = 0; i < 4; i++) {
        bool v6 = i % 2 == 0;

        both_v6[i / 2].sin6_port = htons((uint16_t)atoi(service));
        both_v4[i / 2].sin_port = htons((uint16_t)atoi(service));
        both_v4[i / 2].sin_addr.s_addr = htonl(INADDR_LOOPBACK + i / 2);
        both[i].ai_family = v6 ? AF_INET6 : AF_INET;
        both[i].ai_addr = v6 ? (struct sockaddr *)&both_v6[i / 2]
                             : (struct sockaddr *)&both_v4[i / 2];
        both[i].ai_addrlen = v6 ? sizeof both_v6[0] : sizeof both_v4[0];
        both[i].ai_next = i == 3 ? NULL : &both[i + 1];
    }
    *pai = both;
    return 0;
}

void freeaddrinfo(struct addrinfo *ai)
{
    void (*real)(struct addrinfo *);

    if (ai != both) {
        *(void **)&real = dlsym(RTLD_NEXT, "freeaddrinfo");
        real(ai);
    }
}

/* One of each family, and a machine without IPv6 may go without that one. */
static void a_name_of_both_families(void **state)
{
    struct conf *conf = listens("both:80");

    (void)state;
    assert_int_equal(conf->listen_count, 2);
    is_v4(&conf->listen[0], "127.0.0.1", 80);
    is_v6(&conf->listen[1], "::1", 80);
    assert_true(conf->listen[1].optional);
    assert_string_equal(conf->listen[1].text, "both:80");
    free_conf(conf);
    refuses("both:80, [::1]:80",
            "\"[::1]:80\" is the same address as \"both:80\"");
}

static void several_free_ports(void **state)
{
    struct conf *conf = listens("127.0.0.1:0, 127.0.0.1:0");

    (void)state;
    assert_int_equal(conf->listen_count, 2);
    free_conf(conf);
}

static void bad_listen(void **state)
{
    (void)state;
    refuses("9501", "\"9501\" is no address to listen on; " FORMS
                    "; did you mean \"localhost:9501\"?");
    refuses("localhost", "\"localhost\" is no address to listen on; " FORMS
                         "; did you mean \"localhost:9501\"?");
    refuses("*:80", "\"*:80\" is no address to listen on; " FORMS
                    "; did you mean \"0.0.0.0:80\"?");
    refuses(":80", "\":80\" is no address to listen on; " FORMS
                   "; did you mean \"0.0.0.0:80\"?");
    refuses("::1", "\"::1\" is no address to listen on; " FORMS
                   "; did you mean \"[::1]:9501\"?");
    refuses("[::1]", "\"[::1]\" is no address to listen on; " FORMS);
    refuses("a:b:80", "\"a:b:80\" is no address to listen on; " FORMS);
    refuses("ws://localhost:80/x",
            "\"ws://localhost:80/x\" is no address to listen on; " FORMS
            "; did you mean \"localhost:80\"?");
    refuses("", "\"\" is no address to listen on; " FORMS);
    refuses("127.0.0.1:1,", "\"\" is no address to listen on; " FORMS);
    refuses("localhost:http",
            "\"localhost:http\" has no port from 0 to 65535; " FORMS);
    refuses("localhost:65536",
            "\"localhost:65536\" has no port from 0 to 65535; " FORMS);
    refuses("localhost:-1",
            "\"localhost:-1\" has no port from 0 to 65535; " FORMS);
    refuses("localhost:", "\"localhost:\" has no port from 0 to 65535; " FORMS);
    refuses("[localhost]:80",
            "\"[localhost]:80\" holds no IPv6 address; " FORMS);
    refuses("unix:", "\"unix:\" has no path; " FORMS);
}

static void unknown_name(void **state)
{
    struct conf *conf = new_conf();
    struct buf why = { 0 };

    (void)state;
    assert_int_equal(endpoints_parse_listen(conf, "no such name:1", "/", &why),
                     -1);
    assert_non_null(strstr(why.data, "\"no such name:1\": the name no such "
                                     "name has no address: "));
    free_conf(conf);
    buf_free(&why);
}

static void same_address(void **state)
{
    (void)state;
    refuses("127.0.0.1:80, 127.0.0.1:80",
            "\"127.0.0.1:80\" is the same address as \"127.0.0.1:80\"");
    refuses("localhost:80, 127.0.0.1:80",
            "\"127.0.0.1:80\" is the same address as \"localhost:80\"");
    refuses("unix:/a, unix:/a",
            "\"unix:/a\" is the same address as \"unix:/a\"");
}

static void long_unix_path(void **state)
{
    char text[130] = "unix:/";
    char expected[400];
    struct conf *conf;

    (void)state;
    memset(text + 6, 'x', 106);
    conf = listens(text);
    is_unix(&conf->listen[0], text + 5);
    free_conf(conf);
    text[112] = 'x';
    snprintf(expected, sizeof expected,
             "\"%s\" is too long for a Unix socket: %s has 108 bytes, the "
             "limit is 107",
             text, text + 5);
    refuses(text, expected);
}

static void too_many(void **state)
{
    struct buf text = { 0 };

    (void)state;
    for (int i = 0; i < CONF_MAX_LISTEN; i++) {
        buf_addf(&text, "%s127.0.0.1:%d", i == 0 ? "" : ",", 1000 + i);
    }
    free_conf(listens(text.data));
    buf_adds(&text, ",127.0.0.1:0");
    refuses(text.data, "more than 32 addresses");
    buf_free(&text);
}

/* ---- proxies ----------------------------------------------------------- */

static bool matches(const struct conf *conf, int family, const char *ip)
{
    struct sockaddr_storage addr = { .ss_family = (sa_family_t)family };

    if (family == AF_INET) {
        inet_pton(AF_INET, ip, &((struct sockaddr_in *)&addr)->sin_addr);
    } else if (family == AF_INET6) {
        inet_pton(AF_INET6, ip, &((struct sockaddr_in6 *)&addr)->sin6_addr);
    }
    return conf_net_match(conf->proxies, conf->proxy_count,
                          (const struct sockaddr *)&addr);
}

static struct conf *trusts(const char *text)
{
    struct conf *conf = new_conf();
    struct buf why = { 0 };

    assert_int_equal(endpoints_parse_proxies(conf, text, &why), 0);
    assert_int_equal(why.len, 0);
    return conf;
}

static void distrusts(const char *text, const char *expected)
{
    struct conf *conf = new_conf();
    struct buf why = { 0 };

    assert_int_equal(endpoints_parse_proxies(conf, text, &why), -1);
    assert_string_equal(why.data, expected);
    free_conf(conf);
    buf_free(&why);
}

static void networks(void **state)
{
    struct conf *conf =
        trusts("10.0.0.0/8, 192.168.7.9, 172.16.0.0/12, fd00::/9, ::1");

    (void)state;
    assert_int_equal(conf->proxy_count, 5);
    assert_true(matches(conf, AF_INET, "10.255.0.1"));
    assert_false(matches(conf, AF_INET, "11.0.0.0"));
    assert_true(matches(conf, AF_INET, "192.168.7.9"));
    assert_false(matches(conf, AF_INET, "192.168.7.8"));
    assert_true(matches(conf, AF_INET, "172.31.255.255"));
    assert_false(matches(conf, AF_INET, "172.32.0.0"));
    assert_true(matches(conf, AF_INET6, "fd7f::1"));
    assert_false(matches(conf, AF_INET6, "fd80::1"));
    assert_true(matches(conf, AF_INET6, "::1"));
    assert_false(matches(conf, AF_INET6, "::2"));
    /* An IPv4 peer of an IPv6 socket */
    assert_true(matches(conf, AF_INET6, "::ffff:10.1.2.3"));
    assert_false(matches(conf, AF_INET6, "::ffff:11.1.2.3"));
    assert_false(matches(conf, AF_UNIX, NULL));
    free_conf(conf);
}

static void everyone(void **state)
{
    struct conf *conf = trusts("0.0.0.0/0");

    (void)state;
    assert_true(matches(conf, AF_INET, "1.2.3.4"));
    assert_false(matches(conf, AF_INET6, "::1"));
    free_conf(conf);
}

static void unix_peers(void **state)
{
    struct conf *conf = trusts("unix");

    (void)state;
    assert_true(matches(conf, AF_UNIX, NULL));
    assert_false(matches(conf, AF_INET, "0.0.0.0"));
    free_conf(conf);
}

static void bad_networks(void **state)
{
#define NOT                                                         \
    " is no address, such as 10.0.0.1 or ::1, no network, such as " \
    "10.0.0.0/8 or fd00::/8, and not unix"
    (void)state;
    distrusts("10.0.0", "\"10.0.0\"" NOT);
    distrusts("localhost", "\"localhost\"" NOT);
    distrusts("[::1]", "\"[::1]\"" NOT);
    distrusts("::1,", "\"\"" NOT);
    distrusts("0123456789012345678901234567890123456789012345678",
              "\"0123456789012345678901234567890123456789012345678\"" NOT);
    distrusts("10.0.0.0/33",
              "\"10.0.0.0/33\": behind the / stands a number from 0 to 32");
    distrusts("::/129", "\"::/129\": behind the / stands a number from 0 to "
                        "128");
    distrusts("10.0.0.0/", "\"10.0.0.0/\": behind the / stands a number from "
                           "0 to 32");
    distrusts("10.1.2.3/9",
              "\"10.1.2.3/9\" is not the first address of its network, did you "
              "mean \"10.0.0.0/9\"?");
    distrusts("fe80::1/10",
              "\"fe80::1/10\" is not the first address of its network, did you "
              "mean \"fe80::/10\"?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(a_name),
        cmocka_unit_test(a_name_of_both_families),
        cmocka_unit_test(several_free_ports),
        cmocka_unit_test(bad_listen),
        cmocka_unit_test(unknown_name),
        cmocka_unit_test(same_address),
        cmocka_unit_test(long_unix_path),
        cmocka_unit_test(too_many),
        cmocka_unit_test(networks),
        cmocka_unit_test(everyone),
        cmocka_unit_test(unix_peers),
        cmocka_unit_test(bad_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
