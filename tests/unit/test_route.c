/* test_route.c - the [plugin.NAME] and [route.NAME] sections */
#include "base/buf.h"
#include "ini_file.h"

static void paths(void **state)
{
    struct conf *conf = ini_file_load("[server]\n"
                                      "plugin_dir = lib\n"
                                      "[route.one]\n"
                                      "path = /chat\n"
                                      "plugin = chat\n"
                                      "[route.all]\n"
                                      "plugin = echo\n"
                                      "path = /rooms/*\n"
                                      "on_reload = close\n");
    const struct conf_route *route = conf->routes;
    char file[100];

    (void)state;
    assert_int_equal(conf->route_count, 2);
    assert_string_equal(route[0].name, "one");
    assert_int_equal(route[0].line, 3);
    assert_string_equal(route[0].path, "/chat");
    assert_int_equal(route[0].path_line, 4);
    assert_int_equal(route[0].path_len, 5);
    assert_false(route[0].prefix);
    assert_string_equal(route[0].plugin, "chat");
    assert_int_equal(route[0].plugin_line, 5);
    snprintf(file, sizeof file, "%s/lib/chat.so", ini_folder);
    assert_string_equal(route[0].plugin_file, file);
    assert_int_equal(route[0].on_reload, CONF_RELOAD_MIGRATE);
    assert_int_equal(route[0].options.count, 0);
    assert_string_equal(route[1].path, "/rooms/*");
    assert_int_equal(route[1].path_len, 7);
    assert_true(route[1].prefix);
    assert_int_equal(route[1].path_line, 8);
    assert_int_equal(route[1].on_reload, CONF_RELOAD_CLOSE);
    conf_free(conf);
}

static void limits(void **state)
{
    struct conf *conf = ini_file_load("[route.a]\n" /* before [limits] */
                                      "path = /a\n"
                                      "plugin = echo\n"
                                      "max_message = 2m\n"
                                      "origins = http://a\n"
                                      "[limits]\n"
                                      "max_message = 3m\n"
                                      "idle = 9s\n"
                                      "origins = http://x, http://y\n"
                                      "[route.b]\n"
                                      "path = /b\n"
                                      "plugin = echo\n"
                                      "idle = 0\n"
                                      "[route.c]\n"
                                      "path = /c\n"
                                      "plugin = echo\n"
                                      "origins =\n");
    const struct conf_limits *a = &conf->routes[0].limits;
    const struct conf_limits *b = &conf->routes[1].limits;
    const struct conf_limits *c = &conf->routes[2].limits;

    (void)state;
    assert_int_equal(a->max_message, 2 << 20);
    assert_int_equal(a->idle_ms, 9000);
    assert_int_equal(a->origin_count, 1);
    assert_string_equal(a->origins[0], "http://a");
    assert_int_equal(b->max_message, 3 << 20);
    assert_int_equal(b->idle_ms, 0);
    assert_int_equal(b->origin_count, 2);
    assert_string_equal(b->origins[1], "http://y");
    assert_int_equal(c->origin_count, 0);
    conf_free(conf);
}

static void is_option(const struct conf_option *option, const char *name,
                      const char *value, int line)
{
    assert_string_equal(option->name, name);
    assert_string_equal(option->value, value);
    assert_int_equal(option->line, line);
}

static void options(void **state)
{
    struct conf *conf = ini_file_load("[plugin.chat]\n"
                                      "history = 100\n"
                                      "motd = \"a; b\"\n"
                                      "[route.a]\n"
                                      "path = /a\n"
                                      "plugin = chat\n"
                                      "chat.history = 200\n"
                                      "chat.a.b = x\n"
                                      "[plugin.echo]\n"
                                      "[route.b]\n"
                                      "path = /b\n"
                                      "plugin = echo\n");
    const struct conf_plugin *chat = conf_find_plugin(conf, "chat");

    (void)state;
    assert_non_null(chat);
    assert_int_equal(chat->line, 1);
    assert_int_equal(chat->options.count, 2);
    is_option(&chat->options.list[0], "history", "100", 2);
    is_option(&chat->options.list[1], "motd", "a; b", 3);
    assert_int_equal(conf_find_plugin(conf, "echo")->options.count, 0);
    assert_null(conf_find_plugin(conf, "greeter"));
    assert_int_equal(conf->routes[0].options.count, 2);
    is_option(&conf->routes[0].options.list[0], "history", "200", 7);
    is_option(&conf->routes[0].options.list[1], "a.b", "x", 8);
    conf_free(conf);
}

static void as_many_as_allowed(void **state)
{
    struct buf text = { 0 };
    struct conf *conf;

    (void)state;
    for (int i = 0; i < CONF_MAX_ROUTES; i++) {
        buf_addf(&text, "[route.r%d]\npath = /%d\nplugin = echo\n", i, i);
    }
    conf = ini_file_load(text.data);
    assert_int_equal(conf->route_count, CONF_MAX_ROUTES);
    assert_string_equal(conf->routes[255].name, "r255");
    conf_free(conf);
    buf_adds(&text, "[route.more]\npath = /x\nplugin = echo\n"
                    "[route.evenmore]\npath = /y\nplugin = echo\n");
    ini_file_refuse(text.data,
                    "p.ini:769: [route.more]: more than 256 routes\n");
    buf_free(&text);
}

#define TWO_ROUTES                                         \
    "[route.a]\npath = /a\nplugin = echo\n[plugin.chat]\n" \
    "[route.b]\npath = /b\nplugin = chat\n"

#define HERE "[server]\nplugin_dir = .\n"

/* Which of the two routes' plugins can be looked at. */
static void finds(const char *head, const char *tail, bool first, bool second)
{
    struct problems problems = { 0 };
    struct conf *conf;
    char text[400];

    snprintf(text, sizeof text, "%s" TWO_ROUTES "%s", head, tail);
    ini_file_write(text);
    conf = conf_read(INI_FILE, &problems);
    assert_non_null(conf);
    assert_int_equal(conf->route_count, 2);
    assert_int_equal(conf->routes[0].plugin_file != NULL, first);
    assert_int_equal(conf->routes[1].plugin_file != NULL, second);
    conf_free(conf);
    problems_free(&problems);
}

/* ... in spite of other errors, unless these make the plugins look wrong. */
static void plugins_that_can_be_looked_at(void **state)
{
    (void)state;
    finds("", "", true, true);
    finds(HERE "lisen = x\n", "", true, true);
    finds("[server]\nplugn_dir = .\n", "", false, false);
    finds(HERE "user = nobodyatall\n", "", false, false);
    finds(HERE, "max_message = many\n", true, true);
    finds(HERE, "chat.history = \"5\n", true, false);
    finds(HERE, "history 5\n", true, false);
    finds(HERE, "[plugin.chat]\nhistory 5\n", true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(limits),
        cmocka_unit_test(options),
        cmocka_unit_test(as_many_as_allowed),
        cmocka_unit_test(plugins_that_can_be_looked_at),
    };

    return cmocka_run_group_tests(tests, ini_file_set_up, ini_file_tear_down);
}
