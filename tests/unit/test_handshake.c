/* test_handshake.c - who may upgrade, and what those hear who may not */
#include "net_rig.h"

#include "net/handshake.h"

/* ---- origins ----------------------------------------------------------- */

static void origins_of_the_same_host(void **state)
{
    static const struct {
        const char *origin, *host;
        bool allowed;
    } cases[] = {
        /* scheme, case, port */
        { "http://example.org", "example.org", true },
        { "https://example.org", "example.org", true },
        { "HTTP://Example.ORG", "example.org", true },
        { "http://example.org:9501", "example.org:9501", true },
        { "http://example.org:80", "example.org", true },
        { "http://example.org", "example.org:80", true },
        { "https://example.org:443", "example.org", true },
        { "https://example.org", "example.org:443", true },
        { "http://[::1]:9501", "[::1]:9501", true },
        { "http://[::1]", "[::1]:80", true },
        { "http://example.org", "example.org:9501", false },
        { "http://example.org:9501", "example.org", false },
        { "http://example.org:443", "example.org", false },
        { "https://example.org:80", "example.org", false },
        { "http://example.org", "example.com", false },
        { "http://example.org.evil.org", "example.org", false },
        { "http://evil.org/example.org", "example.org", false },
        { "http://evil.org/://example.org", "example.org", false },
        { "http://example.or", "example.org", false },
        { "http://", "example.org", false },
        { "http://", "", false },
        { "null", "null", false },
        { "example.org", "example.org", false },
        { "", "", false },
        /* a name with a dot at its end is another origin, in both places */
        { "http://example.org.", "example.org.", true },
        { "http://example.org.:80", "example.org.", true },
        { "http://example.org.", "example.org", false },
        { "http://example.org", "example.org.", false },
        /* addresses are compared as they are written */
        { "http://127.0.0.1:9501", "127.0.0.1:9501", true },
        { "http://127.0.0.1:9501", "localhost:9501", false },
        { "http://127.1", "127.0.0.1", false },
        { "http://[::1]", "[::1]", true },
        { "http://[::1]:80", "[::1]", true },
        { "http://[::1]:8080", "[::1]", false },
        { "http://[::1]", "[0:0:0:0:0:0:0:1]", false },
        { "http://[fe80::A]", "[FE80::a]", true },
        { "http://::1", "[::1]", false },
        /* what is no origin of a page, or more than one */
        { "chrome-extension://example.org", "example.org", false },
        { "file://example.org", "example.org", false },
        { "httpsx://example.org", "example.org", false },
        { "http:/example.org", "example.org", false },
        { "ws://example.org", "example.org", false },
        { "http://user@example.org", "example.org", false },
        { "http://example.org@evil.org", "example.org", false },
        { "http://example.org/", "example.org", false },
        { "http://example.org#", "example.org", false },
        { "http://example.org http://evil.org", "example.org", false },
        { "http://evil.org, http://example.org", "example.org", false },
        { "http://example.org:080", "example.org", false },
        { "http://example.org:", "example.org", false },
        { " http://example.org", "example.org", false },
    };
    const struct conf_limits limits = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *origin = cases[i].origin, *host = cases[i].host;
        bool secure = strncasecmp(origin, "https:", 6) == 0;

        if (handshake_origin_allowed(&limits, origin, host, false) !=
            cases[i].allowed) {
            fail_msg("%s at %s", origin, host);
        }
        /* Over TLS, a page that came without is another origin. */
        if (handshake_origin_allowed(&limits, origin, host, true) !=
            (cases[i].allowed && secure)) {
            fail_msg("%s at %s, over TLS", origin, host);
        }
    }
}

static bool in_list(const char *one, const char *two, const char *origin)
{
    char *list[] = { (char *)(uintptr_t)one, (char *)(uintptr_t)two };
    const struct conf_limits limits = { .origins = list, .origin_count = 2 };

    return handshake_origin_allowed(&limits, origin, "example.org", false);
}

static void origins_of_a_list(void **state)
{
    const char *one = "https://one.org", *two = "http://two.org:81";

    (void)state;
    assert_true(in_list(one, two, "https://one.org"));
    assert_true(in_list(one, two, "HTTPS://One.Org"));
    assert_true(in_list(one, two, "http://two.org:81"));
    assert_false(in_list(one, two, "http://two.org"));
    assert_false(in_list(one, two, "http://one.org"));
    assert_false(in_list(one, two, "https://one.org.evil.org"));
    assert_false(in_list(one, two, "https://one.org."));
    assert_false(in_list(one, two, "https://one.org:443"));
    assert_false(in_list(one, two, "https://one.org, http://two.org:81"));
    assert_false(in_list(one, two, ""));
    assert_false(in_list(one, two, "https://example.org")); /* own, not named */
    assert_false(in_list(one, two, "null"));
    assert_true(in_list(one, "null", "null"));
    assert_true(in_list(one, "*", "https://any.org"));
    assert_true(in_list("*", two, "null"));
}

