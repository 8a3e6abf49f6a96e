/* test_exchange.c - plain HTTP: who answers a request, and with what body */
#include "core/reload.h"
#include "net_rig.h"

/* ---- a hook that tells what it got ------------------------------------- */

static int tell_body(bay_route *route, bay_request *req)
{
    const bay_message *body = bay_req_body(req);
    char text[100];

    (void)route;
    assert_int_equal(body->data[body->len], '\0');
    snprintf(text, sizeof text, "%s %d %.20s", bay_req_method(req),
             (int)body->len, body->data);
    return bay_req_reply(req, 200, "text/plain", text, strlen(text));
}

static int refuse(bay_route *route, bay_request *req)
{
    (void)route;
    bay_req_add_header(req, "X-Why", "because");
    return atoi(bay_req_query(req, "result"));
}

static const bay_plugin bare = { .name = "bare" };

/* Two routes, one of them without an http hook, and the pages. */
static void start(void)
{
    net.conf.http_health = (char *)(uintptr_t) "/-/health";
    net.conf.http_metrics = (char *)(uintptr_t) "/-/metrics";
    net.conf.limits.max_message = 1000;
    net_start();
    net_route("/hook", &script_plugin);
    net_route("/bare", &bare);
    script.on_http = tell_body;
}

/* ---- who answers ------------------------------------------------------- */

static void pages(void **state)
{
    (void)state;
    start();
    net_route("/-/*", &script_plugin); /* does not take them */
    assert_int_equal(net_get("/-/health"), 200);
    assert_string_equal(answer.body, "{\"status\":\"ok\"}");
    assert_string_equal(answer_header("content-type"), "application/json");
    assert_string_equal(answer_header("cache-control"), "no-store");
    assert_int_equal(net_get("/-/metrics?x"), 200);
    assert_string_equal(answer.body, "patchbay_up 1\n");
    assert_string_equal(answer_header("content-type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(net_get("/-/other"), 200);
    assert_string_equal(answer.body, "GET 0 ");
    assert_int_equal(net_ask("DELETE /-/health HTTP/1.1\r\nHost: x\r\n\r\n"),
                     405);
    assert_string_equal(answer_header("allow"), "GET, HEAD");
    assert_int_equal(net_ask("POST /-/metrics HTTP/1.1\r\nHost: x\r\n"
                             "Content-Length: 5\r\n\r\nhello"),
                     405);
    assert_int_equal(stat_get(&net.stats->http_requests), 5);
}

static void no_pages(void **state)
{
    (void)state;
    net_start();
    assert_int_equal(net_get("/-/health"), 404);
    assert_int_equal(net_get("/-/metrics"), 404);
    assert_int_equal(net_get("/"), 404);
}

static void routes_without_a_hook(void **state)
{
    (void)state;
    start();
    assert_int_equal(net_get("/bare"), 426);
    assert_string_equal(answer_header("upgrade"), "websocket");
    assert_string_equal(answer_header("connection"), "upgrade");
    assert_string_equal(answer_header("sec-websocket-version"), "13");
    assert_non_null(strstr(answer.body, "/bare is a WebSocket endpoint (plugin "
                                        "bare)"));
    assert_non_null(strstr(answer.body, "new WebSocket(\"ws://HOST/bare\")"));
    assert_int_equal(net_get("/bar"), 404);
}

static void what_the_hook_says(void **state)
{
    static const struct {
        const char *path;
        int status;
    } cases[] = { { "/hook?result=404", 404 }, { "/hook?result=599", 599 },
                  { "/hook?result=0", 500 },   { "/hook?result=-1", 500 },
                  { "/hook?result=200", 500 }, { "/hook?result=600", 500 } };

    (void)state;
    start();
    script.on_http = refuse;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(net_get(cases[i].path), cases[i].status);
        assert_string_equal(answer_header("x-why"), "because");
        assert_non_null(strstr(answer.body, "the application"));
    }
    assert_int_equal(stat_get(&net_stats()->hook_errors), 4);
}

/* ---- bodies ------------------------------------------------------------ */

/* Asks with a body of so many x. */
static int ask_with_body(const char *method, const char *path, size_t len)
{
    char request[3000];
    size_t at = (size_t)snprintf(request, sizeof request,
                                 "%s %s HTTP/1.1\r\nHost: x\r\n"
                                 "Content-Length: %zu\r\n\r\n",
                                 method, path, len);

    memset(request + at, 'x', len);
    request[at + len] = '\0';
    return net_ask(request);
}

static void bodies_up_to_the_limit(void **state)
{
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE",
                                           "GET" };

    (void)state;
    start();
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char told[50];

        snprintf(told, sizeof told, "%s 3 xxx", methods[i]);
        assert_int_equal(ask_with_body(methods[i], "/hook", 3), 200);
        assert_string_equal(answer.body, told);
    }
    assert_int_equal(ask_with_body("POST", "/hook", 0), 200);
    assert_string_equal(answer.body, "POST 0 ");
    assert_int_equal(ask_with_body("POST", "/hook", 1000), 200);
    assert_string_equal(answer.body, "POST 1000 xxxxxxxxxxxxxxxxxxxx");
    assert_int_equal(ask_with_body("POST", "/hook", 1001), 413);
    assert_string_equal(answer_header("connection"), "close");
    /* nobody wants it: the answer, and the end */
    assert_int_equal(ask_with_body("POST", "/bare", 5), 426);
    assert_int_equal(ask_with_body("POST", "/none", 5), 404);
    assert_string_equal(answer_header("connection"), "close");
}

