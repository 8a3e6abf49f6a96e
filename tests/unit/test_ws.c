/* test_ws.c - frames and closes on real sockets: what a peer sees of each */
#include "net_rig.h"

#include "net/link.h"

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

/* What the plugin heard at the end of a connection that has gone. */
static const char *last_heard(struct client *client)
{
    client_leave(client);
    net_until(net_heard("close:"));
    return script_heard();
}

/* ---- messages ---------------------------------------------------------- */

static void echoes(void **state)
{
    static const size_t sizes[] = { 0,     1,      125,    126,   65535,
                                    65536, 100000, 200000, 900000 };
    char *data = malloc(900000);
    struct client client;

    (void)state;
    for (size_t i = 0; i < 900000; i++) {
        data[i] = (char)(i * 3 + i / 257);
    }
    start();
    join(&client);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t got = 0;
        struct buf part = { 0 };
        int first;

        client_send_frame(&client, 0x82, data, sizes[i]);
        do {
            first = client_frame(&client, &part);
            assert_int_equal(first & 0x7f, got == 0 ? 2 : 0);
            assert_memory_equal(part.data, data + got, part.len);
            got += part.len;
        } while ((first & 0x80) == 0);
        assert_int_equal(got, sizes[i]);
    }
    client_leave(&client);
    free(data);
}

static void fragments(void **state)
{
    struct client client;
    struct buf data = { 0 };

    (void)state;
    start();
    join(&client);
    client_send_frame(&client, 0x01, "one ", 4);
    client_send_frame(&client, 0x00, "", 0);
    client_send_frame(&client, 0x89, "ping", 4);
    assert_int_equal(client_frame(&client, &data), 0x8a);
    assert_string_equal(data.data, "ping");
    client_send_frame(&client, 0x00, "two ", 4);
    client_send_frame(&client, 0x80, "three", 5);
    client_expect_text(&client, "one two three");
    client_leave(&client);
}

/* With the handshake, in one piece. */
static void messages_that_come_early(void **state)
{
    char request[400];
    unsigned char frame[20];
    struct client client;
    struct buf all = { 0 };

    (void)state;
    start();
    snprintf(request, sizeof request,
             "GET /a HTTP/1.1\r\nHost: x\r\n" NET_UPGRADE "\r\n");
    buf_adds(&all, request);
    for (int i = 0; i < 3; i++) {
        buf_add(&all, frame, frame_of(frame, 0x81, true, "early", 5));
    }
    client_connect(&client);
    client_send(&client, all.data, all.len);
    buf_free(&all);
    assert_int_equal(client_answer(&client), 101);
    for (int i = 0; i < 3; i++) {
        client_expect_text(&client, "early");
    }
    client_leave(&client);
}

static void pings_are_answered(void **state)
{
    struct client client;
    struct buf data = { 0 };
    char longest[126];

    (void)state;
    start();
    join(&client);
    for (int i = 0; i < 10; i++) {
        client_send_frame(&client, 0x89, "0123456789", (size_t)i);
        assert_int_equal(client_frame(&client, &data), 0x8a);
        assert_int_equal(data.len, i);
        assert_memory_equal(data.data, "0123456789", (size_t)i);
    }
    memset(longest, 'p', sizeof longest);
    client_send_frame(&client, 0x89, longest, 125);
    assert_int_equal(client_frame(&client, &data), 0x8a);
    assert_int_equal(data.len, 125);
    /* pongs nobody asked for are no fault (RFC 6455 section 5.5.3), not even
     * those that are not UTF-8, and in the middle of a character */
    client_send_frame(&client, 0x01, "\xc3", 1);
    client_send_frame(&client, 0x8a, "\xff", 1);
    client_send_frame(&client, 0x80, "\xa4", 1);
    client_expect_text(&client, "\xc3\xa4");
    client_leave(&client);
}

/* ---- closes ------------------------------------------------------------ */

static void closed_by_the_peer(void **state)
{
    static const int codes[] = {
        1000, 1001, 1003, 1005, 1007, 1011, 3000, 4999
    };

    (void)state;
    start();
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct client client;
        char heard[40];

        join(&client);
        client_send_close(&client, codes[i]);
        client_expect_close(&client, codes[i]);
        client_expect_end(&client);
        snprintf(heard, sizeof heard, "close:%d: ", codes[i]);
        assert_string_equal(last_heard(&client), heard);
    }
}