/* ---- the rules of RFC 6455 section 4.2.1 ------------------------------- */

/* A request with one header line for another; NULL: without it. */
static int ask_with(const char *start, const char *name, const char *line)
{
    static const char *const usual[] = {
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        ("Sec-WebSocket-Key: " NET_KEY),
    };
    struct client client;
    struct buf request = { 0 };
    bool replaced = false;
    int status;

    buf_addf(&request, "%s\r\n", start);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        bool this = strncmp(usual[i], name, strlen(name)) == 0;

        replaced |= this;
        if (!this) {
            buf_addf(&request, "%s\r\n", usual[i]);
        } else if (line != NULL) {
            buf_addf(&request, "%s\r\n", line);
        }
    }
    if (!replaced && line != NULL) {
        buf_addf(&request, "%s\r\n", line);
    }
    buf_adds(&request, "\r\n");
    client_connect(&client);
    client_send(&client, request.data, request.len);
    buf_free(&request);
    status = client_answer(&client);
    if (status != 101) {
        client_expect_end(&client);
    }
    client_leave(&client);
    return status;
}

static void rules(void **state)
{
    static const struct {
        const char *name, *line;
        int status;
        const char *says;
    } cases[] = {
        { "none", NULL, 101, "" },
        { "Upgrade", "Upgrade: WebSocket", 101, "" },
        { "Connection", "Connection: keep-alive, Upgrade", 101, "" },
        { "Connection", "connection: UPGRADE,", 101, "" },
        { "Sec-WebSocket-Version", "Sec-WebSocket-Version: 13 \t", 101, "" },
        { "Sec-WebSocket-Key", "Sec-WebSocket-Key: " NET_KEY "  ", 101, "" },
        { "Host", NULL, 400, "Host" },
        { "Host", "Host:", 400, "Host" },
        { "Connection", NULL, 400, "Connection must" },
        { "Connection", "Connection: close", 400, "Connection must" },
        { "Connection", "Connection: up", 400, "Connection must" },
        { "Connection", "Connection: upgrades", 400, "Connection must" },
        { "Sec-WebSocket-Version", NULL, 426, "Version" },
        { "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8", 426, "13" },
        { "Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8", 426, "13" },
        { "Sec-WebSocket-Key", NULL, 400, "Key" },
        { "Sec-WebSocket-Key", "Sec-WebSocket-Key: x", 400, "Key" },
        { "Sec-WebSocket-Key",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ!=", 400, "Key" },
        { "Sec-WebSocket-Key",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=", 400, "Key" },
        { "Sec-WebSocket-Key",
          "Sec-WebSocket-Key: dGhlIHNhb=BsZSBub25jZQ==", 400, "Key" },
        { "Sec-WebSocket-Key", "Sec-WebSocket-Key: " NET_KEY "=", 400, "Key" },
    };

    (void)state;
    net_start_route("/a");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = ask_with("GET /a HTTP/1.1", cases[i].name, cases[i].line);

        if (status != cases[i].status || answer.minor != 1 ||
            strstr(answer.body, cases[i].says) == NULL) {
            fail_msg("%s: %d %s", cases[i].line, status, answer.body);
        }
        if (status == 426) {
            assert_string_equal(answer_header("sec-websocket-version"), "13");
        }
    }
    assert_int_equal(stat_get(&net.stats->handshake_errors), 15);
    assert_int_equal(stat_get(&net_stats()->refused), 0);
}

static void start_lines(void **state)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {
        { "GET /a HTTP/1.1", 101 },       { "POST /a HTTP/1.1", 405 },
        { "PUT /a HTTP/1.1", 405 },       { "GET /a HTTP/1.0", 400 },
        { "GET /b HTTP/1.1", 404 },       { "GET /a/ HTTP/1.1", 404 },
        { "GET /%61?b=c HTTP/1.1", 101 }, { "GET /x/../a HTTP/1.1", 101 },
    };
    char line[3000];

    (void)state;
    net_start_route("/a");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = ask_with(cases[i].line, "none", NULL);

        if (status != cases[i].status) {
            fail_msg("%s: %d %s", cases[i].line, status, answer.body);
        }
        if (status == 405) {
            assert_string_equal(answer_header("allow"), "GET");
        }
    }
    snprintf(line, sizeof line, "GET /a/%02500d HTTP/1.1", 1);
    assert_int_equal(ask_with(line, "none", NULL), 400);
    assert_non_null(strstr(answer.body, "path too long"));
}

/* What libwebsockets would hang up on without a word, and with the plugin
 * having been asked. */