/* Whose hook would have answered is gone when the body is there. */
static void a_reload_between_head_and_body(void **state)
{
    struct client client;
    struct reload *reload;
    char why[256];

    (void)state;
    start();
    client_connect(&client);
    client_say(&client, "POST /hook HTTP/1.1\r\nHost: x\r\n"
                        "Content-Length: 3\r\n\r\n");
    net_until(stat_get(&net.stats->http_requests) == 1);
    reload = reload_create(net.core, NULL, 0, why, sizeof why);
    assert_non_null(reload);
    assert_true(reload_commit(reload, false, 0));
    reload_free(reload);
    client_say(&client, "xxx");
    assert_int_equal(client_answer(&client), 404);
    client_leave(&client);
    assert_string_equal(script_heard(), "start stop ");
}

static void bodies_that_cannot_be_read(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } cases[] = {
        { "Transfer-Encoding: chunked\r\n", 411 },
        { "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 411 },
        { "", 411 },
        { "Content-Length:\r\n", 411 },
        { "Content-Length: 5\r\nExpect: 100-continue\r\n", 417 },
        { "Content-Length: five\r\n", 400 },
        { "Content-Length: -5\r\n", 400 },
        { "Content-Length: 5, 5\r\n", 400 },
        { "Content-Length: 5\r\nContent-Length: 6\r\n", 400 },
        { "Content-Length: 0x5\r\n", 400 },
        { "Content-Length: 99999999999\r\n", 413 },
        { "Content-Length: 99999999999999999999\r\n", 413 },
        { "Content-Length: 9999999999999999999999999999999999\r\n", 400 },
    };
    char request[300];

    (void)state;
    start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client;
        int status;

        snprintf(request, sizeof request,
                 "POST /hook HTTP/1.1\r\nHost: x\r\n%s\r\nhello",
                 cases[i].headers);
        client_connect(&client);
        client_say(&client, request);
        status = client_answer(&client);
        if (status != cases[i].status) {
            fail_msg("%s: %d", cases[i].headers, status);
        }
        assert_string_equal(answer_header("connection"), "close");
        client_expect_end(&client);
        client_leave(&client);
    }
}

static void a_body_in_pieces(void **state)
{
    struct client client;

    (void)state;
    start();
    client_connect(&client);
    for (int round = 0; round < 3; round++) {
        client_say(&client, "POST /hook HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: 11\r\n\r\n");
        net_serve_ms(5);
        client_say(&client, "hello");
        net_serve_ms(5);
        assert_false(client_has(&client, 1));
        client_say(&client, " world");
        assert_int_equal(client_answer(&client), 200);
        assert_string_equal(answer.body, "POST 11 hello world");
    }
    /* gone in the middle */
    client_say(&client, "POST /hook HTTP/1.1\r\nHost: x\r\n"
                        "Content-Length: 11\r\n\r\nhello");
    net_serve_ms(5);
    client_leave(&client);
    net_until(stat_get(&net.stats->sockets) == 0);
}

/* ---- several on one connection ----------------------------------------- */