/* What is queued goes out before the answer, and what comes behind the Close
 * is not heard. */
static void closed_in_one_piece_with_messages(void **state)
{
    unsigned char frames[100];
    struct client client;
    size_t len = 0;

    (void)state;
    start();
    join(&client);
    len += frame_of(frames + len, 0x81, true, "before", 6);
    len += frame_of(frames + len, 0x88, true, "\x0f\xa0why", 5);
    len += frame_of(frames + len, 0x81, true, "behind", 6);
    len += frame_of(frames + len, 0x83, true, "wrong", 5);
    client_send(&client, frames, len);
    client_expect_text(&client, "before");
    client_expect_close(&client, 4000);
    client_expect_end(&client);
    assert_string_equal(last_heard(&client), "message:before close:4000:why ");
}

static int close_it(bay_conn *conn, const bay_message *msg)
{
    bay_send(conn, msg->kind, "bye", 3);
    return bay_close(conn, 4001, "enough");
}

static void closed_by_us(void **state)
{
    struct client client;

    (void)state;
    start();
    script.on_message = close_it;
    join(&client);
    client_text(&client, "x");
    client_text(&client, "not heard any more");
    client_expect_text(&client, "bye");
    client_expect_close(&client, 4001);
    net_serve_ms(30);
    assert_false(client_ended(&client)); /* the peer has the next word */
    client_send_close(&client, 4001);
    client_expect_end(&client);
    assert_string_equal(last_heard(&client), "message:x close:4001:enough ");
}

/* Both at once: each sees one Close. */
static void closed_by_both(void **state)
{
    struct client client;

    (void)state;
    start();
    join(&client);
    client_send_close(&client, 1000);
    assert_int_equal(bay_close(last_opened, 4002, ""), BAY_OK);
    client_expect_close(&client, 4002);
    client_expect_end(&client);
    assert_string_equal(last_heard(&client), "close:4002: ");
}

/* ---- faults of the peer ------------------------------------------------ */

static void faults(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int code;
    } cases[] = {
#define FAULT(bytes, code) { bytes, sizeof bytes - 1, code }
        /* reserved bits, each */
        FAULT("\xc1\x81\0\0\0\0x", 1002),
        FAULT("\xa1\x81\0\0\0\0x", 1002),
        FAULT("\x91\x81\0\0\0\0x", 1002),
        /* reserved opcodes */
        FAULT("\x83\x80\0\0\0\0", 1002),
        FAULT("\x87\x81\0\0\0\0x", 1002),
        FAULT("\x8b\x80\0\0\0\0", 1002),
        FAULT("\x8f\x81\0\0\0\0x", 1002),
        /* a continuation of nothing; a beginning within a message */
        FAULT("\x80\x81\0\0\0\0x", 1002),
        FAULT("\x01\x81\0\0\0\0x\x81\x81\0\0\0\0y", 1002),
        /* control frames: in fragments, too long */
        FAULT("\x09\x80\0\0\0\0", 1002),
        FAULT("\x08\x80\0\0\0\0", 1002),
        FAULT("\x89\xfe\x00\x7e\0\0\0\0", 1002),
        FAULT("\x88\xfe\x00\x7e\0\0\0\0", 1002),
        /* a length with its highest bit set */
        FAULT("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 1002),
        /* Close: codes that may not be sent, half a code */
        FAULT("\x88\x82\0\0\0\0\x03\xe7", 1002), /* 999 */
        FAULT("\x88\x82\0\0\0\0\x03\xed", 1002), /* 1005 */
        FAULT("\x88\x82\0\0\0\0\x03\xee", 1002), /* 1006 */
        FAULT("\x88\x82\0\0\0\0\x03\xf7", 1002), /* 1015 */
        FAULT("\x88\x82\0\0\0\0\x13\x88", 1002), /* 5000 */
        FAULT("\x88\x81\0\0\0\0\x03", 1002),
        /* not UTF-8: text, a cut character, the reason of a Close */
        FAULT("\x81\x82\0\0\0\0\xc3\x28", 1007),
        FAULT("\x81\x81\0\0\0\0\xc3", 1007),
        FAULT("\x88\x83\0\0\0\0\x03\xe8\xff", 1007),
        /* too big: told by its head, and one that is there */
        FAULT("\x82\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0x", 1009),
        FAULT("\x82\xfe\x03\xe9\0\0\0\0x", 1009),
    };

    (void)state;
    net.conf.limits.max_message = 1000;
    start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client, other;

        join(&client);
        join(&other);
        client_text(&client, "first");
        client_send(&client, cases[i].bytes, cases[i].len);
        client_expect_text(&client, "first");
        {
            struct buf data = { 0 };
            int first = client_frame(&client, &data);
            int code = data.len >= 2 ? (unsigned char)data.data[0] << 8 |
                                           (unsigned char)data.data[1]
                                     : 0;

            if (first != 0x88 || code != cases[i].code) {
                fail_msg("case %zu: frame %02x, code %d", i, (unsigned)first,
                         code);
            }
        }
        if (client_ended(&client)) { /* by libwebsockets, or when answered */
            assert_int_equal(client.in.len, 0);
        } else {
            client_send_close(&client, cases[i].code);
            client_expect_end(&client);
        }
        client_leave(&client);
        client_text(&other, "unharmed");
        client_expect_text(&other, "unharmed");
        client_leave(&other);
        net_until(stat_get(&net.stats->sockets) == 0);
    }
    assert_int_equal(stat_get(&net_stats()->protocol_errors),
                     sizeof cases / sizeof cases[0]);
}

