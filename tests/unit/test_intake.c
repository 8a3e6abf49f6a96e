/* test_intake.c - frames that come too early, or while they are not wanted */
#include "net_rig.h"

#include <pthread.h>

#include "certificate.h"
#include "folder.h"
#include "net/intake.h"
#include "net/link.h"
#include "net/tap.h"

static bay_conn *opened;

static int note(bay_conn *conn)
{
    opened = conn;
    return 0;
}

static struct conf_route *start(bool tls)
{
    if (tls) {
        certificate_make(folder_file("cert.pem"), folder_file("key.pem"));
        net.conf.tls_cert = (char *)(uintptr_t)folder_file("cert.pem");
        net.conf.tls_key = (char *)(uintptr_t)folder_file("key.pem");
        net_listen(true);
    }
    script.on_message = net_echo;
    script.on_open = note;
    opened = NULL;
    return net_start_route("/a");
}

/* The frames come in one piece with the request. */
static void early(bool tls)
{
    char request[400];
    unsigned char frame[20];
    struct client client;
    struct buf all = { 0 };

    start(tls);
    snprintf(request, sizeof request,
             "GET /a HTTP/1.1\r\nHost: x\r\n" NET_UPGRADE "\r\n");
    buf_adds(&all, request);
    for (int i = 0; i < 3; i++) {
        buf_add(&all, frame, frame_of(frame, 0x81, true, "early", 5));
    }
    client_connect(&client);
    if (tls) {
        client_tls(&client);
    }
    client_send(&client, all.data, all.len);
    buf_free(&all);
    assert_int_equal(client_answer(&client), 101);
    for (int i = 0; i < 3; i++) {
        client_expect_text(&client, "early");
    }
    client_leave(&client);
}

/* What has been read when the plugin pauses is held, in order. */
static void held(bool tls)
{
    unsigned char frames[400];
    struct client client;
    size_t len = 0;

    start(tls);
    client_connect(&client);
    if (tls) {
        client_tls(&client);
    }
    assert_int_equal(client_upgrade(&client, "/a", ""), 101);
    net_until(opened != NULL);
    bay_pause(opened);
    script_heard();
    for (int i = 0; i < 3; i++) {
        char text[2] = { (char)('1' + i), '\0' };

        len += frame_of(frames + len, 0x81, true, text, 1);
        len += frame_of(frames + len, 0x89, true, text, 1);
    }
    client_send(&client, frames, len);
    net_serve_ms(30);
    assert_string_equal(script_heard(), "");
    bay_resume(opened);
    for (int i = 0; i < 3; i++) {
        char text[2] = { (char)('1' + i), '\0' };
        struct buf data = { 0 };

        client_expect_text(&client, text);
        assert_int_equal(client_frame(&client, &data), 0x8a);
        assert_string_equal(data.data, text);
    }
    client_leave(&client);
}

/* A hook pauses in the middle of what was read. */
static int pause_once(bay_conn *conn, const bay_message *message)
{
    if (message->data[0] == 'p') {
        bay_pause(conn);
    }
    return 0;
}

static void paused_within(bool tls)
{
    unsigned char frames[100];
    struct client client;
    size_t len = 0;

    start(tls);
    script.on_message = pause_once;
    client_connect(&client);
    if (tls) {
        client_tls(&client);
    }
    assert_int_equal(client_upgrade(&client, "/a", ""), 101);
    net_until(opened != NULL);
    script_heard();
    len += frame_of(frames + len, 0x81, true, "1", 1);
    len += frame_of(frames + len, 0x81, true, "p", 1);
    len += frame_of(frames + len, 0x81, true, "2", 1);
    len += frame_of(frames + len, 0x81, true, "p", 1);
    len += frame_of(frames + len, 0x81, true, "3", 1);
    client_send(&client, frames, len);
    net_until(net_heard("message:p"));
    net_serve_ms(30);
    assert_string_equal(script_heard(), "message:1 message:p ");
    bay_resume(opened);
    net_until(net_heard("message:p"));
    net_serve_ms(30);
    assert_string_equal(script_heard(), "message:2 message:p ");
    bay_resume(opened);
    net_until(net_heard("message:3"));
    client_leave(&client);
}

/*
 * The plugin answers more than the client reads: what has been read is held
 * while the queue is full, and more lies in the socket. It goes on from an event
 * of the same socket, and all stays in order.
 */
