/* test_headers.c - what a hook is told of a request: headers, query, address */
#include "net_rig.h"

#include "net/headers.h"

/* ---- what the http hook saw -------------------------------------------- */

static struct buf seen;
static const char *asked[4]; /* names of headers or parameters */

static int tell_headers(bay_route *route, bay_request *req)
{
    (void)route;
    for (size_t i = 0; i < 4 && asked[i] != NULL; i++) {
        const char *value = bay_req_header(req, asked[i]);

        buf_addf(&seen, "<%s>", value != NULL ? value : "none");
    }
    return bay_req_reply(req, 204, NULL, NULL, 0);
}

static int tell_queries(bay_route *route, bay_request *req)
{
    (void)route;
    for (size_t i = 0; i < 4 && asked[i] != NULL; i++) {
        const char *value = bay_req_query(req, asked[i]);

        buf_addf(&seen, "<%s>", value != NULL ? value : "none");
    }
    return bay_req_reply(req, 204, NULL, NULL, 0);
}

static int tell_request(bay_route *route, bay_request *req)
{
    (void)route;
    buf_addf(&seen, "%s %s %s", bay_req_method(req), bay_req_path(req),
             bay_req_remote(req));
    return bay_req_reply(req, 204, NULL, NULL, 0);
}

/* What the hook told of a request with these header lines. */
static const char *ask(const char *start, const char *headers)
{
    static char text[9000];
    char request[9000];

    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", start,
             headers);
    buf_clear(&seen);
    assert_int_equal(net_ask(request), 204);
    snprintf(text, sizeof text, "%s", seen.data);
    return text;
}

static void set_asked(const char *one, const char *two, const char *three,
                      const char *four)
{
    asked[0] = one;
    asked[1] = two;
    asked[2] = three;
    asked[3] = four;
}

static int teardown(void **state)
{
    buf_free(&seen);
    return net_teardown(state);
}

/* ---- headers ----------------------------------------------------------- */

static void in_any_case(void **state)
{
    (void)state;
    net_start_route("/a");
    script.on_http = tell_headers;
    set_asked("Host", "USER-AGENT", "x-own", "X-OWN");
    assert_string_equal(ask("GET /a", "user-agent: one\r\nX-Own: two \r\n"),
                        "<x><one><two><two>");
    assert_string_equal(ask("GET /a", "USER-AGENT: One\r\nx-OWN:Two\r\n"),
                        "<x><One><Two><Two>");
    set_asked("X-Ow", "X-Own2", "X-Own:", "");
    assert_string_equal(ask("GET /a", "X-Own: two\r\n"),
                        "<none><none><none><none>");
    set_asked("user-agent:", "user", "get ", "http/1.1");
    assert_string_equal(ask("GET /a", "User-Agent: one\r\n"),
                        "<none><none><none><none>");
}

/* Names and values as long as may be, and an empty one. */
static void long_and_empty_ones(void **state)
{
    static char name[160], line[6000];

    (void)state;
    net_start_route("/a");
    script.on_http = tell_headers;
    set_asked("x-empty", "x-long", NULL, NULL);
    snprintf(line, sizeof line, "X-Empty:\r\nX-Long: %05000d\r\n", 7);
    assert_int_equal(strlen(ask("GET /a", line)), 2 + 5002);
    for (int len = 120; len < 150; len += 28) {
        memset(name, 'n', (size_t)len);
        name[len] = '\0';
        snprintf(line, sizeof line, "%s: v\r\n", name);
        set_asked(name, NULL, NULL, NULL);
        assert_string_equal(ask("GET /a", line), len < 127 ? "<v>" : "<none>");
    }
}

static void cookies_are_joined(void **state)
{
    (void)state;
    net_start_route("/a");
    script.on_http = tell_headers;
    set_asked("cookie", NULL, NULL, NULL);
    assert_string_equal(ask("GET /a", "Cookie: a=1; b=2\r\n"), "<a=1; b=2>");
    assert_string_equal(ask("GET /a",
                            "Cookie: a=1; b=2\r\nX-Y: z\r\nCookie: c=3\r\n"
                            "cookie: d=4; e=5\r\n"),
                        "<a=1; b=2; c=3; d=4; e=5>");
}