static void one_after_another(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { "GET /-/health HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
        { "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
        { "GET /bare HTTP/1.1\r\nHost: x\r\n\r\n", 426 },
        { "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
          200 },
        { "DELETE /-/health HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
        { "GET /hook HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
    };
    struct client client;

    (void)state;
    start();
    client_connect(&client);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            client_say(&client, cases[i].request);
            assert_int_equal(client_answer(&client), cases[i].status);
        }
    }
    assert_int_equal(client_upgrade(&client, "/hook", ""), 101);
    client_text(&client, "still the same connection");
    net_until(net_heard("message:still"));
    client_leave(&client);
    assert_int_equal(stat_get(&net.stats->accepted), 1);
}

static void all_at_once(void **state)
{
    struct buf requests = { 0 };
    struct client client;

    (void)state;
    start();
    for (int i = 0; i < 30; i++) {
        buf_addf(&requests, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n",
                 i % 3 == 0   ? "hook"
                 : i % 3 == 1 ? "bare"
                              : "none");
    }
    client_connect(&client);
    client_send(&client, requests.data, requests.len);
    buf_free(&requests);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(client_answer(&client), i % 3 == 0   ? 200
                                                 : i % 3 == 1 ? 426
                                                              : 404);
    }
    client_leave(&client);
}

/*
 * libwebsockets 4.1.6 takes the head of a request with a body for its body, if
 * it came together with another request, and then spins. Whatever the length,
 * it is refused, and nobody else waits.
 */
static void bodies_all_at_once(void **state)
{
    char request[400];

    (void)state;
    start();
    for (int len = 1; len < 120; len += len < 20 ? 1 : 33) {
        struct client client;

        snprintf(request, sizeof request,
                 "GET /none HTTP/1.1\r\nHost: x\r\n\r\n"
                 "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                 "%0*dGET /none HTTP/1.1\r\nHost: x\r\n\r\n",
                 len, len, 7);
        client_connect(&client);
        client_say(&client, request);
        assert_int_equal(client_answer(&client), 404);
        assert_int_equal(client_answer(&client), 400);
        assert_non_null(strstr(answer.body, "cannot be pipelined"));
        client_expect_end(&client);
        client_leave(&client);
        assert_int_equal(net_get("/hook"), 200);
    }
}

static void requests_without_a_version(void **state)
{
    (void)state;
    start();
    assert_int_equal(net_ask("GET /none%0d%0a HTTP/1.1\r\nHost: x\r\n\r\n"),
                     400);
    assert_non_null(strstr(answer.body, "request line"));
    assert_int_equal(net_ask("GET /none HTTP/1.2\r\nHost: x\r\n\r\n"), 505);
}

/* Bodies that do not end: the oldest connection gives way. */
static void half_bodies(void **state)
{
    static const char part[600];
    struct client clients[3];

    (void)state;
    net.conf.receive_total = 1700;
    start();
    for (size_t i = 0; i < 3; i++) {
        client_connect(&clients[i]);
        client_say(&clients[i], "POST /hook HTTP/1.1\r\nHost: x\r\n"
                                "Content-Length: 1000\r\n\r\n");
        client_send(&clients[i], part, sizeof part);
        net_until(net.server->body_bytes == (i == 0 ? 600u : 1200u) &&
                  stat_get(&net.stats->http_requests) == i + 1);
    }
    client_expect_end(&clients[0]);
    assert_int_equal(stat_get(&net.stats->bodies_dropped), 1);
    assert_int_equal(caught_log_count("limit receive_total: "), 1);
    for (size_t i = 1; i < 3; i++) {
        client_send(&clients[i], part, 400);
        assert_int_equal(client_answer(&clients[i]), 200);
    }
    assert_int_equal(net.server->body_bytes, 0);
    for (size_t i = 0; i < 3; i++) {
        client_leave(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(half_bodies),
        NET_TEST(pages),
        NET_TEST(no_pages),
        NET_TEST(routes_without_a_hook),
        NET_TEST(what_the_hook_says),
        NET_TEST(bodies_up_to_the_limit),
        NET_TEST(a_reload_between_head_and_body),
        NET_TEST(bodies_that_cannot_be_read),
        NET_TEST(a_body_in_pieces),
        NET_TEST(one_after_another),
        NET_TEST(all_at_once),
        NET_TEST(bodies_all_at_once),
        NET_TEST(requests_without_a_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
