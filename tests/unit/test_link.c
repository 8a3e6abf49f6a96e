/* test_link.c - the socket below a connection: written, stopped, shut, gone */
#include "net_rig.h"

#include "certificate.h"
#include "folder.h"
#include "net/link.h"

static bay_conn *opened[4]; /* in their order */
static int opened_count;

static int note_opened(bay_conn *conn)
{
    opened[opened_count++ % 4] = conn;
    return 0;
}

static struct conf_route *start(bool tls)
{
    struct conf_route *route;

    opened_count = 0;
    if (tls) {
        certificate_make(folder_file("cert.pem"), folder_file("key.pem"));
        net.conf.tls_cert = (char *)(uintptr_t)folder_file("cert.pem");
        net.conf.tls_key = (char *)(uintptr_t)folder_file("key.pem");
        net_listen(true);
    }
    net_start();
    route = net_route("/a", &script_plugin);
    route->limits.send_queue = 64 << 20;
    script.on_open = note_opened;
    return route;
}

static void join(struct client *client, bool tls)
{
    int before = opened_count;

    client_connect(client);
    if (tls) {
        client_tls(client);
    }
    assert_int_equal(client_upgrade(client, "/a", ""), 101);
    net_until(opened_count > before);
}

static struct link *link_at(unsigned place)
{
    struct link *link = net.server->links;

    while (place-- > 0) {
        link = link->next;
    }
    return link;
}

/* ---- sending to who does not read -------------------------------------- */

/* Messages of every size, each with its number in front and a pattern. */
#define MESSAGES 600

static size_t message_of(unsigned number, char *out)
{
    static const unsigned sizes[] = { 4,     5,     129,   130,    2047,  2048,
                                      16383, 65535, 65536, 140000, 30000, 7 };
    size_t len = sizes[number % 12];

    for (size_t i = 4; i < len; i++) {
        out[i] = (char)(number + i / 3);
    }
    memcpy(out, &number, 4);
    return len;
}

static void send_all(bool publish)
{
    static char data[140000];
    bay_route *route = bay_conn_route(opened[0]);

    for (unsigned i = 0; i < MESSAGES; i++) {
        size_t len = message_of(i, data);

        assert_int_equal(publish
                             ? bay_publish(route, "t", BAY_BINARY, data, len, 0)
                             : bay_send_binary(opened[0], data, len),
                         BAY_OK);
        if (i % 100 == 99) {
            net_turn();
        }
    }
}

/* Pongs stand between the frames, and so do many behind them. */
static void expect_all(struct client *client, int pongs_due)
{
    static char expected[140000], got[140000];
    int pongs = 0;

    for (unsigned i = 0; i < MESSAGES; i++) {
        size_t len = message_of(i, expected), at = 0;
        struct buf part = { 0 };
        int first;

        do {
            first = client_frame(client, &part);
            if (first == 0x8a) {
                pongs++;
                first = 0;
                continue;
            }
            assert_int_equal(first & 0x7f, at == 0 ? 2 : 0);
            assert_true(at + part.len <= len);
            memcpy(got + at, part.data, part.len);
            at += part.len;
        } while ((first & 0x80) == 0);
        assert_int_equal(at, len);
        assert_memory_equal(got, expected, len);
    }
    for (; pongs < pongs_due; pongs++) {
        struct buf part = { 0 };

        assert_int_equal(client_frame(client, &part), 0x8a);
    }
    assert_int_equal(client->in.len, 0);
}

static void sent_to_who_does_not_read(bool tls)
{
    struct client client;

    start(tls);
    join(&client, tls);
    client_send_frame(&client, 0x89, "1", 1);
    send_all(false);
    client_send_frame(&client, 0x89, "2", 1);
    net_serve_ms(50);
    assert_true(bay_conn_backlog(opened[0]) > 1 << 20);
    expect_all(&client, 2);
    net_until(bay_conn_backlog(opened[0]) == 0);
    client_leave(&client);
}

static void plain(void **state)
{
    (void)state;
    sent_to_who_does_not_read(false);
}

static void over_tls(void **state)
{
    (void)state;
    sent_to_who_does_not_read(true);
}

/* Large ones that nothing waits before: some are sent from where they lie. */
static void one_at_a_time(bool tls)
{
    static char expected[140000];
    struct client client;

    start(tls);
    join(&client, tls);
    for (unsigned i = 0; i < 60; i++) {
        size_t len = message_of(i, expected), at = 0;
        struct buf part = { 0 };
        int first;

        assert_int_equal(bay_send_binary(opened[0], expected, len), BAY_OK);
        do {
            first = client_frame(&client, &part);
            assert_int_equal(first & 0x7f, at == 0 ? 2 : 0);
            assert_true(at + part.len <= len);
            assert_memory_equal(part.data, expected + at, part.len);
            at += part.len;
        } while ((first & 0x80) == 0);
        assert_int_equal(at, len);
    }
    client_leave(&client);
}

static void plain_one_at_a_time(void **state)
{
    (void)state;
    one_at_a_time(false);
}

static void over_tls_one_at_a_time(void **state)
{
    (void)state;
    one_at_a_time(true);
}