/* libwebsockets 4.1.6 takes a header whose name begins that of one it knows,
 * such as X-Forwarded-For, for a part of the name of the next: both are lost.
 * Should this fail one day, host/doc/design.md can be shorter. */
static void the_beginning_of_a_known_name(void **state)
{
    (void)state;
    net_start_route("/a");
    script.on_http = tell_headers;
    set_asked("x-auth", "cookie", "accept", NULL);
    assert_string_equal(ask("GET /a", "X-Auth: 1\r\nCookie: a=1\r\n"
                                      "Accept: b\r\n"),
                        "<none><none><b>");
}

static void lists(void **state)
{
    (void)state;
    assert_true(headers_list_has("Upgrade", "upgrade"));
    assert_true(headers_list_has("keep-alive, upgrade", "upgrade"));
    assert_true(headers_list_has(" ,\tUPGRADE,", "upgrade"));
    assert_false(headers_list_has("", "upgrade"));
    assert_false(headers_list_has("up, upgrades, xupgrade", "upgrade"));
}

/* ---- query and path ---------------------------------------------------- */

static void queries_are_decoded(void **state)
{
    static const struct {
        const char *query, *told; /* of a, b, c and "d e" */
    } cases[] = {
        { "", "<none><none><none><none>" },
        { "?", "<none><none><none><none>" },
        { "?a=1&b=2&c=3&d%20e=4", "<1><2><3><4>" },
        { "?a&b=&c=c=d&%64+e", "<><><c=d><>" },
        { "?a=%41%C3%A4%26b%3D2&c=x%20y", "<A\xc3\xa4&b=2><none><x y><none>" },
        { "?a=1&&b=2&", "<1><2><none><none>" },
        { "?a=1&a=2", "<1><none><none><none>" },
        { "?aa=1&xb=2", "<none><none><none><none>" },
    };
    char start[100];

    (void)state;
    net_start_route("/a");
    script.on_http = tell_queries;
    set_asked("a", "b", "c", "d e");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(start, sizeof start, "GET /a%s", cases[i].query);
        assert_string_equal(ask(start, ""), cases[i].told);
    }
}

/* One parameter may have all the room that headers have. */
static void a_long_query(void **state)
{
    static char start[8000];

    (void)state;
    net_start_route("/a");
    script.on_http = tell_queries;
    set_asked("a", "long", "z", NULL);
    snprintf(start, sizeof start, "GET /a?a=1&long=%07000d&z=2", 7);
    assert_int_equal(strlen(ask(start, "")), 3 + 7002 + 3);
}

static void paths_are_decoded(void **state)
{
    (void)state;
    net_start_route("/a/*");
    script.on_http = tell_request;
    assert_string_equal(ask("GET /a/b%20c%2Fd?x", ""),
                        "GET /a/b c/d 127.0.0.1");
    assert_string_equal(ask("GET /x/../a/./b//c", ""), "GET /a/b/c 127.0.0.1");
    assert_string_equal(ask("DELETE /a/", ""), "DELETE /a/ 127.0.0.1");
    assert_string_equal(ask("OPTIONS /a/", ""), "OPTIONS /a/ 127.0.0.1");
    assert_string_equal(ask("PATCH /a/", "Content-Length: 0\r\n"),
                        "PATCH /a/ 127.0.0.1");
}

static void methods_nobody_knows(void **state)
{
    static const char *const lines[] = { "TRACE /a", "BREW /a" };
    char request[100];

    (void)state;
    net_start_route("/a");
    script.on_http = tell_request;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\n\r\n",
                 lines[i]);
        assert_int_equal(net_ask(request), 501);
        assert_int_equal(answer.minor, 1);
    }
    assert_int_equal(net_get("/a"), 204);
}

/* ---- addresses --------------------------------------------------------- */

static void net_of(struct conf_net *out, int family, const char *text,
                   unsigned prefix)
{
    out->family = family;
    out->prefix = prefix;
    assert_int_equal(inet_pton(family, text, out->addr), 1);
}

