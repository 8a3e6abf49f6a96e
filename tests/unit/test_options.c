/* test_options.c - options of a route: where a value is from, what is wrong */
#include "plugin/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const bay_option table[] = {
    { "title", BAY_OPT_STR, "none", "what to call it", 0, 0 },
    { "history", BAY_OPT_INT, "100", "messages to keep", 0, 10000 },
    { "loud", BAY_OPT_BOOL, "no", NULL, 0, 0 },
    { "room", BAY_OPT_BYTES, "64k", NULL, 1, 1 << 20 },
    { "wait", BAY_OPT_MS, "30s", NULL, 0, 0 },
    { 0 },
};

static int hook(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

static const bay_plugin chat = { BAY_INIT, .name = "chat", .options = table,
                                 .message = hook };

struct fixture {
    char file[64];
    struct conf *conf;
    struct problems problems;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    strcpy(fixture->file, "/tmp/test_options.XXXXXX");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    unlink(fixture->file);
    conf_free(fixture->conf);
    problems_free(&fixture->problems);
    free(fixture);
    return 0;
}

/* Two routes, [route.a] and [route.b], with plugin chat. */
static void load(struct fixture *fixture, const char *a, const char *rest)
{
    int fd = mkstemp(fixture->file);

    assert_true(fd >= 0);
    assert_true(dprintf(fd,
                        "[route.a]\npath = /a\nplugin = chat\n%s"
                        "[route.b]\npath = /b\nplugin = chat\n%s",
                        a, rest) > 0);
    close(fd);
    fixture->conf = conf_load(fixture->file, &fixture->problems);
    if (fixture->conf == NULL) {
        problems_print(&fixture->problems, stderr);
        fail();
    }
}

static struct options *resolve(struct fixture *fixture, size_t route)
{
    return options_resolve(&chat, fixture->conf, &fixture->conf->routes[route],
                           &fixture->problems);
}

static struct options *resolve_good(struct fixture *fixture, size_t route)
{
    struct options *options = resolve(fixture, route);

    if (options == NULL) {
        problems_print(&fixture->problems, stderr);
        fail();
    }
    assert_int_equal(fixture->problems.count, 0);
    return options;
}

static void expect(const struct fixture *fixture, size_t index, int line,
                   const char *text)
{
    assert_true(index < fixture->problems.count);
    assert_string_equal(fixture->problems.list[index].text, text);
    assert_int_equal(fixture->problems.list[index].line, line);
    assert_string_equal(fixture->problems.list[index].file, fixture->file);
}

static void test_fallbacks(void **state)
{
    struct options *options;

    load(*state, "", "");
    options = resolve_good(*state, 0);
    assert_string_equal(options_str(options, "title"), "none");
    assert_int_equal(options_int(options, "title"), 0);
    assert_string_equal(options_str(options, "history"), "100");
    assert_int_equal(options_int(options, "history"), 100);
    assert_int_equal(options_int(options, "loud"), 0);
    assert_int_equal(options_int(options, "room"), 65536);
    assert_string_equal(options_str(options, "room"), "64k");
    assert_int_equal(options_int(options, "wait"), 30000);
    assert_null(options_str(options, "nosuch"));
    assert_int_equal(options_int(options, "nosuch"), 0);
    options_free(options);
    options_free(NULL);
}

static void test_precedence(void **state)
{
    struct options *a;
    struct options *b;

    load(*state, "chat.history = 5\nchat.title = \"A; first\"\n",
         "[plugin.chat]\nhistory = 7\nloud = yes\n");
    a = resolve_good(*state, 0);
    b = resolve_good(*state, 1);
    assert_int_equal(options_int(a, "history"), 5);
    assert_string_equal(options_str(a, "title"), "A; first");
    assert_int_equal(options_int(a, "loud"), 1);
    assert_int_equal(options_int(b, "history"), 7);
    assert_string_equal(options_str(b, "title"), "none");
    options_free(a);
    options_free(b);
}

/* Options outlive the plugin they were declared by. */
static void test_copied(void **state)
{
    struct fixture *fixture = *state;
    char name[] = "history";
    char fallback[] = "12";
    bay_option own[] = { { name, BAY_OPT_INT, fallback, NULL, 0, 0 }, { 0 } };
    bay_plugin plugin = chat;
    struct options *options;

    load(fixture, "", "");
    plugin.options = own;
    options = options_resolve(&plugin, fixture->conf, &fixture->conf->routes[0],
                              &fixture->problems);
    assert_non_null(options);
    memset(name, 'x', sizeof name);
    memset(fallback, 'x', sizeof fallback);
    assert_string_equal(options_str(options, "history"), "12");
    options_free(options);
}

static void test_unknown(void **state)
{
    struct fixture *fixture = *state;

    load(fixture, "chat.histry = 5\nchat.colour = red\n",
         "[plugin.chat]\nlod = yes\n");
    assert_null(resolve(fixture, 0));
    assert_int_equal(fixture->problems.count, 3);
    expect(fixture, 0, 4,
           "[route.a] chat.histry: no such option of plugin chat, did you "
           "mean \"history\"?");
    expect(fixture, 1, 5,
           "[route.a] chat.colour: no such option of plugin chat: it has "
           "title, history, loud, room, wait");
    expect(fixture, 2, 10,
           "[plugin.chat] lod: no such option of plugin chat, did you mean "
           "\"loud\"?");
}

static void test_without_options(void **state)
{
    struct fixture *fixture = *state;
    bay_plugin plugin = chat;

    load(fixture, "chat.history = 5\n", "");
    plugin.options = NULL;
    assert_null(options_resolve(&plugin, fixture->conf,
                                &fixture->conf->routes[0], &fixture->problems));
    expect(fixture, 0, 4,
           "[route.a] chat.history: no such option of plugin chat: it has no "
           "options");
}

/* Also those that no route gets, since each sets its own. */
static void test_wrong_values(void **state)
{
    struct fixture *fixture = *state;

    load(fixture, "chat.history = 10001\nchat.wait = 30\n",
         "[plugin.chat]\nhistory = many\n");
    assert_null(resolve(fixture, 0));
    assert_int_equal(fixture->problems.count, 3);
    expect(fixture, 0, 4,
           "[route.a] chat.history: 10001 is out of range: 0 to 10000");
    expect(fixture, 1, 5,
           "[route.a] chat.wait: \"30\" is not a time such as 250ms, 30s, 5m "
           "or 1h");
    expect(fixture, 2, 10,
           "[plugin.chat] history: \"many\" is not a number (0 to 10000)");
}

static void test_required(void **state)
{
    static const bay_option required[] = {
        { "secret", BAY_OPT_STR, NULL, "what signs the tokens", 0, 0 },
        { "realm", BAY_OPT_STR, NULL, NULL, 0, 0 },
        { 0 },
    };
    struct fixture *fixture = *state;
    bay_plugin plugin = chat;
    struct options *options;

    load(fixture, "chat.secret = x\n", "[plugin.chat]\nrealm = r\n");
    plugin.options = required;
    options = options_resolve(&plugin, fixture->conf, &fixture->conf->routes[0],
                              &fixture->problems);
    assert_non_null(options);
    options_free(options);
    assert_null(options_resolve(&plugin, fixture->conf,
                                &fixture->conf->routes[1], &fixture->problems));
    assert_int_equal(fixture->problems.count, 1);
    expect(fixture, 0, 5,
           "[route.b] chat.secret: missing, and plugin chat cannot do without "
           "it: what signs the tokens");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fallbacks),       TEST(test_precedence),
        TEST(test_copied),          TEST(test_unknown),
        TEST(test_without_options), TEST(test_wrong_values),
        TEST(test_required),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