/* The second fault in one read does not undo the answers before the first. */
static void several_faults_at_once(void **state)
{
    unsigned char frames[100];
    struct client client;
    size_t len = 0;

    (void)state;
    start();
    join(&client);
    len += frame_of(frames + len, 0x81, true, "one", 3);
    len += frame_of(frames + len, 0x81, true, "two", 3);
    len += frame_of(frames + len, 0x83, true, "", 0);
    len += frame_of(frames + len, 0x83, true, "", 0);
    len += frame_of(frames + len, 0x81, true, "three", 5);
    client_send(&client, frames, len);
    client_expect_text(&client, "one");
    client_expect_text(&client, "two");
    client_expect_close(&client, 1002);
    client_expect_end(&client);
    assert_string_equal(last_heard(&client),
                        "message:one message:two close:1002:unknown opcode ");
}

/* ---- ends without a Close ---------------------------------------------- */

static void gone_without_a_word(void **state)
{
    struct client client;

    (void)state;
    start();
    join(&client);
    assert_string_equal(last_heard(&client), "close:1006: ");
    join(&client);
    client_send(&client, "\x81", 1); /* half a head */
    assert_string_equal(last_heard(&client), "close:1006: ");
    join(&client);
    client_send_frame(&client, 0x01, "half", 4);
    assert_string_equal(last_heard(&client), "close:1006: ");
    /* it only ends its side: there is nobody to answer any more */
    join(&client);
    shutdown(client.fd, SHUT_WR);
    client_expect_end(&client);
    assert_string_equal(last_heard(&client), "close:1006: ");
    assert_int_equal(stat_get(&net_stats()->protocol_errors), 0);
}

/* What CONNECT turns into knows no time-out: it is not let in. */
static void connect_is_refused(void **state)
{
    struct client client;

    (void)state;
    start();
    client_connect(&client);
    client_say(&client, "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n");
    assert_int_equal(client_answer(&client), 405);
    client_expect_end(&client);
    client_leave(&client);
    client_connect(&client);
    client_say(&client,
               "CONNECT /a HTTP/1.1\r\nHost: x\r\n" NET_UPGRADE "\r\n");
    assert_int_equal(client_answer(&client), 405);
    client_expect_end(&client);
    client_leave(&client);
    assert_string_equal(script_heard(), "");
}

/* ---- what libwebsockets 4.1.6 does not see ----------------------------- */

static void hidden_faults(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "\x81\x01x", 3 },                           /* not masked */
        { "\xc9\x80\0\0\0\0", 6 },                    /* RSV1 on a ping */
        { "\x82\xfe\0\x05\0\0\0\0hello", 13 },        /* 16 bits for 5 */
        { "\x82\xff\0\0\0\0\0\0\0\x05\0\0\0\0", 14 }, /* 64 bits for 5 */
    };

    (void)state;
    start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client;

        join(&client);
        client_text(&client, "first");
        client_send(&client, cases[i].bytes, cases[i].len);
        client_expect_text(&client, "first");
        client_expect_close(&client, 1002);
        client_expect_end(&client);
        client_leave(&client);
        net_until(stat_get(&net.stats->sockets) == 0);
    }
    assert_int_equal(stat_get(&net_stats()->protocol_errors), 4);
}