static void addresses_told_by_proxies(void **state)
{
    static const struct {
        const char *forwarded, *remote;
    } cases[] = {
        { NULL, "127.0.0.1" },
        { "198.51.100.7", "198.51.100.7" },
        { "203.0.113.9, 198.51.100.7", "198.51.100.7" },
        { "198.51.100.7, 127.0.0.9", "198.51.100.7" },
        { "198.51.100.7 , 127.0.0.9 ,127.0.0.8", "198.51.100.7" },
        { "127.0.0.9", "127.0.0.9" },
        { "198.51.100.7:1234", "198.51.100.7" },
        { "2001:db8::1", "2001:db8::1" },
        { "[2001:db8::1]:443", "2001:db8::1" },
        { "198.51.100.7, 2001:db8:f::2", "198.51.100.7" },
        { "::ffff:198.51.100.7", "198.51.100.7" },
        { "unknown", "127.0.0.1" },
        { "198.51.100.7, _hidden", "127.0.0.1" },
        { "198.51.100.7, _hidden, 127.0.0.9", "127.0.0.9" },
        { "", "127.0.0.1" },
        { ",,", "127.0.0.1" },
        { "[", "127.0.0.1" },
    };
    static struct conf_net proxies[2];

    (void)state;
    net_of(&proxies[0], AF_INET, "127.0.0.0", 8);
    net_of(&proxies[1], AF_INET6, "2001:db8:f::", 48);
    net.conf.proxies = proxies;
    net.conf.proxy_count = 2;
    net_start_route("/a");
    script.on_http = tell_request;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[200] = "", told[100];

        if (cases[i].forwarded != NULL) {
            snprintf(line, sizeof line, "X-Forwarded-For: %s\r\n",
                     cases[i].forwarded);
        }
        snprintf(told, sizeof told, "GET /a %s", cases[i].remote);
        assert_string_equal(ask("GET /a", line), told);
    }
    /* two headers are one list */
    assert_string_equal(ask("GET /a", "X-Forwarded-For: 198.51.100.7\r\n"
                                      "X-Forwarded-For: 127.0.0.9\r\n"),
                        "GET /a 198.51.100.7");
}

static void nobody_is_believed_without_proxies(void **state)
{
    static struct conf_net proxies[1];

    (void)state;
    net_start_route("/a");
    script.on_http = tell_request;
    assert_string_equal(ask("GET /a", "X-Forwarded-For: 198.51.100.7\r\n"),
                        "GET /a 127.0.0.1");
    net_of(&proxies[0], AF_INET, "10.0.0.0", 8); /* another one */
    net.conf.proxies = proxies;
    net.conf.proxy_count = 1;
    assert_string_equal(ask("GET /a", "X-Forwarded-For: 198.51.100.7\r\n"),
                        "GET /a 127.0.0.1");
}

static void the_peer_of_an_ipv6_socket(void **state)
{
    static const int off = 0;
    struct sockaddr_in6 addr = { .sin6_family = AF_INET6 };
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in mapped = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof addr;
    struct client client;

    (void)state;
    if (fd < 0) {
        skip();
    }
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        close(fd);
        skip();
    }
    net_listen_on(fd, false);
    net_start_route("/a");
    script.on_http = tell_request;
    getsockname(fd, (struct sockaddr *)&addr, &len);
    mapped.sin_port = addr.sin6_port;
    client_connect_to(&client, (struct sockaddr *)&mapped, sizeof mapped);
    client_say(&client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer(&client), 204);
    assert_string_equal(seen.data, "GET /a 127.0.0.1");
    client_leave(&client);
}

#define HEADERS_TEST(f) cmocka_unit_test_setup_teardown(f, net_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEADERS_TEST(in_any_case),
        HEADERS_TEST(long_and_empty_ones),
        HEADERS_TEST(cookies_are_joined),
        HEADERS_TEST(the_beginning_of_a_known_name),
        cmocka_unit_test(lists),
        HEADERS_TEST(queries_are_decoded),
        HEADERS_TEST(a_long_query),
        HEADERS_TEST(paths_are_decoded),
        HEADERS_TEST(methods_nobody_knows),
        HEADERS_TEST(addresses_told_by_proxies),
        HEADERS_TEST(nobody_is_believed_without_proxies),
        HEADERS_TEST(the_peer_of_an_ipv6_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
