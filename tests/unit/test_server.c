/* test_server.c - the server as a whole: its time, its limits, its end */
#include "net_rig.h"

#include "certificate.h"
#include "folder.h"
#include "net/head.h"
#include "net/link.h"

static void use_tls(void)
{
    certificate_make(folder_file("cert.pem"), folder_file("key.pem"));
    net.conf.tls_cert = (char *)(uintptr_t)folder_file("cert.pem");
    net.conf.tls_key = (char *)(uintptr_t)folder_file("key.pem");
}

/* How often a word was heard. */
static int heard_times(const char *word)
{
    int n = 0;

    for (const char *at = script.heard.data;
         at != NULL && (at = strstr(at, word)) != NULL; at++) {
        n++;
    }
    return n;
}

/* ---- time -------------------------------------------------------------- */

static bay_route *route_of_first;

static int keep_route(bay_conn *conn)
{
    route_of_first = bay_conn_route(conn);
    return 0;
}

static void timers_ring(void **state)
{
    struct client client;
    uint64_t began;

    (void)state;
    net_start_route("/a");
    script.on_open = keep_route;
    client_open(&client, "/a");
    net_until(route_of_first != NULL);
    began = core_now(net.core); /* by which timers are set */
    bay_timer_set(route_of_first, 1, 60);
    bay_timer_set(route_of_first, 2, 30);
    bay_timer_set(route_of_first, 3, 40);
    bay_timer_clear(route_of_first, 3);
    net_until(net_heard("timer:1"));
    assert_in_range(core_now(net.core) - began, 60, 5000);
    assert_true(net_heard("timer:2 timer:1 "));
    assert_false(net_heard("timer:3"));
    client_leave(&client);
}

static void publish_again(bay_route *route, const bay_notice *notice)
{
    bay_publish(route, notice->topic, notice->kind, notice->data, notice->len,
                0);
    buf_clear(&script.heard);
}

/* A plugin that answers its own notices is called for ever: others are served
 * all the same. */
static void nobody_starves(void **state)
{
    struct client client;

    (void)state;
    net_start_route("/a");
    script.on_open = keep_route;
    script.on_message = net_echo;
    script.on_notice = publish_again;
    client_open(&client, "/a");
    net_until(route_of_first != NULL);
    bay_listen(route_of_first, "t");
    bay_publish(route_of_first, "t", BAY_TEXT, "x", 1, 0);
    for (int i = 0; i < 3; i++) {
        client_text(&client, "here");
        client_expect_text(&client, "here");
    }
    script.on_notice = NULL;
    client_leave(&client);
}

/* ---- limits of a request ----------------------------------------------- */

static void requests_that_do_not_end(void **state)
{
    struct client silent, slow, clients[2];
    uint64_t began = clock_now_ms();

    (void)state;
    net.conf.limits.handshake_ms = 1000;
    net_start_route("/a");
    client_connect(&silent);
    client_connect(&slow);
    client_say(&slow, "GET /a HTTP/1.1\r\nX-Slow: ");
    client_open(&clients[0], "/a");
    client_connect(&clients[1]);
    while (!client_ended(&slow)) { /* each byte does not give it more time */
        assert_true(clock_now_ms() - began < 5000);
        send(slow.fd, "G", 1, MSG_NOSIGNAL);
        net_serve_ms(20);
    }
    assert_true(clock_now_ms() - began >= 900);
    client_leave(&slow);
    net_until(client_ended(&silent));
    client_leave(&silent);
    /* who has become a WebSocket stays */
    assert_false(client_ended(&clients[0]));
    client_leave(&clients[0]);
    client_leave(&clients[1]);
}

static void headers_up_to_the_limit(void **state)
{
    static char request[12000];
    static const int lengths[] = { 7000, 8000, 8300, 11000 };

    (void)state;
    net_start();
    for (size_t i = 0; i < 4; i++) {
        snprintf(request, sizeof request,
                 "GET /none HTTP/1.1\r\nHost: x\r\nX-Long: %0*d\r\n\r\n",
                 lengths[i], 7);
        assert_int_equal(net_ask(request),
                         lengths[i] < SERVER_HEADERS_MAX - 100 ? 404 : 431);
    }
    assert_int_equal(net_get("/none"), 404);
}

/* As many fields as there may be, in as much text as there may be: the library
 * has room for them. */