static void lists_libwebsockets_cannot_read(void **state)
{
    static const char *const bad[] = { "a b", "a/b", "a=b",     "1",
                                       "1.5", "1.",  "1.2.x",   "\"a\"",
                                       "a;b", "(a)", "\xc3\xa4" };
    static const char *const good[] = { ",a", "a,,b", "1a",    "-1",
                                        ".5", "1.x",  "1e5",   "a,",
                                        "a*", "a.1",  "a , b", "!#$%&'+^_`|~" };
    char line[100];

    (void)state;
    net_start_route("/a");
    script_heard();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(line, sizeof line, "Connection: %s, Upgrade", bad[i]);
        assert_int_equal(ask_with("GET /a HTTP/1.1", "Connection", line), 400);
        snprintf(line, sizeof line, "Sec-WebSocket-Protocol: %s", bad[i]);
        assert_int_equal(ask_with("GET /a HTTP/1.1", "none", line), 400);
        assert_non_null(strstr(answer.body, "Sec-WebSocket-Protocol"));
    }
    assert_string_equal(script_heard(), "");
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(line, sizeof line, "Connection: Upgrade, %s", good[i]);
        assert_int_equal(ask_with("GET /a HTTP/1.1", "Connection", line), 101);
        snprintf(line, sizeof line, "Sec-WebSocket-Protocol: %s", good[i]);
        assert_int_equal(ask_with("GET /a HTTP/1.1", "none", line), 101);
    }
}

/* Asks with a header whose value has so many bytes. */
static int ask_with_length(const char *name, const char *begin, size_t len)
{
    char line[400];
    size_t at = (size_t)snprintf(line, sizeof line, "%s: %s", name, begin);

    memset(line + at, 'x', len - strlen(begin));
    line[at + len - strlen(begin)] = '\0';
    return ask_with("GET /a HTTP/1.1", name, line);
}

static void lengths_libwebsockets_cannot_read(void **state)
{
    static const struct {
        const char *name, *begin;
        size_t most;
        const char *says;
    } cases[] = { { "Sec-WebSocket-Extensions", "", 254, "too long" },
                  { "Sec-WebSocket-Protocol", "", 62, "a name in" },
                  { "Sec-WebSocket-Protocol",
                    "aaa,bb,cccccccccccccccccccccccc,"
                    "ddddddddddddddddddddddddddddddd,",
                    126, "too long" },
                  { "Connection", "Upgrade,", 126, "Connection must" } };

    (void)state;
    net_start_route("/a");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = cases[i].name, *begin = cases[i].begin;

        assert_int_equal(ask_with_length(name, begin, cases[i].most), 101);
        assert_int_equal(ask_with_length(name, begin, cases[i].most + 1), 400);
        assert_non_null(strstr(answer.body, cases[i].says));
    }
}

/* An offer of HTTP/2 is not taken, and harms nothing. */
static void http2_is_passed_over(void **state)
{
    static const char request[] =
        "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    static const bay_plugin bare = { .name = "bare" };
    struct client client;
    char text[300];

    (void)state;
    net.conf.http_health = (char *)(uintptr_t) "/health";
    net_start();
    net_route("/a", &bare);
    client_connect(&client);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, request, i == 1 ? "/a" : "/health");
        client_say(&client, text);
        assert_int_equal(client_answer(&client), i == 1 ? 426 : 200);
        assert_int_equal(answer.minor, 1);
    }
    assert_int_equal(client_upgrade(&client, "/a", ""), 101);
    client_leave(&client);
    assert_int_equal(stat_get(&net.stats->handshake_errors), 0);
}

/* libwebsockets 4.1.6 answers, frees the request, and then asks about it. With
 * one before it the memory is another's by then. */
static void an_unknown_upgrade_after_another(void **state)
{
    struct client client;

    (void)state;
    net_start_route("/a");
    client_connect(&client);
    client_say(&client, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n"
                        "GET /no HTTP/1.1\r\nHost: x\r\nUpgrade: foo\r\n"
                        "Connection: Upgrade\r\n\r\n");
    assert_int_equal(client_answer(&client), 404);
    assert_int_equal(client_answer(&client), 404);
    client_leave(&client);
    assert_int_equal(stat_get(&net.stats->handshake_errors), 0);
    client_open(&client, "/a");
    client_leave(&client);
}

/* ---- what the application says ----------------------------------------- */

static int add_cookie(bay_conn *conn, bay_request *req)
{
    const char *status = bay_req_query(req, "status");

    (void)conn;
    assert_int_equal(bay_req_add_header(req, "Set-Cookie", "a=b"), BAY_OK);
    return status != NULL ? atoi(status) : 0;
}

