/* test_respond.c - answers as they stand on the wire */
#include "net_rig.h"

#include <time.h>

#include "net/exchange.h"

static struct {
    int status;
    const char *type;
    const void *body;
    size_t len;
    const char *header; /* a value for X-Own, or NULL */
} reply;

static int give_reply(bay_route *route, bay_request *req)
{
    (void)route;
    if (reply.header != NULL) {
        assert_int_equal(bay_req_add_header(req, "X-Own", reply.header),
                         BAY_OK);
    }
    return bay_req_reply(req, reply.status, reply.type, reply.body, reply.len);
}

static void start(void)
{
    memset(&reply, 0, sizeof reply);
    reply.status = 200;
    net_start_route("/a");
    script.on_http = give_reply;
}

/* All that came on a connection that was told to end with the answer. */
static const char *raw_answer(const char *start_line, const char *headers)
{
    static char text[4096];
    struct client client;
    char request[300];

    snprintf(request, sizeof request, "%s\r\nHost: x\r\n%s\r\n", start_line,
             headers);
    client_connect(&client);
    client_say(&client, request);
    net_until(client_ended(&client));
    snprintf(text, sizeof text, "%s",
             client.in.data != NULL ? client.in.data : "");
    client_leave(&client);
    return text;
}

/* Cuts the date out, which must be one of now. */
static const char *without_date(const char *text)
{
    static char out[4096];
    const char *date = strstr(text, "date: ");
    const char *end = date != NULL ? strchr(date, '\n') : NULL;
    struct tm tm = { 0 };

    assert_non_null(end);
    assert_non_null(strptime(date, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm));
    assert_true(labs(timegm(&tm) - time(NULL)) < 10);
    snprintf(out, sizeof out, "%.*s%s", (int)(date - text), text, end + 1);
    return out;
}

static void byte_by_byte(void **state)
{
    (void)state;
    start();
    reply.type = "text/plain";
    reply.body = "hello";
    reply.len = 5;
    reply.header = "1";
    assert_string_equal(
        without_date(raw_answer("GET /a HTTP/1.1", "Connection: close\r\n")),
        "HTTP/1.1 200 OK\r\nserver: patchbay\r\n"
        "content-type: text/plain\r\ncontent-length: 5\r\n"
        "connection: close\r\nX-Own: 1\r\n\r\nhello");
    assert_string_equal(
        without_date(raw_answer("HEAD /a HTTP/1.1", "Connection: close\r\n")),
        "HTTP/1.1 200 OK\r\nserver: patchbay\r\n"
        "content-type: text/plain\r\ncontent-length: 5\r\n"
        "connection: close\r\nX-Own: 1\r\n\r\n");
    reply.header = NULL;
    reply.type = NULL;
    reply.len = 0;
    reply.status = 299;
    assert_string_equal(
        without_date(raw_answer("GET /a HTTP/1.1", "Connection: close\r\n")),
        "HTTP/1.1 299 OK\r\nserver: patchbay\r\n"
        "content-type: application/octet-stream\r\ncontent-length: 0\r\n"
        "connection: close\r\n\r\n");
    assert_string_equal(
        without_date(raw_answer("GET /b HTTP/1.1", "Connection: close\r\n")),
        "HTTP/1.1 404 Not Found\r\nserver: patchbay\r\n"
        "content-type: text/plain; charset=utf-8\r\ncontent-length: 37\r\n"
        "connection: close\r\n\r\n404 Not Found: there is nothing here\n");
}

/* RFC 9110 sections 15.3.5 and 15.4.5: no body, whatever the hook gave. */
static void without_a_body(void **state)
{
    static const int statuses[] = { 204, 304 };
    struct client client;

    (void)state;
    start();
    client_connect(&client);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        reply.status = statuses[i];
        reply.body = "none of this";
        reply.len = 12;
        client_say(&client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(client_answer(&client), statuses[i]);
        assert_null(answer_header("content-length"));
        net_serve_ms(10);
        client_read(&client, SIZE_MAX);
        assert_int_equal(client.in.len, 0);
    }
    client_leave(&client);
}

static void kept_or_not(void **state)
{
    static const struct {
        const char *start, *connection;
        bool kept;
    } cases[] = {
        { "GET /a HTTP/1.1", "", true },
        { "GET /a HTTP/1.1", "Connection: keep-alive\r\n", true },
        { "GET /a HTTP/1.1", "Connection: close\r\n", false },
        { "GET /a HTTP/1.1", "Connection: Close\r\n", false },
        { "GET /a HTTP/1.1", "Connection: TE, close\r\n", false },
        { "GET /a HTTP/1.1", "Connection: closed, keep-alive\r\n", true },
        { "GET /a HTTP/1.0", "", false },
        { "GET /a HTTP/1.0", "Connection: keep-alive\r\n", false },
    };
    char request[200];

    (void)state;
    start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client;

        snprintf(request, sizeof request, "%s\r\nHost: x\r\n%s\r\n",
                 cases[i].start, cases[i].connection);
        client_connect(&client);
        client_say(&client, request);
        assert_int_equal(client_answer(&client), 200);
        if (cases[i].kept) {
            assert_null(answer_header("connection"));
            client_say(&client, request);
            assert_int_equal(client_answer(&client), 200);
        } else {
            assert_string_equal(answer_header("connection"), "close");
            client_expect_end(&client);
        }
        client_leave(&client);
    }
}

/* More than the socket takes: the rest is sent as the client reads. */
static void large_answers(void **state)
{
    size_t len = 20 << 20, got = 0;
    char *data = malloc(len);
    struct client client;

    (void)state;
    start();
    for (size_t i = 0; i < len; i++) {
        data[i] = (char)(i * 13 + i / 255);
    }
    reply.body = data;
    reply.len = len;
    client_connect(&client);
    client_say(&client, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
                        "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer_head(&client), 200);
    while (got < len) {
        size_t n = client.in.len < len - got ? client.in.len : len - got;

        if (n > 0) {
            assert_memory_equal(client.in.data, data + got, n);
            buf_consume(&client.in, n);
            got += n;
        } else {
            assert_false(client.ended);
            client_read(&client, 500000);
            net_turn();
        }
    }
    assert_int_equal(client_answer(&client), 404);
    client_leave(&client);
    free(data);
}

static void reasons(void **state)
{
    (void)state;
    assert_string_equal(exchange_reason(200), "OK");
    assert_string_equal(exchange_reason(404), "Not Found");
    assert_string_equal(exchange_reason(426), "Upgrade Required");
    assert_string_equal(exchange_reason(503), "Service Unavailable");
    assert_string_equal(exchange_reason(299), "OK");
    assert_string_equal(exchange_reason(599), "Error");
}

/* In the middle of an upgrade there is no exchange, and yet a whole answer. */
static void refused_upgrades(void **state)
{
    char request[300];

    (void)state;
    start();
    snprintf(request, sizeof request, "Upgrade: websocket\r\n");
    assert_string_equal(without_date(raw_answer("GET /a HTTP/1.1", request)),
                        "HTTP/1.1 400 Bad Request\r\nserver: patchbay\r\n"
                        "content-type: text/plain; charset=utf-8\r\n"
                        "content-length: 68\r\nconnection: close\r\n\r\n"
                        "400 Bad Request: Connection must be a short list with "
                        "Upgrade in it\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(byte_by_byte),    NET_TEST(without_a_body),
        NET_TEST(kept_or_not),     NET_TEST(large_answers),
        cmocka_unit_test(reasons), NET_TEST(refused_upgrades),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
