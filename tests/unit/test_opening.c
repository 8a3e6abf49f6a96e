/* test_opening.c - what of a connection's requests libwebsockets gets to see */
#include "net_rig.h"

#include "net/link.h"
#include "net/opening.h"

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

/* A link that has been accepted, and nothing more. */
static struct link accepted;
static struct buf seen;  /* by libwebsockets */
static struct buf early; /* behind a request for WebSocket */

static int begin(void **state)
{
    accepted = (struct link){ .server = calloc(1, sizeof *accepted.server) };
    if (accepted.server == NULL) {
        return -1;
    }
    accepted.server->stats = calloc(1, sizeof *accepted.server->stats);
    (void)state;
    return accepted.server->stats == NULL ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    opening_finish(&accepted.intake.opening);
    buf_free(&seen);
    buf_free(&early);
    free(accepted.server->stats);
    free(accepted.server);
    return 0;
}

/* As recv does it: what was held comes first, and what was read behind it. */
static void come(const char *data, size_t len)
{
    static char all[3 * SERVER_HEADERS_MAX];
    size_t before = opening_before(&accepted.intake.opening, all);
    const char *rest = NULL;
    size_t rest_len = 0;

    assert_true(before + len <= sizeof all);
    memcpy(all + before, data, len);
    len = opening_take(&accepted, all, before + len, &rest, &rest_len);
    buf_add(&seen, all, len);
    buf_add(&early, rest, rest_len);
}

/* In pieces of so many bytes. */
static void come_in_pieces(const char *text, size_t piece)
{
    size_t len = strlen(text);

    buf_clear(&seen);
    buf_clear(&early);
    for (size_t at = 0; at < len; at += piece) {
        come(text + at, len - at < piece ? len - at : piece);
    }
}

static void expect_seen(const char *text)
{
    assert_int_equal(seen.len, strlen(text));
    assert_memory_equal(seen.data, text, seen.len);
}

/* ---- what is let through ----------------------------------------------- */

static void a_head_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= strlen(GET); piece++) {
        come_in_pieces(GET, piece);
        expect_seen(GET);
        assert_null(
            accepted.intake.opening.head.data); /* nothing is kept of it */
    }
}

static void none_of_a_half_head(void **state)
{
    (void)state;
    come(GET, strlen(GET) - 1);
    assert_int_equal(seen.len, 0);
    assert_int_equal(accepted.intake.opening.head.len, strlen(GET) - 1);
    come("\n", 1);
    expect_seen(GET);
}

static void several_and_their_bodies(void **state)
{
    /* The body looks like a head that is none. */
    static const char all[] =
        "POST /a HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 12\r\n\r\nget /\r\n\r\n\r\n\r" GET
        "POST /b HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 0\r\n\r\n" GET;

    (void)state;
    for (size_t piece = 1; piece < sizeof all; piece++) {
        come_in_pieces(all, piece);
        expect_seen(all);
        assert_int_equal(accepted.intake.opening.body, 0);
        assert_false(accepted.intake.opening.refused);
    }
}

static void all_behind_a_body_without_a_length(void **state)
{
    static const char chunks[] = "POST /a HTTP/1.1\r\nHost: x\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n"
                                 "3\r\nabc\r\n0\r\n\r\nno request";

    (void)state;
    come_in_pieces(chunks, 7);
    expect_seen(chunks);
    assert_true(accepted.intake.opening.opaque);
}

static void nothing_behind_a_websocket(void **state)
{
    static const char upgrade[] =
        "GET /a HTTP/1.1\r\nHost: x\r\n" NET_UPGRADE "\r\n";
    struct buf all = { 0 };

    (void)state;
    buf_adds(&all, upgrade);
    buf_adds(&all, "frames");
    come_in_pieces(all.data, all.len);
    expect_seen(upgrade);
    assert_int_equal(early.len, 6);
    assert_memory_equal(early.data, "frames", 6);
    buf_free(&all);
}

/* ---- what is refused behind other requests ------------------------------ */

/* Its answer has to wait for theirs, so the connection ends with those. */
static void what_comes_behind(void **state)
{
    static char endless[SERVER_HEADERS_MAX + 100];
    static const struct {
        const char *text;
        unsigned too_long;
    } cases[] = { { "\x16\x03\x01 no request", 0 },
                  { "GET /b HTTP/1.1\r\n\r\n", 0 },
                  { endless, 1 } };
    const size_t longest = sizeof endless - 1;

    (void)state;
    snprintf(endless, sizeof endless, "GET / HTTP/1.1\r\nX: %0*d",
             (int)longest - 19, 7);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct opening *opening = &accepted.intake.opening;
        struct buf all = { 0 };

        *opening = (struct opening){ 0 };
        stat_set(&accepted.server->stats->heads_too_long, 0);
        buf_adds(&all, GET);
        buf_adds(&all, cases[i].text);
        come_in_pieces(all.data, all.len);
        expect_seen(GET);
        assert_true(opening->refused && opening->last);
        assert_int_equal(stat_get(&accepted.server->stats->heads_too_long),
                         cases[i].too_long);
        come(GET, strlen(GET)); /* too late */
        expect_seen(GET);
        buf_free(&all);
        opening_finish(opening);
    }
}

/* ---- what is refused at once ------------------------------------------- */

static void refused_and_answered(void **state)
{
    static char endless[SERVER_HEADERS_MAX + 100];
    static const struct {
        const char *text, *allow;
        int status;
    } cases[] = {
        { "\x16\x03\x01 no request", NULL, 400 },
        { "GET /a HTTP/1.1\r\n\r\n", NULL, 400 },
        { endless, NULL, 431 },
        { "POST /a HTTP/1.1\r\nHost: x\r\n" NET_UPGRADE "\r\n", "GET", 405 },
    };
    uint64_t errors;

    (void)state;
    memset(endless, 'x', sizeof endless - 1);
    memcpy(endless, "GET / HTTP/1.1\r\nX: ", 19);
    net_start_route("/a");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client;

        errors = stat_get(&net.stats->handshake_errors);
        client_connect(&client);
        client_say(&client, cases[i].text);
        assert_int_equal(client_answer(&client), cases[i].status);
        assert_int_equal(answer_header("allow") != NULL,
                         cases[i].allow != NULL);
        client_say(&client, GET); /* read and dropped, which is no reset */
        client_expect_end(&client);
        assert_int_equal(client.error, 0);
        client_leave(&client);
        assert_int_equal(stat_get(&net.stats->handshake_errors), errors + 1);
    }
    assert_int_equal(stat_get(&net.stats->heads_too_long), 1);
    assert_int_equal(caught_log_count("limit head: a request has more than"),
                     1);
}

#define OPENING_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPENING_TEST(a_head_in_any_pieces),
        OPENING_TEST(none_of_a_half_head),
        OPENING_TEST(several_and_their_bodies),
        OPENING_TEST(all_behind_a_body_without_a_length),
        OPENING_TEST(nothing_behind_a_websocket),
        OPENING_TEST(what_comes_behind),
        NET_TEST(refused_and_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