/* RFC 6455 section 5.5.3 wants the last at least. */
static void every_ping_is_answered(void **state)
{
    unsigned char frames[100];
    struct client client;
    struct buf data = { 0 };
    size_t len = 0;

    (void)state;
    start();
    join(&client);
    for (int i = 0; i < 10; i++) {
        char text[2] = { (char)('0' + i), '\0' };

        len += frame_of(frames + len, 0x89, true, text, 1);
    }
    client_send(&client, frames, len);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(client_frame(&client, &data), 0x8a);
        assert_int_equal(data.data[0], '0' + i);
    }
    client_leave(&client);
}

/* Registered with IANA since the RFC. */
static void newer_codes(void **state)
{
    (void)state;
    start();
    for (int code = 1012; code <= 1014; code++) {
        struct client client;
        char heard[40];

        join(&client);
        client_send_close(&client, code);
        client_expect_close(&client, code);
        client_expect_end(&client);
        snprintf(heard, sizeof heard, "close:%d: ", code);
        assert_string_equal(last_heard(&client), heard);
    }
}

/* Its Close comes while more waits than the socket takes: all of it goes out,
 * and the answer behind it. */
static void closed_while_output_waits(void **state)
{
    static char data[60000];
    struct client client;
    struct buf part = { 0 };

    (void)state;
    net.conf.limits.send_queue = 64 << 20;
    start();
    join(&client);
    for (int i = 0; i < 400; i++) {
        assert_int_equal(bay_send_binary(last_opened, data, sizeof data),
                         BAY_OK);
    }
    net_serve_ms(20);
    assert_true(bay_conn_backlog(last_opened) > sizeof data);
    client_send_close(&client, 1000);
    client_text(&client, "behind the Close");
    net_serve_ms(20);
    for (int i = 0; i < 400; i++) {
        assert_int_equal(client_frame(&client, &part), 0x82);
        assert_int_equal(part.len, sizeof data);
    }
    client_expect_close(&client, 1000);
    client_expect_end(&client);
    assert_string_equal(last_heard(&client), "close:1000: ");
}

/* Its Close comes with much behind it: ours is not lost to a reset. */
static void much_behind_a_close(void **state)
{
    static char data[300000];
    struct client client;
    size_t len;

    (void)state;
    start();
    join(&client);
    len = frame_of((unsigned char *)data, 0x88, true, "\x03\xe8", 2);
    client_send(&client, data, len);
    client_send(&client, data + 1000, sizeof data - 1000);
    net_serve_ms(20);
    client_send(&client, data + 1000, 1000);
    client_expect_close(&client, 1000);
    client_expect_end(&client);
    assert_string_equal(last_heard(&client), "close:1000: ");
}

/* It breaks the protocol and goes on sending: its Close is not lost to that,
 * and it is not listened to for long. */
static void faults_without_an_end(void **state)
{
    struct client client;
    struct buf data = { 0 };

    (void)state;
    start();
    join(&client);
    client_send(&client, "\x83\x80\0\0\0\0", 6);
    for (int i = 0; i < 50; i++) {
        client_text(&client, "on and on");
        net_serve_ms(1);
    }
    assert_int_equal(client_frame(&client, &data), 0x88);
    net_until(net_heard("close:1002:unknown opcode"));
    client_leave(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(echoes),
        NET_TEST(fragments),
        NET_TEST(messages_that_come_early),
        NET_TEST(pings_are_answered),
        NET_TEST(closed_by_the_peer),
        NET_TEST(closed_in_one_piece_with_messages),
        NET_TEST(closed_by_us),
        NET_TEST(closed_by_both),
        NET_TEST(faults),
        NET_TEST(several_faults_at_once),
        NET_TEST(gone_without_a_word),
        NET_TEST(connect_is_refused),
        NET_TEST(hidden_faults),
        NET_TEST(every_ping_is_answered),
        NET_TEST(newer_codes),
        NET_TEST(closed_while_output_waits),
        NET_TEST(much_behind_a_close),
        NET_TEST(faults_without_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