static void the_application(void **state)
{
    (void)state;
    net_start_route("/a");
    script.on_handshake = add_cookie;
    assert_int_equal(ask_with("GET /a HTTP/1.1", "none", NULL), 101);
    assert_string_equal(answer_header("set-cookie"), "a=b");
    assert_string_equal(answer_header("sec-websocket-accept"),
                        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_int_equal(ask_with("GET /a?status=403 HTTP/1.1", "none", NULL), 403);
    assert_string_equal(answer_header("set-cookie"), "a=b");
    assert_string_equal(answer_header("connection"), "close");
    assert_string_equal(answer.body,
                        "403 Forbidden: the application refused the "
                        "connection\n");
    assert_int_equal(ask_with("GET /a?status=7 HTTP/1.1", "none", NULL), 500);
    assert_int_equal(stat_get(&net_stats()->refused), 2);
    assert_int_equal(stat_get(&net.stats->handshake_errors), 0);
}

static void origins_and_limits(void **state)
{
    struct client client;

    (void)state;
    net_start_route("/a")->limits.connections = 1;
    assert_int_equal(
        ask_with("GET /a HTTP/1.1", "none", "Origin: http://evil.org"), 403);
    assert_non_null(strstr(answer.body, "origins"));
    assert_int_equal(
        ask_with("GET /b HTTP/1.1", "none", "Origin: http://evil.org"), 404);
    assert_int_equal(stat_get(&net_stats()->refused), 1);
    assert_int_equal(stat_get(&net.stats->handshake_errors), 1);
    client_connect(&client);
    assert_int_equal(client_upgrade(&client, "/a", "Origin: http://x\r\n"),
                     101);
    assert_int_equal(ask_with("GET /a HTTP/1.1", "none", NULL), 503);
    assert_int_equal(stat_get(&net_stats()->refused), 2);
    client_leave(&client);
}

/* ---- subprotocols ------------------------------------------------------ */

static void expect_chosen(const char *offered, const char *chosen)
{
    char line[200];

    snprintf(line, sizeof line, "Sec-WebSocket-Protocol: %s", offered);
    assert_int_equal(
        ask_with("GET /a HTTP/1.1", "none", *offered != '\0' ? line : NULL),
        101);
    if (chosen == NULL) {
        assert_null(answer_header("sec-websocket-protocol"));
    } else {
        assert_string_equal(answer_header("sec-websocket-protocol"), chosen);
    }
}

static void subprotocols(void **state)
{
    const struct protocol_place *place;
    struct client client;

    (void)state;
    net_start_route("/a");
    place = &net.server->places[0];
    expect_chosen("v1.script", "v1.script");
    assert_string_equal(place->entry->name, PLACE_NAME);
    expect_chosen("", NULL);
    expect_chosen("other, v1.script, v2.script", "v2.script");
    expect_chosen("other", NULL);
    expect_chosen("patchbay", NULL);

    /* refused by the application, after the name was there */
    script.handshake_result = 403;
    assert_int_equal(ask_with("GET /a HTTP/1.1", "none",
                              "Sec-WebSocket-Protocol: v1.script"),
                     403);
    script.handshake_result = 0;
    assert_string_equal(place->entry->name, PLACE_NAME);
    expect_chosen("", NULL);

    /* gone in the middle of the handshake */
    client_connect(&client);
    client_say(&client, "GET /a HTTP/1.1\r\nSec-WebSocket-Protocol: v1.script");
    net_serve_ms(20);
    client_leave(&client);
    net_until(stat_get(&net.stats->sockets) == 0);
    assert_string_equal(place->entry->name, PLACE_NAME);
    expect_chosen("", NULL);
    expect_chosen("v2.script", "v2.script");
}

static int lose_headers(bay_conn *conn, bay_request *req)
{
    (void)conn;
    ((struct request *)(uintptr_t)req)->headers.failed = true;
    return 0;
}

/* What the answer should say, and there was no memory for: no answer, rather
 * than one that leaves it out. */
static void no_memory_for_the_answer(void **state)
{
    struct client client;

    (void)state;
    net_start_route("/a")->limits.compress = true;
    script.on_handshake = lose_headers;
    client_connect(&client);
    assert_int_equal(
        client_upgrade(&client, "/a",
                       "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        0);
    client_leave(&client);
    net_until(stat_get(&net.stats->sockets) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_of_the_same_host),
        cmocka_unit_test(origins_of_a_list),
        NET_TEST(rules),
        NET_TEST(start_lines),
        NET_TEST(lists_libwebsockets_cannot_read),
        NET_TEST(lengths_libwebsockets_cannot_read),
        NET_TEST(http2_is_passed_over),
        NET_TEST(an_unknown_upgrade_after_another),
        NET_TEST(the_application),
        NET_TEST(origins_and_limits),
        NET_TEST(subprotocols),
        NET_TEST(no_memory_for_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
