/* test_ws_deflate.c - compressed messages on real sockets, and bombs */
#include "net_rig.h"

#include "core/deflate.h"

static bay_conn *last_opened;

static int note_opened(bay_conn *conn)
{
    last_opened = conn;
    return 0;
}

static void start(void)
{
    net_start_route("/a");
    script.on_message = net_echo;
    script.on_open = note_opened;
    script_heard();
}

static void join(struct client *client)
{
    last_opened = NULL;
    client_open(client, "/a");
    net_until(last_opened != NULL);
    script_heard();
}

/* ---- compressed -------------------------------------------------------- */

#define DEFLATE_OFFER "Sec-WebSocket-Extensions: permessage-deflate\r\n"

static void join_deflated(struct client *client)
{
    last_opened = NULL;
    client_connect(client);
    assert_int_equal(client_upgrade(client, "/a", DEFLATE_OFFER), 101);
    net_until(last_opened != NULL);
    script_heard();
}

static void start_deflated(void)
{
    net.conf.limits.compress = true;
    net.conf.limits.compress_ratio = 200;
    start();
}

static void compressed(void **state)
{
    static const char hello[] = "\xf2\x48\xcd\xc9\xc9\x07\x00";
    struct client client;
    struct buf data = { 0 };
    char text[1000];

    (void)state;
    start_deflated();
    join_deflated(&client);
    client_send_frame(&client, 0xc1, hello, 7);
    client_expect_text(&client, "Hello"); /* too short to be compressed */
    client_send_frame(&client, 0x41, hello, 3);
    client_send_frame(&client, 0x89, "", 0);
    assert_int_equal(client_frame(&client, &data), 0x8a);
    client_send_frame(&client, 0x00, hello + 3, 0);
    client_send_frame(&client, 0x80, hello + 3, 4);
    client_expect_text(&client, "Hello");
    client_text(&client, "plain"); /* both kinds may be mixed */
    client_expect_text(&client, "plain");

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    client_text(&client, text);
    assert_int_equal(client_frame(&client, &data), 0xc1);
    assert_true(data.len < 100);
    client_send_frame(&client, 0xc1, data.data, data.len);
    assert_int_equal(client_frame(&client, &data), 0xc1);
    client_leave(&client);
}

static void compressed_faults(void **state)
{
    static const struct {
        int first;
        const char *bytes;
        size_t len;
        int code;
    } cases[] = {
        { 0xc1, "\xff\xff\xff", 3, 1007 },                 /* no deflate */
        { 0xc1, "\xf2\x48\xcd", 3, 1007 },                 /* cut */
        { 0xc1, "\x00\x01\x00\xfe\xff\xff\x00", 7, 1007 }, /* no UTF-8 */
        { 0xc9, "", 0, 1002 },
    };

    (void)state;
    start_deflated();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client;

        join_deflated(&client);
        client_send_frame(&client, cases[i].first, cases[i].bytes,
                          cases[i].len);
        client_expect_close(&client, cases[i].code);
        client_send_close(&client, cases[i].code);
        client_expect_end(&client);
        client_leave(&client);
    }
}

static void bombs(void **state)
{
    char *zeros = calloc(1, 10 << 20);
    struct deflate *deflate = NULL;
    const struct buf *bomb;
    struct client client;

    (void)state;
    net.conf.limits.max_message = 1 << 20;
    start_deflated();
    for (size_t size = 512 << 10; size <= 10 << 20; size *= 20) {
        join_deflated(&client);
        assert_true(deflate_message(&deflate, 15, zeros, size, &bomb));
        client_send_frame(&client, 0xc2, bomb->data, bomb->len);
        client_expect_close(&client, 1009);
        client_send_close(&client, 1009);
        client_expect_end(&client);
        client_leave(&client);
    }
    assert_int_equal(stat_get(&net_stats()->limits[LIMIT_RATIO]),
                     1); /* the smaller */
    deflate_destroy(deflate);
    free(zeros);
}

/* Compressed once for all that take it so. */
static void published(void **state)
{
    struct client clients[3];
    bay_conn *conns[3];
    char text[1000];

    (void)state;
    start_deflated();
    for (int i = 0; i < 3; i++) {
        if (i < 2) {
            join_deflated(&clients[i]);
        } else {
            join(&clients[i]);
        }
        conns[i] = last_opened;
        assert_int_equal(bay_subscribe(conns[i], "t"), BAY_OK);
    }
    memset(text, 'x', sizeof text);
    assert_int_equal(bay_publish(bay_conn_route(conns[0]), "t", BAY_TEXT, text,
                                 sizeof text, 0),
                     BAY_OK);
    for (int i = 0; i < 3; i++) {
        struct buf data = { 0 };

        assert_int_equal(client_frame(&clients[i], &data), i < 2 ? 0xc1 : 0x81);
        client_leave(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(compressed),
        NET_TEST(compressed_faults),
        NET_TEST(bombs),
        NET_TEST(published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
