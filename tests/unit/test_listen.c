/* test_listen.c - accepting: all that come, and none when descriptors run out */
#include "net_rig.h"

#include <netinet/tcp.h>

#include "folder.h"
#include "net/link.h"

/* More than are accepted in one go. */
static void many_at_once(void **state)
{
    struct client clients[100];

    (void)state;
    net_start_route("/a");
    for (int i = 0; i < 100; i++) {
        client_connect(&clients[i]);
        client_say(&clients[i], "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(client_answer(&clients[i]), 404);
    }
    assert_int_equal(stat_get(&net.stats->accepted), 100);
    assert_int_equal(stat_get(&net.stats->sockets), 100);
    for (int i = 0; i < 100; i++) {
        client_leave(&clients[i]);
    }
    net_until(stat_get(&net.stats->sockets) == 0);
}

static void without_delay(void **state)
{
    struct client client;
    int on = 0;
    socklen_t len = sizeof on;

    (void)state;
    net_start_route("/a");
    client_open(&client, "/a");
    assert_int_equal(getsockopt(lws_get_socket_fd(net.server->links->wsi),
                                IPPROTO_TCP, TCP_NODELAY, &on, &len),
                     0);
    assert_true(on);
    client_leave(&client);
}

/* ---- out of descriptors ------------------------------------------------ */

/* Takes all descriptors that there are. valgrind accepts a connection above the
 * limit, closes it, and says EMFILE: the client is gone. */
static size_t use_up(int *fds)
{
    size_t n = 0;

    while ((fds[n] = dup(0)) >= 0) {
        n++;
        assert_true(n < NET_DESCRIPTORS);
    }
    assert_int_equal(errno, EMFILE);
    return n;
}

static void count_turn(uv_prepare_t *prepare)
{
    ++*(int *)prepare->data;
}

static void stop_loop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* How often the loop wakes up within so many ms. */
static int turns_within(uint64_t ms)
{
    uv_prepare_t prepare;
    uv_timer_t timer;
    int turns = 0;

    uv_prepare_init(&net.loop, &prepare);
    uv_timer_init(&net.loop, &timer);
    prepare.data = &turns;
    uv_prepare_start(&prepare, count_turn);
    uv_timer_start(&timer, stop_loop, ms, 0);
    uv_run(&net.loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&net.loop, UV_RUN_NOWAIT);
    return turns;
}

static void out_of_descriptors(void **state)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    struct client old, young = { .fd = -1 };
    int fds[NET_DESCRIPTORS];
    size_t count;

    (void)state;
    if (under_valgrind()) {
        skip();
    }
    net_start_route("/a");
    script.on_message = net_echo;
    client_open(&old, "/a");
    young.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    count = use_up(fds);
    getsockname(net.listen_fds[0], (struct sockaddr *)&addr, &len);
    connect(young.fd, (struct sockaddr *)&addr, sizeof addr);
    client_say(&young, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    net_until(stat_get(&net.stats->accept_paused) == 1);

    /* it is asked again now and then, not all the time, and said once */
    assert_true(turns_within(350) < 20);
    assert_in_range(stat_get(&net.stats->accept_paused), 2, 5);
    assert_int_equal(caught_log_count("cannot accept connections: Too many "
                                      "open files"),
                     1);

    client_text(&old, "others are served");
    client_expect_text(&old, "others are served");
    while (count > 0) {
        close(fds[--count]);
    }
    assert_int_equal(client_answer(&young), 404);
    assert_int_equal(stat_get(&net.stats->accepted), 2);
    assert_int_equal(caught_log_count("connections are accepted again"), 1);
    client_leave(&young);
    client_leave(&old);
}

/* Who only keeps connections gives way to who comes. */
static void idle_ones_make_room(void **state)
{
    static const char request[] = "GET /none HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    struct client idle, open, young = { .fd = -1 };
    int fds[NET_DESCRIPTORS];
    size_t count;

    (void)state;
    if (under_valgrind()) {
        skip(); /* it accepts above the limit, and closes what it accepted */
    }
    net_start_route("/a");
    script.on_message = net_echo;
    client_connect(&idle);
    client_say(&idle, request);
    assert_int_equal(client_answer(&idle), 404);
    assert_null(answer_header("connection"));
    client_open(&open, "/a");
    young.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    count = use_up(fds);
    getsockname(net.listen_fds[0], (struct sockaddr *)&addr, &len);
    connect(young.fd, (struct sockaddr *)&addr, sizeof addr);
    client_say(&young, request);
    client_expect_end(&idle);
    assert_int_equal(client_answer(&young), 404);
    assert_string_equal(answer_header("connection"), "close"); /* no more */
    assert_int_equal(stat_get(&net.stats->kept_ended), 1);
    assert_int_equal(caught_log_count("limit descriptors: 1 idle HTTP"), 1);
    client_text(&open, "served");
    client_expect_text(&open, "served");
    while (count > 0) {
        close(fds[--count]);
    }
    client_leave(&young);
    client_leave(&idle);
    client_leave(&open);
}

/* It may end while it pauses. */
static void ended_while_out_of_descriptors(void **state)
{
    int fds[NET_DESCRIPTORS];
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    struct client client = { .fd = -1 };
    size_t count;

    (void)state;
    if (under_valgrind()) {
        skip();
    }
    net_start_route("/a");
    client.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    count = use_up(fds);
    getsockname(net.listen_fds[0], (struct sockaddr *)&addr, &len);
    connect(client.fd, (struct sockaddr *)&addr, sizeof addr);
    net_until(stat_get(&net.stats->accept_paused) == 1);
    server_stop_accepting(net.server);
    while (count > 0) {
        close(fds[--count]);
    }
    net_serve_ms(250);
    assert_int_equal(stat_get(&net.stats->accept_paused), 1);
    assert_int_equal(stat_get(&net.stats->accepted), 0);
    client_leave(&client);
}

/* ---- the sockets outlive the server ------------------------------------ */

static void the_successor_serves_who_waits(void **state)
{
    struct client client;

    (void)state;
    net_start_route("/a");
    server_stop_accepting(net.server);
    client_connect(&client);
    client_say(&client, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    net_serve_ms(50);
    assert_false(client_has(&client, 1));
    assert_false(client.ended);
    net_finish();
    net.route_count = 0;
    net_start_route("/a");
    assert_int_equal(client_answer(&client), 404);
    client_leave(&client);
}

static const char *remote;

static int note_remote(bay_conn *conn, bay_request *req)
{
    static char text[64];

    (void)req;
    snprintf(text, sizeof text, "%s", bay_conn_remote(conn));
    remote = text;
    return 0;
}

static void a_unix_socket(void **state)
{
    static struct conf_net proxies[] = { { .family = AF_UNIX } };
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct client client;

    (void)state;
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", folder_file("sock"));
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    net_listen_on(fd, false);
    net_start_route("/a");
    script.on_handshake = note_remote;
    client_connect_to(&client, (struct sockaddr *)&addr, sizeof addr);
    assert_int_equal(
        client_upgrade(&client, "/a", "X-Forwarded-For: 192.0.2.1\r\n"), 101);
    assert_string_equal(remote, "unix");
    client_leave(&client);

    net.conf.proxies = proxies;
    net.conf.proxy_count = 1;
    client_connect_to(&client, (struct sockaddr *)&addr, sizeof addr);
    assert_int_equal(
        client_upgrade(&client, "/a", "X-Forwarded-For: 192.0.2.1\r\n"), 101);
    assert_string_equal(remote, "192.0.2.1");
    client_leave(&client);
}

static int setup(void **state)
{
    return folder_make(state) | net_setup(state);
}

static int teardown(void **state)
{
    return net_teardown(state) | folder_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(many_at_once),
        NET_TEST(without_delay),
        NET_TEST(out_of_descriptors),
        NET_TEST(idle_ones_make_room),
        NET_TEST(ended_while_out_of_descriptors),
        NET_TEST(the_successor_serves_who_waits),
        cmocka_unit_test_setup_teardown(a_unix_socket, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
