/* test_expect.c - what a failing expectation prints */
#include "puppet.h"

static char told[4096];

static void keep(const char *text)
{
    snprintf(told, sizeof told, "%s", text);
}

static bay_test *test;
static bay_peer *ann;

static int setup(void **state)
{
    puppet_setup(state);
    bay_expect_report(keep);
    puppet.message = puppet_echo;
    test = bay_test_new(&puppet_plugin, NULL);
    ann = puppet_connect(test);
    told[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return bay_test_free(test);
}

/* The last expectation failed and said this, after its place in this file. */
static void failed(const char *text)
{
    static const char file[] = __FILE__ ":";
    char *end;

    assert_int_equal(strncmp(told, file, sizeof file - 1), 0);
    assert_true(strtol(told + sizeof file - 1, &end, 10) > 0);
    assert_int_equal(strncmp(end, ": ", 2), 0);
    assert_string_equal(end + 2, text);
    told[0] = '\0';
}

static void place(void **state)
{
    char wanted[256];
    int line;

    (void)state;
    line = __LINE__ + 1;
    BAY_EXPECT(line == 0);
    snprintf(wanted, sizeof wanted,
             "%s:%d: line == 0\n    got:    false\n    wanted: true", __FILE__,
             line);
    assert_string_equal(told, wanted);
}

static void texts(void **state)
{
    (void)state;
    bay_peer_text(ann, "hallo \"you\"\n\x01");
    bay_peer_binary(ann, "\x00\xff", 2);
    BAY_EXPECT_TEXT(ann, "hello");
    failed("ann\n    got:    the text \"hallo \\\"you\\\"\\n\\x01\"\n"
           "    wanted: the text \"hello\"");
    BAY_EXPECT_TEXT(ann, "hello");
    failed("ann\n    got:    the binary message of 2 bytes: 00 ff\n"
           "    wanted: the text \"hello\"");
    BAY_EXPECT_HAS(ann, "hello");
    failed("ann\n    got:    nothing\n"
           "    wanted: a text with \"hello\" in it");
    bay_peer_text(ann, "hello");
    BAY_EXPECT_BINARY(ann, "hello", 5);
    failed("ann\n    got:    the text \"hello\"\n"
           "    wanted: the binary message of 5 bytes: 68 65 6c 6c 6f");
    bay_peer_text(ann, "hello");
    BAY_EXPECT_SILENT(ann);
    failed("ann\n    got:    the text \"hello\"\n    wanted: no message");
    assert_true(BAY_EXPECT_TEXT(ann, "hello")); /* it was not taken */
    assert_string_equal(told, "");
}

static void long_texts(void **state)
{
    char text[1001] = { 0 };

    (void)state;
    memset(text, 'x', 1000);
    bay_peer_text(ann, text);
    BAY_EXPECT_TEXT(ann, "y");
    assert_non_null(strstr(told, "xxx\"... (1000 bytes)\n"));
    assert_true(strlen(told) < 600);
}

static int refuses(bay_conn *conn, bay_request *req)
{
    (void)conn;
    (void)req;
    return 403;
}

static void ends(void **state)
{
    bay_peer *bob;

    (void)state;
    BAY_EXPECT_CLOSED(ann, 1000);
    failed("ann\n    got:    it is open\n    wanted: it was closed (1000)");
    bay_peer_leave(ann, 4000, "bye");
    BAY_EXPECT_OPEN(ann);
    failed("ann\n    got:    it was closed (4000 \"bye\")\n"
           "    wanted: it is open");
    BAY_EXPECT_TEXT(ann, "hello");
    failed("ann\n    got:    nothing: it was closed (4000 \"bye\")\n"
           "    wanted: the text \"hello\"");
    puppet.handshake = refuses;
    bob = puppet_connect(test);
    BAY_EXPECT_STATUS(bob, 101);
    failed("bob\n    got:    the status 403\n    wanted: the status 101");
    BAY_EXPECT_OPEN(bob);
    failed("bob\n    got:    its handshake was refused (403)\n"
           "    wanted: it is open");
    BAY_EXPECT_SILENT((bay_peer *)NULL);
    failed("(bay_peer *)NULL\n    got:    there is no such peer (NULL)\n"
           "    wanted: no message");
}

static void values(void **state)
{
    int two = 2;

    (void)state;
    BAY_EXPECT(two == 3);
    failed("two == 3\n    got:    false\n    wanted: true");
    BAY_EXPECT_EQUAL(two, 3);
    failed("two\n    got:    2\n    wanted: 3");
    BAY_EXPECT_STRING("a", NULL);
    failed("\"a\"\n    got:    \"a\"\n    wanted: NULL");
    assert_true(BAY_EXPECT(two == 2));
    assert_true(BAY_EXPECT_EQUAL(two, 2));
    assert_true(BAY_EXPECT_STRING(NULL, NULL));
    assert_string_equal(told, "");
}

static int logs(bay_conn *conn, const bay_message *msg)
{
    bay_conn_log(conn, BAY_WARN, "got %s", msg->data);
    bay_log(bay_conn_route(conn), BAY_DEBUG, "and that");
    return 0;
}

static void lines(void **state)
{
    char line[64];

    (void)state;
    puppet.message = logs;
    BAY_EXPECT_LOG(test, "got");
    failed("the log\n    got:    no such line\n"
           "    wanted: a line with \"got\" in it");
    bay_peer_text(ann, "hello");
    snprintf(line, sizeof line, "warn #%llu 127.0.0.1: got hello",
             (unsigned long long)bay_peer_id(ann));
    BAY_EXPECT_STRING(bay_test_log(test), line);
    BAY_EXPECT_LOG(test, "got");
    failed("the log\n    got:    no such line; the last is \"debug: and "
           "that\"\n    wanted: a line with \"got\" in it");
    assert_null(bay_test_log(test));
    for (int i = 0; i < 600; i++) {
        bay_peer_text(ann, "x");
    }
    for (int i = 0; i < 1000; i++) { /* no more are kept */
        assert_non_null(bay_test_log(test));
    }
    assert_null(bay_test_log(test));
}

static int no_start(bay_route *route)
{
    (void)route;
    return BAY_ENOMEM;
}

static void refusals(void **state)
{
    (void)state;
    BAY_EXPECT_REFUSED(&puppet_plugin, NULL, "x");
    failed("the plugin\n    got:    it started\n"
           "    wanted: refused, with \"x\" in its reason");
    puppet.start = no_start;
    BAY_EXPECT_REFUSED(&puppet_plugin, NULL, "x");
    failed("the plugin\n    got:    the plugin puppet: its start hook failed: "
           "out of memory (-1)\n    wanted: refused, with \"x\" in its reason");
    assert_null(bay_test_new(&puppet_plugin, NULL));
    assert_string_equal(told, "the test does not start: the plugin puppet: its "
                              "start hook failed: out of memory (-1)");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(place),  TEST(texts), TEST(long_texts), TEST(ends),
        TEST(values), TEST(lines), TEST(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