static void in_order(bool tls)
{
    enum { MESSAGES = 4000, LEN = 1500 };
    static unsigned char frame[LEN + 20];
    char text[LEN + 1];
    struct conf_route *route;
    struct client client;
    unsigned sent = 0, got = 0;
    size_t len = 0, at = 0;

    route = start(tls);
    route->limits.send_queue = 64 << 10;
    client_connect(&client);
    if (tls) {
        client_tls(&client);
    }
    assert_int_equal(client_upgrade(&client, "/a", ""), 101);
    net_until(opened != NULL);
    while (got < MESSAGES) {
        bool stuck = false;

        while (sent < MESSAGES && !stuck) {
            ssize_t n;

            if (at == len) {
                snprintf(text, sizeof text, "%0*u", LEN, sent);
                len = frame_of(frame, 0x81, true, text, LEN);
                at = 0;
            }
            n = client_write_some(&client, frame + at, len - at);
            at += n > 0 ? (size_t)n : 0;
            sent += at == len;
            stuck = n <= 0;
        }
        net_turn();
        client_read(&client, 20000);
        assert_false(client.ended);
        while (client.in.len >= LEN + 4) {
            assert_int_equal((unsigned char)client.in.data[0], 0x81);
            snprintf(text, sizeof text, "%0*u", LEN, got++);
            assert_memory_equal(client.in.data + 4, text, LEN);
            buf_consume(&client.in, LEN + 4);
        }
    }
    client_leave(&client);
}

static void in_order_plain(void **state)
{
    (void)state;
    in_order(false);
}

static void in_order_over_tls(void **state)
{
    (void)state;
    in_order(true);
}

static void plain(void **state)
{
    (void)state;
    early(false);
}

static void over_tls(void **state)
{
    (void)state;
    early(true);
}

static void held_plain(void **state)
{
    (void)state;
    held(false);
}

static void held_over_tls(void **state)
{
    (void)state;
    held(true);
}

static void paused_plain(void **state)
{
    (void)state;
    paused_within(false);
}

static void paused_over_tls(void **state)
{
    (void)state;
    paused_within(true);
}

/* A request that is none, and then more than one event may take: it is not read
 * to its end, nor waited for. */
static void refused_and_floods(void **state)
{
    static const char junk[16384];
    struct client client;
    uint64_t since_ms;

    (void)state;
    start(true);
    client_connect(&client);
    client_tls(&client);
    client_say(&client, "none\r\n\r\n");
    assert_int_equal(client_answer(&client), 400);
    since_ms = clock_now_ms();
    while (stat_get(&net.stats->sockets) > 0) {
        for (int i = 0; i < 200; i++) {
            if (client_write_some(&client, junk, sizeof junk) <= 0) {
                break;
            }
        }
        net_turn();
        assert_true(clock_now_ms() - since_ms < 1500);
    }
    client_leave(&client);
}

static void *read_elsewhere(void *arg)
{
    const int *fds = arg;
    char byte = 0;

    return recv(fds[1], &byte, 1, 0) == 1 && byte == 'x' ? arg : NULL;
}

/* A number that was a client's a moment ago may be another thread's now. */
static void other_threads_read_as_ever(void **state)
{
    struct link *link = (struct link *)(uintptr_t)1; /* never looked at */
    pthread_t thread;
    void *result;
    int fds[2];

    (void)state;
    start(false);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(write(fds[0], "x", 1), 1);
    tap_watch(fds[1], link);
    assert_int_equal(pthread_create(&thread, NULL, read_elsewhere, fds), 0);
    pthread_join(thread, &result);
    tap_forget(fds[1], link);
    assert_ptr_equal(result, fds);
    close(fds[0]);
    close(fds[1]);
}

/* Both have closed, and the client sends on and on: that is read for the sake of
 * our Close, but not for longer than a turn. */
static void floods_behind_the_close(void **state)
{
    static char flood[64 << 10];
    struct client client;
    size_t sent = 0;

    (void)state;
    start(true);
    client_connect(&client);
    client_tls(&client);
    assert_int_equal(client_upgrade(&client, "/a", ""), 101);
    client_send_close(&client, 1000);
    client_expect_close(&client, 1000);
    assert_int_equal(stat_get(&net.stats->sockets), 1); /* it lingers */
    while (sent < 256 * sizeof flood && stat_get(&net.stats->sockets) == 1) {
        ssize_t n = client_write_some(&client, flood, sizeof flood);

        sent += n > 0 ? (size_t)n : 0;
        if (n <= 0) {
            uv_run(&net.loop, UV_RUN_NOWAIT);
        }
    }
    assert_int_equal(stat_get(&net.stats->sockets), 0);
    client_leave(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(plain),
        NET_TEST(over_tls),
        NET_TEST(refused_and_floods),
        NET_TEST(other_threads_read_as_ever),
        NET_TEST(held_plain),
        NET_TEST(held_over_tls),
        NET_TEST(paused_plain),
        NET_TEST(paused_over_tls),
        NET_TEST(in_order_plain),
        NET_TEST(in_order_over_tls),
        NET_TEST(floods_behind_the_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