static int ask_many(const char *parameter, const char *header, unsigned count)
{
    char request[SERVER_HEADERS_MAX + 1];
    char *at = request + sprintf(request, "GET /none?a");

    for (unsigned i = 0; i < count; i++) {
        at += sprintf(at, "%s", parameter);
    }
    at += sprintf(at, " HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 0; i < count; i++) {
        at += sprintf(at, "%s", header);
    }
    at += sprintf(at, "X-Long: ");
    sprintf(at, "%0*d\r\n\r\n", (int)(SERVER_HEADERS_MAX - (at - request) - 4),
            7);
    assert_int_equal(strlen(request), SERVER_HEADERS_MAX);
    return net_ask(request);
}

static void headers_of_any_number(void **state)
{
    static const char *const kinds[][2] = { { "&b", "" },
                                            { "", "Cookie: b\r\n" },
                                            { "", "Q-Own: b\r\n" } };
    const unsigned most = HEAD_FIELDS_MAX - 3; /* beside ?a, Host and X-Long */

    (void)state;
    net_start();
    for (size_t i = 0; i < 3; i++) {
        uint64_t before = stat_get(&net.stats->heads_too_long);

        assert_int_equal(ask_many(kinds[i][0], kinds[i][1], most), 404);
        assert_int_equal(stat_get(&net.stats->heads_too_long), before);
        assert_int_equal(ask_many(kinds[i][0], kinds[i][1], most + 1), 431);
        assert_int_equal(ask_many(kinds[i][0], kinds[i][1], 300), 431);
        assert_int_equal(stat_get(&net.stats->heads_too_long), before + 2);
    }
}

/* ---- vhosts ------------------------------------------------------------ */

/* libwebsockets chooses a vhost by the Host header, whichever listener a
 * connection came through. */
static void the_host_header_changes_nothing(void **state)
{
    static const char *const hosts[] = { "tls", "plain", "t" };

    (void)state;
    use_tls();
    net_listen(false);
    net_listen(true);
    net_start_route("/a");
    for (size_t i = 0; i < 6; i++) {
        bool tls = i >= 3;
        struct client client;
        char request[400];

        client_connect_at(&client, tls);
        if (tls) {
            client_tls(&client);
        }
        snprintf(request, sizeof request,
                 "GET /a HTTP/1.1\r\nHost: %s\r\n" NET_UPGRADE
                 "Sec-WebSocket-Protocol: v1.script\r\n\r\n",
                 hosts[i % 3]);
        client_say(&client, request);
        assert_int_equal(client_answer(&client), 101);
        assert_string_equal(answer_header("sec-websocket-protocol"),
                            "v1.script");
        assert_int_equal(net.server->links->tls, tls);
        assert_string_equal(net.server->places[0].entry->name, PLACE_NAME);
        assert_string_equal(net.server->places[1].entry->name, PLACE_NAME);
        client_text(&client, "over it");
        net_until(net_heard("message:over it"));
        client_leave(&client);
        net_until(net_heard("close"));
        script_heard();
    }
}

static void servers_that_cannot_be(void **state)
{
    (void)state;
    net.conf.tls_cert = (char *)(uintptr_t) "/nonexistent/cert.pem";
    net.conf.tls_key = (char *)(uintptr_t) "/nonexistent/key.pem";
    assert_null(net_create_server());
    assert_true(
        caught_log_count("[tls] /nonexistent/cert.pem cannot be read: "));
    server_destroy(NULL);
}

/* ---- ends -------------------------------------------------------------- */

static int send_much(bay_conn *conn)
{
    static char data[500000];

    while (bay_send_binary(conn, data, sizeof data) == BAY_OK) {
    }
    return 0;
}

static int close_it(bay_conn *conn)
{
    return bay_close(conn, 4000, "");
}

static int pause_it(bay_conn *conn)
{
    bay_pause(conn);
    return 0;
}