/* A packet that many share is sent in part to each in its own way. */
static void to_many(void **state)
{
    struct client clients[3];

    (void)state;
    start(false);
    for (int i = 0; i < 3; i++) {
        join(&clients[i], false);
        assert_int_equal(bay_subscribe(opened[i], "t"), BAY_OK);
    }
    send_all(true);
    net_serve_ms(20);
    for (int i = 0; i < 3; i++) {
        expect_all(&clients[i], 0);
        client_leave(&clients[i]);
    }
}

/* ---- pausing ----------------------------------------------------------- */

static void not_read_from(void **state)
{
    struct client client;

    (void)state;
    start(false);
    join(&client, false);
    bay_pause(opened[0]);
    script_heard();
    for (int i = 0; i < 50; i++) {
        char text[20];

        snprintf(text, sizeof text, "%d", i);
        client_text(&client, text);
    }
    client_send_close(&client, 4000);
    net_serve_ms(50);
    assert_string_equal(script_heard(), "");
    bay_resume(opened[0]);
    net_until(net_heard("close:"));
    assert_true(net_heard("message:0 message:1 message:2 "));
    assert_true(net_heard("message:48 message:49 close:4000: "));
    client_leave(&client);
}

/* It stops in the middle of what was read, too. */
static int pause_it(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    bay_pause(conn);
    return 0;
}

static void stopped_by_the_first_message(void **state)
{
    struct client client;
    unsigned char frames[3 * 7];
    size_t len = 0;

    (void)state;
    start(false);
    join(&client, false);
    script_heard();
    script.on_message = pause_it;
    for (int i = 0; i < 3; i++) {
        len += frame_of(frames + len, 0x81, true, "x", 1);
    }
    client_send(&client, frames, len);
    for (int i = 0; i < 3; i++) {
        net_until(net_heard("message"));
        net_serve_ms(20);
        assert_string_equal(script_heard(), "message:x ");
        bay_resume(opened[0]);
    }
    client_leave(&client);
}

/* ---- ends -------------------------------------------------------------- */

static void who_has_gone(void **state)
{
    struct client client;
    struct link *link;

    (void)state;
    start(false);
    join(&client, false);
    link = link_at(0);
    assert_false(link_hung_up(link));
    bay_pause(opened[0]);
    client_text(&client, "unread");
    net_serve_ms(20);
    assert_false(link_hung_up(link));
    shutdown(client.fd, SHUT_WR);
    net_serve_ms(20);
    assert_true(link_hung_up(link));
    client_leave(&client);
}

static void shut_once(void **state)
{
    struct client client;
    const struct iovec iov = { .iov_base = (void *)(uintptr_t) "\x81\x01x",
                               .iov_len = 3 };
    struct link *link;

    (void)state;
    start(false);
    join(&client, false);
    script_heard();
    link = link_at(0);
    assert_int_equal(link_send(link, &iov, 1), 3);
    client_expect_text(&client, "x");
    link_shut(link);
    link_shut(link);
    assert_int_equal(link_send(link, &iov, 1), -1);
    assert_int_equal(link_send_rest(link, "x", 1), -1);
    link_want_writable(link);
    link_set_reading(link, false);
    client_expect_end(&client);
    net_until(net_heard("close"));
    assert_string_equal(script_heard(), "close:1006: ");
    assert_int_equal(stat_get(&net.stats->sockets), 0);
    client_leave(&client);
}

/* A reset while we send is the end of that one, and no signal. */
static void reset_by_the_peer(void **state)
{
    static char data[100000];
    struct linger hard = { .l_onoff = 1 };
    struct client client;

    (void)state;
    start(false);
    for (int tries = 0; tries < 2; tries++) {
        join(&client, false);
        script_heard();
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(client.fd);
        client.fd = -1;
        if (tries == 1) { /* the loop has not seen it */
            for (int i = 0; i < 10; i++) {
                bay_send_binary(opened[1], data, sizeof data);
            }
        }
        net_until(net_heard("close"));
        assert_string_equal(script_heard(), "close:1006: ");
        client_leave(&client);
    }
}

/* The link is told by its magic: nothing else is taken for one. */
static void of_a_socket(void **state)
{
    struct client client;
    struct link *link;

    (void)state;
    start(false);
    join(&client, false);
    link = link_at(0);
    assert_ptr_equal(link_of(link->wsi), link);
    link->magic++;
    assert_null(link_of(link->wsi));
    link->magic--;
    assert_int_equal(stat_get(&net.stats->sockets), 1);
    assert_false(link->tls);
    assert_false(link->unix_peer);
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

#define LINK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINK_TEST(plain),
        LINK_TEST(over_tls),
        LINK_TEST(plain_one_at_a_time),
        LINK_TEST(over_tls_one_at_a_time),
        LINK_TEST(to_many),
        LINK_TEST(not_read_from),
        LINK_TEST(stopped_by_the_first_message),
        LINK_TEST(who_has_gone),
        LINK_TEST(shut_once),
        LINK_TEST(reset_by_the_peer),
        LINK_TEST(of_a_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