/* Connections in whatever state there is; returns how many were opened. */
static int open_all_kinds(struct client *clients)
{
    int (*const on_open[])(bay_conn *) = { NULL, send_much, close_it,
                                           pause_it };
    static const char *const texts[] = {
        "",
        "GET /a HT",
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
        "GET /file HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /none HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    static const unsigned char half[] = { 0x01, 0x83, 0, 0, 0, 0, 'a' };

    for (int i = 0; i < 4; i++) {
        script.on_open = on_open[i];
        client_open(&clients[i], "/a");
        net_until(heard_times("open ") == i + 1);
    }
    client_send(&clients[0], half, sizeof half);
    for (int i = 0; i < 5; i++) {
        client_connect(&clients[4 + i]);
        client_say(&clients[4 + i], texts[i]);
    }
    client_connect_at(&clients[9], 1); /* TLS that is not spoken */
    client_connect_at(&clients[10], 1);
    client_say(&clients[10], "\x16\x03\x01");
    net_serve_ms(50);
    return 4;
}

static void start_for_all_kinds(void)
{
    FILE *file = fopen(folder_file("file"), "w");

    assert_int_equal(ftruncate(fileno(file), 50 << 20), 0);
    fclose(file);
    net.conf.http_root = folder;
    use_tls();
    net_listen(false);
    net_listen(true);
    net_start_route("/a");
}

static void closed_with_all_open(void **state)
{
    struct client clients[11];
    int opened;

    (void)state;
    start_for_all_kinds();
    opened = open_all_kinds(clients);
    assert_int_equal(stat_get(&net.stats->sockets), 11);
    server_close(net.server);
    server_close(net.server);
    assert_int_equal(stat_get(&net.stats->sockets), 0);
    core_turn(net.core);
    assert_int_equal(heard_times("close:"), opened);
    assert_int_equal(core_connections(net.core), 0);
    net_finish();
    assert_true(net_heard("stop "));
    for (int i = 0; i < 11; i++) {
        client_leave(&clients[i]);
    }
}

static void killed_and_goes_on(void **state)
{
    struct client clients[11];
    int opened;

    (void)state;
    start_for_all_kinds();
    opened = open_all_kinds(clients);
    server_kill(net.server);
    net_until(stat_get(&net.stats->sockets) == 0);
    core_turn(net.core);
    assert_int_equal(heard_times("close:"), opened);
    assert_true(net_heard("close:4000: ")); /* what it was closed with */
    for (int i = 0; i < 11; i++) {
        net_until(client_ended(&clients[i]));
        client_leave(&clients[i]);
    }
    assert_int_equal(net_get("/none"), 404);
}

/* The socket takes more when it is to end: with each piece that is sent, the
 * library gives it more time. */
static void killed_amid_an_answer(void **state)
{
    struct client client;

    (void)state;
    start_for_all_kinds();
    client_connect(&client);
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer_head(&client), 200);
    net_serve_ms(100);
    client_read(&client, 1 << 20);
    server_kill(net.server);
    net_until(stat_get(&net.stats->sockets) == 0);
    client_leave(&client);
}

/* ---- no new ones ------------------------------------------------------- */

#define LARGE ((size_t)20 << 20)

static int give_much(bay_route *route, bay_request *req)
{
    char *data = calloc(1, LARGE);
    int status = bay_req_reply(req, 200, NULL, data, LARGE);

    (void)route;
    free(data);
    return status;
}

/* Reads all of an answer, and then the end. */
static void expect_much_and_the_end(struct client *client, size_t len)
{
    size_t got = 0;

    assert_int_equal(client_answer_head(client), 200);
    while (got < len) {
        got += client->in.len;
        buf_clear(&client->in);
        if (got < len) {
            assert_false(client->ended);
            client_read(client, 1 << 20);
            net_turn();
        }
    }
    assert_int_equal(got, len);
    client_expect_end(client);
}

static void accepting_no_more(void **state)
{
    struct client websocket, idle, fresh, hook, file;

    (void)state;
    start_for_all_kinds();
    script.on_http = give_much;
    script.on_message = net_echo;
    client_open(&websocket, "/a");
    client_connect(&idle);
    client_say(&idle, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer(&idle), 404);
    client_connect(&fresh);
    client_connect(&hook);
    client_say(&hook, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_connect(&file);
    client_say(&file, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    net_serve_ms(50);
    server_stop_accepting(net.server);
    client_expect_end(&idle);
    client_expect_end(&fresh);
    expect_much_and_the_end(&file, 50 << 20);
    expect_much_and_the_end(&hook, LARGE);
    client_text(&websocket, "still here");
    client_expect_text(&websocket, "still here");
    client_leave(&websocket);
    net_until(stat_get(&net.stats->sockets) == 0);
    client_leave(&idle);
    client_leave(&fresh);
    client_leave(&hook);
    client_leave(&file);
}

static int setup(void **state)
{
    route_of_first = NULL;
    return folder_make(state) | net_setup(state);
}

static int teardown(void **state)
{
    return net_teardown(state) | folder_remove(state);
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(timers_ring),
        SERVER_TEST(nobody_starves),
        SERVER_TEST(requests_that_do_not_end),
        SERVER_TEST(headers_up_to_the_limit),
        SERVER_TEST(headers_of_any_number),
        SERVER_TEST(the_host_header_changes_nothing),
        SERVER_TEST(servers_that_cannot_be),
        SERVER_TEST(closed_with_all_open),
        SERVER_TEST(killed_and_goes_on),
        SERVER_TEST(killed_amid_an_answer),
        SERVER_TEST(accepting_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
